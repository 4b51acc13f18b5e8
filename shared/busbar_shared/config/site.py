"""[site] and [circuits.*]: the wires of the house."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from busbar_contracts.allocation import Distribution
from busbar_contracts.units import Amps, PositiveWatts, Seconds, Volts, WattHours

Phase = Literal["a", "b", "c"]


class PhaseAmps(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A figure for each phase."""

    a: Annotated[Amps | None, Meta(description="Phase a.")] = None
    b: Annotated[Amps | None, Meta(description="Phase b.")] = None
    c: Annotated[Amps | None, Meta(description="Phase c.")] = None

    def on(self, phase: str) -> float | None:
        """The figure of one phase."""
        found: float | None = getattr(self, phase)
        return found


PerPhase = Amps | PhaseAmps


def on_phase(value: PerPhase, phase: str) -> float | None:
    """The figure of one phase, where one number stands for all."""
    return value.on(phase) if isinstance(value, PhaseAmps) else float(value)


class CircuitConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One breaker and what hangs behind it."""

    limit_a: Annotated[
        PerPhase, Meta(description="What the breaker carries for ever: one number, or one for each phase.")
    ]
    parent: Annotated[
        str | None, Meta(description="The circuit it hangs on; exactly one circuit has none: the root.")
    ] = None
    meter: Annotated[
        str | None, Meta(description="The meter that sees this circuit; the root must have one.")
    ] = None
    background_a: Annotated[
        PerPhase | None,
        Meta(description="Without a meter of its own: what else may be drawn on it; write 0 if nothing."),
    ] = None
    assumed_background_a: Annotated[
        PerPhase | None,
        Meta(
            description="The worst load beside the managed ones; it must fit beside the fallbacks. Required for the root."
        ),
    ] = None


class SiteSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The house as a whole."""

    id: Annotated[
        str, Meta(pattern="^[a-z0-9][a-z0-9_-]{0,62}$", description="Name of the site, in client ids.")
    ] = "home"
    name: Annotated[str, Meta(description="Name for people.")] = "Home"
    timezone: Annotated[str, Meta(description="IANA name of the owner's zone.")] = "Europe/Berlin"
    topic_root: Annotated[
        str,
        Meta(pattern="^[^+#]*[^+#/]$", description="Root of all topics; a fleet puts sites/<site> in front."),
    ] = "hems"
    phases: Annotated[
        tuple[Phase, ...], Meta(min_length=1, max_length=3, description="Phases the site has.")
    ] = ("a", "b", "c")
    voltage_v: Annotated[Volts, Meta(description="Nominal voltage between a phase and neutral.")] = 230.0
    distribution: Annotated[Distribution, Meta(description="Distribution mode at first.")] = (
        Distribution.PRIORITY
    )
    import_limit_w: Annotated[
        PositiveWatts | None, Meta(description="Most import; null: the main breaker alone.")
    ] = None
    import_limit_fallback_w: Annotated[
        PositiveWatts | None,
        Meta(description="Import limit when an outside limit lapses; null: import_limit_w."),
    ] = None
    power_buffer_w: Annotated[
        PositiveWatts, Meta(description="Kept free of the import limit and the main breaker.")
    ] = 0.0
    excess_threshold_w: Annotated[
        PositiveWatts, Meta(description="Export above which Excess loads may run.")
    ] = 13_000.0
    excess_uses: Annotated[
        Literal["above", "all"], Meta(description="What Excess may use once above the threshold.")
    ] = "above"
    grid_charging: Annotated[
        bool, Meta(description="Loads may take energy from the grid (sites with a battery).")
    ] = True
    netting: Annotated[
        Literal["auto", "per_phase", "sum"],
        Meta(
            description="How the meter counts sun across phases; auto: per_phase for symmetric inverters, else sum."
        ),
    ] = "auto"
    unbalance_a: Annotated[
        Amps | None, Meta(description="Largest allowed difference between phases; null: none.")
    ] = None
    trip_safe: Annotated[
        bool,
        Meta(description="Leave sun and battery out of the wires, so that even a trip overloads nothing."),
    ] = False
    wiring: Annotated[
        Literal["parallel", "series"],
        Meta(description="Whether the house hangs beside or behind the inverter."),
    ] = "parallel"
    lease_s: Annotated[Seconds, Meta(description="Lease of an order; renewed at a third.")] = 30.0
    meter_stale_s: Annotated[
        Seconds, Meta(description="A reading older than this, or than 3 of its periods, is stale.")
    ] = 10.0
    meter_lost_after_s: Annotated[
        Seconds, Meta(description="After this, or 6 periods, every load falls back.")
    ] = 30.0
    stale_reserve_a: Annotated[Amps, Meta(description="Kept free per phase while readings are stale.")] = 3.0
    import_allowance_wh: Annotated[
        WattHours, Meta(description="Import a follower of the sun may cause before it stops.")
    ] = 30.0
    battery_answer_s: Annotated[
        Seconds, Meta(description="How long a battery has to take over what was counted on.")
    ] = 20.0
    auto_apply: Annotated[bool, Meta(description="Use what was learned about the wiring without asking.")] = (
        False
    )
    probe: Annotated[bool, Meta(description="Allow small test steps of chargers to learn the wiring.")] = (
        False
    )
    no_battery_into_cars: Annotated[bool, Meta(description="Keep battery energy out of cars.")] = False
    outside_limit_issuers: Annotated[
        tuple[str, ...], Meta(description="Who may set hems/site/limit; empty: anyone the broker lets.")
    ] = ()
