"""The allocator's decision, and what the owner and others tell it."""

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from busbar_contracts.base import Command, Observed, Order
from busbar_contracts.load import Detection, LoadMode
from busbar_contracts.units import (
    Amps,
    Instant,
    PhaseCount,
    PositiveWatts,
    Reason,
    Seconds,
    SignedAmps,
    Watts,
)


class Distribution(StrEnum):
    """How what is there is shared among loads of the same round."""

    SHARED = "shared"
    PRIORITY = "priority"
    OPTIMIZED = "optimized"
    STRICT = "strict"

    @classmethod
    def _missing_(cls, value: object) -> "Distribution | None":
        """Load Juggler's words for two of them, and any spelling of ours, are understood when read."""
        word = str(value).strip().lower().removeprefix("sequential").strip(" -")
        return next((one for one in cls if one.value == word), None)


class SiteSettings(Observed, frozen=True, kw_only=True):
    """What the owner wants of the whole site."""

    distribution: Annotated[Distribution, Meta(description="Distribution mode.")] = Distribution.PRIORITY
    import_limit_w: Annotated[
        PositiveWatts | None, Meta(description="Most import of the whole site; null: the main breaker alone.")
    ] = None
    power_buffer_w: Annotated[
        PositiveWatts, Meta(description="Kept free of the import limit and the main breaker.")
    ] = 0.0
    excess_threshold_w: Annotated[
        PositiveWatts, Meta(description="Export above which Excess loads may run.")
    ] = 13_000.0
    excess_uses: Annotated[
        Literal["above", "all"],
        Meta(description="What Excess may use: only what exceeds the threshold, or all once it is exceeded."),
    ] = "above"
    grid_charging: Annotated[
        bool, Meta(description="Loads may take energy from the grid (sites with a battery).")
    ] = True
    refused: Annotated[
        str, Meta(description="The last change that was refused, and why; empty when none.")
    ] = ""
    at: Annotated[Instant | None, Meta(description="When the settings last changed.")] = None


class SiteSettingsSet(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes what the owner wants of the site. Only what is given changes."""

    distribution: Annotated[Distribution | UnsetType, Meta(description="Distribution mode.")] = UNSET
    import_limit_w: Annotated[
        PositiveWatts | UnsetType | None, Meta(description="Most import; null: the main breaker alone.")
    ] = UNSET
    power_buffer_w: Annotated[PositiveWatts | UnsetType, Meta(description="Kept free.")] = UNSET
    excess_threshold_w: Annotated[
        PositiveWatts | UnsetType, Meta(description="Export above which Excess loads may run.")
    ] = UNSET
    excess_uses: Annotated[Literal["above", "all"] | UnsetType, Meta(description="What Excess may use.")] = (
        UNSET
    )
    grid_charging: Annotated[bool | UnsetType, Meta(description="Loads may take energy from the grid.")] = (
        UNSET
    )


class SiteLimit(Order, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits the whole site from outside, for example by order of the grid operator."""

    import_limit_w: Annotated[
        PositiveWatts | None, Meta(description="Most import; null: not limited by this.")
    ] = None
    export_limit_w: Annotated[
        PositiveWatts | None, Meta(description="Most export; null: not limited by this.")
    ] = None


class LoadGrant(Struct, frozen=True, kw_only=True):
    """What one load gets, and why."""

    limit_a: Annotated[Amps, Meta(description="Granted now, per leg.")]
    target_a: Annotated[Amps, Meta(description="Where it should settle, per leg.")]
    available_a: Annotated[
        Amps,
        Meta(description="What it gets or, when idle, what it would get if it woke up after the others."),
    ]
    reason: Annotated[Reason, Meta(description="Why, in plain English.")]
    binding: Annotated[
        str | None, Meta(description="The row that binds, for machines: kind, and what it belongs to.")
    ] = None
    mode: Annotated[LoadMode, Meta(description="Operating mode in force.")] = LoadMode.STANDARD
    limit_w: Annotated[
        PositiveWatts | None, Meta(description="The same limit in watts over the legs in use.")
    ] = None
    legs: Annotated[tuple[str, ...], Meta(description="Site phase of each leg that counts.")] = ()
    number_of_phases: Annotated[
        PhaseCount | None, Meta(description="Phases ordered, where the charger can switch.")
    ] = None
    draw_a: Annotated[Amps | None, Meta(description="What it is believed to draw on its busiest leg.")] = None
    served: Annotated[bool, Meta(description="It wants power and takes part.")] = False
    detection: Annotated[Detection | None, Meta(description="What was learned about its wiring.")] = None


class PhaseHeadroom(Struct, frozen=True, kw_only=True):
    """One phase of one circuit."""

    limit_a: Annotated[Amps, Meta(description="What it may carry.")]
    current_a: Annotated[SignedAmps | None, Meta(description="Measured current; import is positive.")] = None
    background_a: Annotated[SignedAmps | None, Meta(description="The part that is not managed.")] = None
    granted_a: Annotated[Amps, Meta(description="Sum of the grants on it.")] = 0.0
    headroom_a: Annotated[
        SignedAmps | None, Meta(description="Limit less background less grants; negative when overloaded.")
    ] = None


class CircuitHeadroom(Struct, frozen=True, kw_only=True):
    """One circuit, phase by phase; a phase the site does not have is null."""

    a: Annotated[PhaseHeadroom | None, Meta(description="Phase a.")] = None
    b: Annotated[PhaseHeadroom | None, Meta(description="Phase b.")] = None
    c: Annotated[PhaseHeadroom | None, Meta(description="Phase c.")] = None


class BatteryRoom(Struct, frozen=True, kw_only=True):
    """What the phases bear of a battery beside the grants."""

    charge_limit_w: Annotated[PositiveWatts, Meta(description="Most it may charge.")]
    discharge_limit_w: Annotated[PositiveWatts, Meta(description="Most it may discharge.")]


class Pools(Struct, frozen=True, kw_only=True):
    """The sources that followers of the sun live on."""

    surplus_w: Annotated[
        Watts | None,
        Meta(description="Net surplus: the sun less the house, whatever the battery does with it."),
    ] = None
    solar_w: Annotated[Watts | None, Meta(description="What Solar loads may use.")] = None
    excess_w: Annotated[Watts | None, Meta(description="What Excess loads may use.")] = None


class MeterHealth(StrEnum):
    """How far the grid meter is to be believed now."""

    FRESH = "fresh"
    STALE = "stale"
    LOST = "lost"
    STARTING = "starting"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "MeterHealth":
        return cls.UNKNOWN


class Allocation(Observed, frozen=True, kw_only=True):
    """The whole decision: who gets what, and why."""

    at: Annotated[Instant, Meta(description="When it was decided.")]
    meter: Annotated[MeterHealth, Meta(description="State of the grid meter.")]
    loads: Annotated[dict[str, LoadGrant], Meta(description="By the id of the load.")]
    circuits: Annotated[dict[str, CircuitHeadroom], Meta(description="By the id of the circuit.")]
    batteries: Annotated[dict[str, BatteryRoom], Meta(description="By the id of the battery.")] = {}
    pools: Annotated[Pools, Meta(description="Sun and excess.")] = Pools()
    distribution: Annotated[Distribution, Meta(description="Distribution mode in force.")] = (
        Distribution.PRIORITY
    )
    import_limit_w: Annotated[
        PositiveWatts | None, Meta(description="The smallest import limit in force; null: the breaker alone.")
    ] = None
    import_limit_source: Annotated[str | None, Meta(description="Who set the smallest import limit.")] = None
    reading_age_s: Annotated[Seconds | None, Meta(description="Age of the grid reading it rests on.")] = None
    polarity_advice: Annotated[
        tuple[str, ...], Meta(description="Phases whose current transformer seems inverted.")
    ] = ()
