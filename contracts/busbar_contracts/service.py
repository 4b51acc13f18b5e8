"""Life and problems of services, the simulator's truth, and Home Assistant's messages."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from busbar_contracts.base import Observed
from busbar_contracts.units import Amps, Instant, Percent, Reason, Seconds, SignedAmps, Watts


class ServiceStatus(Observed, frozen=True, kw_only=True):
    """Whether a service lives. Retained, refreshed every 5 s, and the service's last will."""

    state: Annotated[Literal["online", "offline"], Meta(description="offline is also the last will.")]
    instance: Annotated[str, Meta(description="Random per start: there is one writer per role.")]
    version: Annotated[str, Meta(description="Of the program.")]
    contract: Annotated[str, Meta(description="Version of the contract it speaks.")]
    started_at: Annotated[Instant, Meta(description="When this instance started.")]
    at: Annotated[Instant, Meta(description="When this was said; older than 15 s is not fresh.")]
    ready: Annotated[bool, Meta(description="It has what it needs to do its work.")] = True
    passive: Annotated[
        bool, Meta(description="It gives no orders, because an older instance of its role lives.")
    ] = False
    memory_mib: Annotated[
        float | None, Meta(description="Resident memory.", extra_json_schema={"x-unit": "MiB"})
    ] = None
    dropped: Annotated[
        int, Meta(ge=0, description="Messages dropped because a queue was full, since start.")
    ] = 0


class ServiceEvent(Observed, frozen=True, kw_only=True):
    """Something others should know: what was refused, what went wrong, what was learned."""

    at: Annotated[Instant, Meta(description="When it happened.")]
    service: Annotated[str, Meta(description="Who says so.")]
    severity: Annotated[Literal["info", "warning", "error"], Meta(description="How bad it is.")]
    code: Annotated[str, Meta(description="Stable code for machines.")]
    text: Annotated[Reason, Meta(description="In plain English, with the values.")]
    path: Annotated[str, Meta(description="The field it is about; empty when none.")] = ""
    topic: Annotated[str, Meta(description="The topic it is about; empty when none.")] = ""


class TruePhase(Struct, frozen=True, kw_only=True):
    """One phase of the simulated house as it really is."""

    current_a: Annotated[
        SignedAmps, Meta(description="True current at the main breaker; import is positive.")
    ]
    limit_a: Annotated[Amps, Meta(description="The main breaker.")]
    over_s: Annotated[Seconds, Meta(description="Seconds over the breaker so far.")] = 0.0
    longest_over_s: Annotated[Seconds, Meta(description="The longest excursion so far.")] = 0.0


class PlantTruth(Observed, frozen=True, kw_only=True):
    """What is really so inside the simulated house. No service listens; views and verdicts do."""

    at: Annotated[Instant, Meta(description="By the wall clock.")]
    house_time: Annotated[Instant, Meta(description="The calendar inside the house.")]
    a: Annotated[TruePhase | None, Meta(description="Phase a.")] = None
    b: Annotated[TruePhase | None, Meta(description="Phase b.")] = None
    c: Annotated[TruePhase | None, Meta(description="Phase c.")] = None
    solar_w: Annotated[Watts, Meta(description="What the sun gives.")] = 0.0
    house_w: Annotated[Watts, Meta(description="What the house takes beside managed loads.")] = 0.0
    battery_w: Annotated[Watts, Meta(description="Charging is positive.")] = 0.0
    battery_soc_percent: Annotated[Percent | None, Meta(description="True state of charge.")] = None
    grid_w: Annotated[Watts, Meta(description="Import is positive.")] = 0.0
    loads: Annotated[
        dict[str, SignedAmps], Meta(description="True current on the busiest leg, by load.")
    ] = {}
    verdict: Annotated[
        Literal["ok", "overloaded"],
        Meta(description="Whether a phase was over its breaker longer than allowed."),
    ] = "ok"
    detail: Annotated[dict[str, Any], Meta(description="Figures of the ledger; may change.")] = {}


class HaDiscovery(Struct, frozen=True, kw_only=True):
    """Home Assistant's device-based discovery message."""

    dev: Annotated[dict[str, Any], Meta(description="The device.")]
    o: Annotated[dict[str, Any], Meta(description="The origin: name, version, url.")]
    cmps: Annotated[dict[str, Any], Meta(description="The entities.")]
    availability: Annotated[
        list[dict[str, Any]], Meta(description="Topics that say whether it is available.")
    ] = []
    availability_mode: Annotated[str, Meta(description="all: every topic must say so.")] = "all"


class HaEntityDiscovery(Struct, frozen=True, kw_only=True):
    """Home Assistant's discovery message of a single entity, for versions before 2024.11."""

    unique_id: Annotated[str, Meta(description="Never changes.")]
    device: Annotated[dict[str, Any], Meta(description="The device.")]
    origin: Annotated[dict[str, Any], Meta(description="The origin: name, version, url.")]
    name: Annotated[str | None, Meta(description="Without the device's name; null for its main entity.")]
    availability: Annotated[
        list[dict[str, Any]], Meta(description="Topics that say whether it is available.")
    ] = []


class HaState(Struct, frozen=True, kw_only=True):
    """Values of one device for Home Assistant, so that its entities never read the fast topics."""

    values: Annotated[dict[str, Any], Meta(description="By the name of the entity.")]


class HaEvent(Struct, frozen=True, kw_only=True):
    """Something that happened, for an event entity of Home Assistant."""

    entity: Annotated[str, Meta(description="Which event entity of the device.")]
    event_type: Annotated[str, Meta(description="What happened, as a word for machines.")]
    text: Annotated[Reason, Meta(description="In plain English.")]
    at: Annotated[Instant, Meta(description="When it was noticed.")]
