"""The engine's answer: what every load gets and why, and what that leaves."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from busbar_allocator.figures import PerPhase
from busbar_contracts.load import LoadMode


class Binding(Struct, frozen=True):
    """The row that binds a load, for machines."""

    kind: Annotated[
        Literal[
            "wire",
            "import",
            "unbalance",
            "inverter",
            "solar_pool",
            "excess_pool",
            "no_grid",
            "battery_minimum",
            "maximum",
            "status",
            "rank",
            "plugs",
        ],
        Meta(description="What kind of row."),
    ]
    circuit: Annotated[str | None, Meta(description="Circuit or unit of a wire.")] = None
    phase: Annotated[str | None, Meta(description='Phase, or phases as "ab".')] = None
    shared_with: Annotated[tuple[str, ...], Meta(description="The first of the other loads on it.")] = ()
    missing_a: Annotated[
        float | None, Meta(description="What the row lacks for the load's next step or its minimum (A).")
    ] = None
    missing_w: Annotated[float | None, Meta(description="The same where the row counts watts.")] = None


class LoadGrant(Struct, frozen=True):
    """What one load gets per leg, and why."""

    target_a: Annotated[float, Meta(description="Where it should settle (A).")]
    limit_a: Annotated[float, Meta(description="Granted now (A); never above the target.")]
    available_a: Annotated[
        float, Meta(description="What it gets or, when idle, would get if it woke up after the others (A).")
    ]
    reserved_a: Annotated[float, Meta(description="Held free on its wires without being granted (A).")]
    takes_part: Annotated[bool, Meta(description="It wants power and was considered.")]
    mode: Annotated[LoadMode, Meta(description="The mode it counted as.")]
    legs: Annotated[str, Meta(description='Site phase of each leg that counts, as "abc".')]
    reason: Annotated[str, Meta(description="Why, for a person.")]
    binding: Annotated[Binding, Meta(description="Why, for a machine.")]
    idle: Annotated[
        bool, Meta(description="On, but it does not draw: its grant is a use of the wires, not of the sun.")
    ] = False


class BatteryGrant(Struct, frozen=True):
    """What the phases bear of a battery beside the grants."""

    charge_limit_w: Annotated[float, Meta(description="Most it may charge (W).")]
    discharge_limit_w: Annotated[float, Meta(description="Most it may discharge (W).")]
    reason: Annotated[str, Meta(description="What binds its charging, for a person.")] = ""


class CircuitGrant(Struct, frozen=True):
    """One circuit after the grants."""

    background_a: Annotated[PerPhase, Meta(description="What is not managed on it (A).")]
    granted_a: Annotated[PerPhase, Meta(description="Limits and reserves on it (A).")]
    headroom_a: Annotated[PerPhase, Meta(description="What is left (A); negative when overloaded.")]


class Pools(Struct, frozen=True):
    """The sources, before and after the grants; null where nobody asked."""

    surplus_w: Annotated[float, Meta(description="Sun minus house, whatever the battery does with it (W).")]
    solar_w: Annotated[float, Meta(description="What Solar Only and Solar Priority may use in total (W).")]
    excess_w: Annotated[float, Meta(description="What Excess may use in total (W).")]
    solar_left_w: Annotated[float, Meta(description="Of the solar pool, after all targets (W).")]
    excess_left_w: Annotated[float, Meta(description="Of the excess pool, after all targets (W).")]
    import_left_w: Annotated[
        float | None, Meta(description="Of the import limit, after all targets (W); null: not limited.")
    ] = None
    solar_phase_a: Annotated[
        PerPhase | None, Meta(description="The solar pool per phase (A), when netted per phase.")
    ] = None


class Allocation(Struct, frozen=True):
    """The whole decision for one instant."""

    loads: Annotated[dict[str, LoadGrant], Meta(description="By id.")]
    circuits: Annotated[dict[str, CircuitGrant], Meta(description="By id, units included.")]
    batteries: Annotated[dict[str, BatteryGrant], Meta(description="By id.")]
    pools: Annotated[Pools, Meta(description="The sources.")]
    notes: Annotated[
        tuple[str, ...], Meta(description="What the measurements contradict each other in, in sentences.")
    ] = ()
