"""What a charger's connector says, and what it is told. Status words are those of OCPP 1.6."""

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta, Struct

from busbar_contracts.base import Command, Observed, Order
from busbar_contracts.units import (
    Amps,
    Instant,
    LegCount,
    Percent,
    PhaseCount,
    Reason,
    Seconds,
    Tag,
    Text36,
    Text64,
    Text100,
    Text1000,
    Volts,
    WattHours,
    Watts,
)


class ConnectorStatus(StrEnum):
    """What a connector is doing (OCPP 1.6 section 7.7); 2.0.1 is translated into these words."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"
    UNKNOWN = "Unknown"

    @classmethod
    def _missing_(cls, value: object) -> "ConnectorStatus":
        return cls.UNKNOWN


class LeaseQuality(StrEnum):
    """Whether the charger falls back by itself when Busbar is silent."""

    PROVEN = "proven"
    ACCEPTED = "accepted"
    NONE = "none"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "LeaseQuality":
        return cls.UNKNOWN


class LegSample(Struct, frozen=True, kw_only=True):
    """One leg of the charger's own cable."""

    current_a: Annotated[Amps | None, Meta(description="Measured current.")] = None
    offered_a: Annotated[Amps | None, Meta(description="Current the charger offers the car.")] = None
    power_w: Annotated[
        Watts | None, Meta(description="Measured power; discharging into the house is negative.")
    ] = None
    voltage_v: Annotated[Volts | None, Meta(description="Between the leg and neutral.")] = None


class Session(Struct, frozen=True, kw_only=True):
    """One car, from plugged in to gone."""

    id: Annotated[str, Meta(description="Stable over restarts.")]
    transaction: Annotated[
        str | None, Meta(description="The transaction of the charge point, while one runs.")
    ]
    started_at: Annotated[
        Instant, Meta(description="When it began, by the charger's own time corrected for its drift.")
    ]
    energy_wh: Annotated[WattHours | None, Meta(description="Energy into the car so far.")] = None
    cost: Annotated[
        float | None,
        Meta(
            description="What its energy cost by the import prices so far; null where a part of it had no price.",
            extra_json_schema={"x-unit": "currency"},
        ),
    ] = None
    currency: Annotated[str | None, Meta(description="ISO 4217, of the cost; null without one.")] = None


class LimitInForce(Struct, frozen=True, kw_only=True):
    """What the charger was last told."""

    limit_a: Annotated[Amps, Meta(description="Largest current per leg.")]
    number_of_phases: Annotated[
        PhaseCount | None, Meta(description="Phases asked for; null: as many as the car uses.")
    ] = None
    since: Annotated[Instant, Meta(description="When it was sent.")]
    until: Annotated[
        Instant | None,
        Meta(description="When the charger falls back by itself if nothing more is said; null: never."),
    ] = None
    confirmed: Annotated[bool, Meta(description="The charger accepted it.")] = False
    issuer: Annotated[str, Meta(description="Who ordered the smallest limit, or `fallback`.")] = "fallback"
    reason: Annotated[Reason, Meta(description="Why, in plain English.")] = ""


class Capabilities(Struct, frozen=True, kw_only=True):
    """What the charger can do, as configured and as learned from it."""

    min_a: Annotated[Amps, Meta(description="Least current a car can use.")] = 6.0
    max_a: Annotated[Amps, Meta(description="Most current per leg.")] = 16.0
    step_a: Annotated[Amps, Meta(description="Smallest step of the limit.")] = 0.1
    legs: Annotated[int, Meta(ge=1, le=3, description="Legs of its cable.")] = 3
    unit: Annotated[Literal["A", "W"], Meta(description="Unit in which it takes limits.")] = "A"
    switches_phases: Annotated[bool, Meta(description="It can change the number of phases.")] = False
    holds_pause: Annotated[bool, Meta(description="It can hold a pause of 0 A by itself.")] = True
    measures: Annotated[bool, Meta(description="It measures what the car draws.")] = True


class ChargerState(Observed, frozen=True, kw_only=True):
    """What one connector is doing, and what it was last told."""

    at: Annotated[Instant, Meta(description="When this message was made.")]
    status: Annotated[ConnectorStatus, Meta(description="In the words of OCPP 1.6.")]
    link: Annotated[bool, Meta(description="The charge point is connected and answers.")]
    controllable: Annotated[bool, Meta(description="It obeys limits as far as is known.")] = True
    lease: Annotated[
        LeaseQuality, Meta(description="Whether it falls back by itself: proven, accepted, or none.")
    ] = LeaseQuality.UNKNOWN
    fallback_a: Annotated[Amps, Meta(description="What it falls back to by itself.")] = 0.0
    disobedient: Annotated[
        bool, Meta(description="It was seen to draw more than its limit for too long.")
    ] = False
    session: Annotated[Session | None, Meta(description="The car that is plugged in.")] = None
    sampled_at: Annotated[
        Instant | None,
        Meta(
            description="When the legs were measured, corrected for the charger's clock; the age of the figures is judged by this alone."
        ),
    ] = None
    l1: Annotated[LegSample | None, Meta(description="Leg 1 of the charger.")] = None
    l2: Annotated[LegSample | None, Meta(description="Leg 2 of the charger.")] = None
    l3: Annotated[LegSample | None, Meta(description="Leg 3 of the charger.")] = None
    power_w: Annotated[Watts | None, Meta(description="All legs together, at sampled_at.")] = None
    energy_wh: Annotated[WattHours | None, Meta(description="The charger's own energy register.")] = None
    soc_percent: Annotated[
        Percent | None, Meta(description="State of charge of the car, where it says so.")
    ] = None
    legs_in_use: Annotated[
        LegCount | None,
        Meta(description="Legs the car has shown in this session; null until it drew."),
    ] = None
    limit: Annotated[
        LimitInForce | None, Meta(description="What it was last told; null when nothing since its boot.")
    ] = None
    capabilities: Annotated[Capabilities, Meta(description="What it can do.")] = Capabilities()
    answer_s: Annotated[Seconds | None, Meta(description="How long it takes to answer, learned.")] = None
    worst_wait_s: Annotated[
        Seconds | None, Meta(description="The longest a call to it stood in the queue since it connected.")
    ] = None
    ocpp_version: Annotated[str | None, Meta(description="1.6, 2.0.1 or 2.1.")] = None
    vendor: Annotated[str | None, Meta(description="As it says itself.")] = None
    model: Annotated[str | None, Meta(description="As it says itself.")] = None
    firmware: Annotated[str | None, Meta(description="As it says itself.")] = None
    quirks: Annotated[tuple[str, ...], Meta(description="Known peculiarities in force.")] = ()
    last_refusal: Annotated[str | None, Meta(description="The last thing it refused, in plain English.")] = (
        None
    )
    last_answer: Annotated[str | None, Meta(description="The answer to the owner's last command.")] = None


class ChargerLimit(Order, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks a charger to offer the car at most this current on each leg."""

    limit_a: Annotated[Amps, Meta(description="Per leg; 0 is a pause.")]
    number_of_phases: Annotated[
        PhaseCount | None, Meta(description="Asks for so many phases where the charger can switch.")
    ] = None


class ChargerAction(StrEnum):
    """What the owner can ask of a connector."""

    START = "start"
    STOP = "stop"
    UNLOCK = "unlock"
    RESET = "reset"
    HARD_RESET = "hard_reset"
    CLEAR_PROFILES = "clear_profiles"
    RELEASE = "release"
    ENABLE = "enable"
    DISABLE = "disable"
    TRIGGER = "trigger"
    GET_CONFIGURATION = "get_configuration"
    SET_CONFIGURATION = "set_configuration"
    DIAGNOSTICS = "diagnostics"
    ACCEPT = "accept"
    VERIFY = "verify"


class ChargerCommand(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks a connector to do something once; the answer appears in its state."""

    action: Annotated[ChargerAction, Meta(description="What to do.")]
    tag: Annotated[Text36 | None, Meta(description="RFID tag for a start.")] = None
    key: Annotated[Text100 | None, Meta(description="Configuration key or triggered message.")] = None
    value: Annotated[Text1000 | None, Meta(description="Value for the key.")] = None
    id: Annotated[Text64 | None, Meta(description="Echoed with the answer.")] = None


class TagQuestion(Observed, frozen=True, kw_only=True):
    """A tag that is on no list wants to charge; without an answer in time it may not."""

    at: Annotated[Instant, Meta(description="When it was shown to the charger.")]
    id: Annotated[Text64, Meta(description="Of this question; the answer may name it.")]
    tag: Annotated[Tag, Meta(description="As the charger read it.")]
    connector: Annotated[
        str | None, Meta(description="Where it is to charge; null where the charger does not say (OCPP 1.6).")
    ] = None
    answer_by: Annotated[Instant, Meta(description="After this the tag is refused.")]
    within_s: Annotated[Seconds, Meta(description="The same, counted from the question.")]


class TagAnswer(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Says whether a tag that was asked about may charge; names the question's id, or its tag."""

    accepted: Annotated[bool, Meta(description="It may charge.")]
    id: Annotated[Text64 | None, Meta(description="Of the question; null: the one about this tag.")] = None
    tag: Annotated[Tag | None, Meta(description="The tag; null: the one of this question.")] = None
