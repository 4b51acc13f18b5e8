"""One instant of a house, as the engine wants it. The answer it gives is in `answer.py`.

A `Snapshot` has two halves: `site` is what the configuration and the owner's settings say (compiled once),
`now` is what was measured, and what the controller remembers (its latches). Both can be written by hand as
JSON; what is left out has the default an owner expects. Objects keep their order: the order of the loads
is the configuration order that breaks ties.

Units and signs are those of the bus: ampere per phase or per leg of a load, grid positive = import, solar
positive = generation, battery positive = charging. A site has phases a, b and c or fewer; a missing phase
does not exist. `null` is unknown, never 0. Unknown fields are refused.

    {"site": {"circuits": {"main": {"limit_a": 25}}, "loads": {"car": {"kind": "evse"}}},
     "now": {"grid_a": {"a": 5, "b": 5, "c": 5}, "loads": {"car": {"status": "charging", "draw_a": 0}}}}
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

# Outsiders find the whole of it here: the instant, its figures, and the answer.
from busbar_allocator.answer import Allocation as Allocation
from busbar_allocator.answer import BatteryGrant as BatteryGrant
from busbar_allocator.answer import Binding as Binding
from busbar_allocator.answer import CircuitGrant as CircuitGrant
from busbar_allocator.answer import LoadGrant as LoadGrant
from busbar_allocator.answer import Pools as Pools
from busbar_allocator.figures import Leg as Leg
from busbar_allocator.figures import PerLeg as PerLeg
from busbar_allocator.figures import PerPhase as PerPhase
from busbar_allocator.figures import Phase as Phase
from busbar_contracts.allocation import Distribution
from busbar_contracts.load import LoadMode


class Circuit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A wire with a breaker. Exactly one has no parent: the main breaker."""

    limit_a: Annotated[float | PerPhase, Meta(description="What each phase may carry (A).")] = 25.0
    parent: Annotated[str | None, Meta(description="The circuit that feeds it; null: the main breaker.")] = (
        None
    )
    background_a: Annotated[
        float | PerPhase | None,
        Meta(description="What else is on it (A), for a circuit without a meter; 0 must be written."),
    ] = None


class Unit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A charger with several connectors: a circuit of its own with one load per connector."""

    max_current_a: Annotated[float, Meta(description="What the unit may draw per phase (A).")]
    circuit: Annotated[str | None, Meta(description="The circuit it hangs on; null: the main one.")] = None
    plugs: Annotated[
        Literal["concurrent", "sequential", "exclusive"],
        Meta(description="Connectors share / the second gets what the first leaves / one at a time."),
    ] = "concurrent"


class Load(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that is given current: a charger's connector, a plug, a part of a heater."""

    kind: Annotated[
        Literal["evse", "plug", "heat_comfort", "heat_storage", "generic"],
        Meta(description="What it is; decides its modes and defaults."),
    ] = "evse"
    mode: Annotated[LoadMode | None, Meta(description="Operating mode; null: the default of its kind.")] = (
        None
    )
    priority: Annotated[int, Meta(description="1 to 10, 1 first.")] = 1
    enabled: Annotated[bool, Meta(description="Off: no grant.")] = True
    circuit: Annotated[str | None, Meta(description="The circuit it hangs on; null: the main one.")] = None
    unit: Annotated[str | None, Meta(description="The multi-plug charger it is a connector of.")] = None
    phases: Annotated[
        tuple[Phase, ...] | None,
        Meta(description="The site phase of each of its legs L1, L2, L3; null: every phase of the site."),
    ] = None
    min_a: Annotated[float | None, Meta(description="Least current per leg; null: 6 A, or none.")] = None
    max_a: Annotated[float | None, Meta(description="Most current per leg; null: 16 A.")] = None
    step_a: Annotated[float | None, Meta(description="Grants are multiples of it; null: 0.1 A.")] = None
    power_w: Annotated[
        float | None,
        Meta(description="An on/off load's power over all its legs (W); plugs without any: 2000 W."),
    ] = None
    controlled: Annotated[
        bool, Meta(description="False: it takes no orders; reserved at its maximum during a transaction.")
    ] = True
    can_pause: Annotated[
        bool, Meta(description="False: it cannot hold a pause, its fallback stays reserved when idle.")
    ] = True
    fallback_a: Annotated[float, Meta(description="What it falls to by itself, per leg (A).")] = 0.0
    grid_price_max: Annotated[
        float | None, Meta(description="While the import price is at most this, it counts as Standard.")
    ] = None
    session_limit_wh: Annotated[float | None, Meta(description="Ends the wish of a session (Wh).")] = None
    soc_limit_percent: Annotated[
        float | None, Meta(description="Ends the wish at this charge of the car (%).")
    ] = None


class Battery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A house battery."""

    charge_limit_w: Annotated[float, Meta(description="Most it charges (W).")] = 5000.0
    discharge_limit_w: Annotated[float, Meta(description="Most it discharges (W).")] = 5000.0
    soc_min_percent: Annotated[float, Meta(description="At or below it never discharges into loads.")] = 20.0
    soc_target_percent: Annotated[
        float, Meta(description="Below it the battery comes before the sun's cars.")
    ] = 80.0
    soc_full_percent: Annotated[float, Meta(description="From here it is full: it takes nothing more.")] = (
        97.0
    )
    grid_charging: Annotated[
        bool, Meta(description="It may charge from the grid: its room on the wires is then kept free.")
    ] = False
    circuit: Annotated[str | None, Meta(description="The circuit it hangs on; null: the main one.")] = None
    phases: Annotated[
        tuple[Phase, ...] | None, Meta(description="The phases it acts on, evenly; null: every phase.")
    ] = None
    inverter: Annotated[
        str | None,
        Meta(description='The inverter it shares ("" for one of its own); null: the only inverter there is.'),
    ] = None


class Inverter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A solar or hybrid inverter."""

    rating_w: Annotated[float | None, Meta(description="Most it can put out (W); null: not limited.")] = None
    phase_rating_w: Annotated[
        float | None, Meta(description="Most on one phase, if asymmetric; null: an equal part of the rating.")
    ] = None
    asymmetric: Annotated[bool, Meta(description="It can feed its phases unequally.")] = False
    wiring: Annotated[
        Literal["parallel", "series"], Meta(description="Beside the house, or between grid and house.")
    ] = "parallel"
    circuit: Annotated[str | None, Meta(description="The circuit it feeds; null: the main one.")] = None


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the owner wants of the whole site."""

    distribution: Annotated[Distribution, Meta(description="How loads of the same round share.")] = (
        Distribution.PRIORITY
    )
    voltage_v: Annotated[float, Meta(description="Nominal phase voltage (V).")] = 230.0
    max_import_w: Annotated[
        float | None, Meta(description="Most import of the site (W); null: voltage x breaker x phases.")
    ] = None
    power_buffer_w: Annotated[
        float, Meta(description="Kept free of the import limit and, per phase, of the main breaker (W).")
    ] = 0.0
    max_unbalance_a: Annotated[
        float | None, Meta(description="Largest difference between two phases (A); null: not limited.")
    ] = None
    excess_threshold_w: Annotated[float, Meta(description="Export above which Excess runs (W).")] = 13_000.0
    excess_uses: Annotated[
        Literal["above", "all"], Meta(description="Only what exceeds the threshold, or all once it does.")
    ] = "above"
    grid_charging: Annotated[
        bool, Meta(description="Loads may take from the grid (sites with a battery).")
    ] = True
    netting: Annotated[
        Literal["per_phase", "sum"] | None,
        Meta(description="How the meter nets sun; null: per phase unless an inverter is asymmetric."),
    ] = None
    trip_safe: Annotated[
        bool, Meta(description="Leave generation out of the wires: then even a trip overloads nothing.")
    ] = False


class Site(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The half that changes with the configuration and the owner's settings only."""

    phases: Annotated[tuple[Phase, ...], Meta(description="The phases the site has.")] = ("a", "b", "c")
    circuits: Annotated[
        dict[str, Circuit], Meta(description="By id; none: one main breaker of 25 A, called main.")
    ] = {}
    units: Annotated[dict[str, Unit], Meta(description="Chargers with several connectors, by id.")] = {}
    loads: Annotated[dict[str, Load], Meta(description="By id, in configuration order.")] = {}
    batteries: Annotated[dict[str, Battery], Meta(description="By id.")] = {}
    inverters: Annotated[dict[str, Inverter], Meta(description="By id.")] = {}
    settings: Annotated[Settings, Meta(description="What the owner wants of the whole site.")] = Settings()


class CircuitNow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A circuit at this instant. Its background is given, or its own meter less the draws behind it."""

    current_a: Annotated[PerPhase | None, Meta(description="Its own meter (A, import positive).")] = None
    background_a: Annotated[
        PerPhase | None,
        Meta(description="What is not managed on it (A, import positive); outranks the meter."),
    ] = None
    beside_batteries_a: Annotated[
        PerPhase | None,
        Meta(
            description="The same without batteries, steady enough to give them room on (A); null: the difference."
        ),
    ] = None


class LoadNow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A load at this instant. A load of the site that is not mentioned is silent."""

    status: Annotated[
        str,
        Meta(description="OCPP status in any spelling; on, off or idle for others; silent or unknown."),
    ] = "charging"
    wants_power: Annotated[
        bool | None, Meta(description="Overrides what the status says about its wish.")
    ] = None
    draw_a: Annotated[
        float | PerLeg | None, Meta(description="Trusted draw per leg in use (A); null: unknown.")
    ] = None
    draw_w: Annotated[float | None, Meta(description="The same in watts over the legs in use.")] = None
    legs_in_use: Annotated[
        tuple[Leg, ...] | None, Meta(description="The legs its car uses; null: not known, all of them.")
    ] = None
    legs_expected: Annotated[
        tuple[Leg, ...] | None,
        Meta(
            description="The legs a car that has shown none is thought to use: they judge its sun; its wires bear all."
        ),
    ] = None
    power_w: Annotated[
        float | None, Meta(description="Learned power of an on/off load (W); outranks the configured one.")
    ] = None
    limit_given_a: Annotated[
        float | None, Meta(description="The last limit it was told, per leg (A); null: none known.")
    ] = None
    reserved_a: Annotated[
        float | None,
        Meta(description="Reserved on its wires, granted nothing (A): foreign schedule, lapsed profile."),
    ] = None
    ceiling_a: Annotated[
        float | None,
        Meta(
            description="The controller's own ceiling (A), for example draw plus room; never below minimum."
        ),
    ] = None
    idle: Annotated[
        bool,
        Meta(
            description="It does not draw: a car keeps its minimum, a plug stays on and leaves the sun to others."
        ),
    ] = False
    blocked: Annotated[
        str,
        Meta(description="Why it must stay off now, for example a pause after a stop; empty: it need not."),
    ] = ""
    hold_minimum: Annotated[
        bool, Meta(description="It runs on at its minimum whatever its source gives (stop delay).")
    ] = False
    keep_running: Annotated[
        bool, Meta(description="It began a moment ago: an Optimized gift is not taken back.")
    ] = False
    boost: Annotated[bool, Meta(description="It counts as Standard.")] = False
    session_wh: Annotated[float | None, Meta(description="Energy of the session (Wh).")] = None
    soc_percent: Annotated[float | None, Meta(description="Charge of the car (%).")] = None


class BatteryNow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A battery at this instant. Latches that are null are set from its charge."""

    power_w: Annotated[
        float | None, Meta(description="Charging is positive (W); null: unknown, counted as discharging.")
    ] = None
    soc_percent: Annotated[float | None, Meta(description="Charge (%); null: unknown, counted as empty.")] = (
        None
    )
    charge_max_w: Annotated[float | None, Meta(description="What it can take now (W).")] = None
    discharge_max_w: Annotated[float | None, Meta(description="What it can give now (W).")] = None
    above_min: Annotated[bool | None, Meta(description="Latch: it may discharge.")] = None
    at_target: Annotated[bool | None, Meta(description="Latch: its charge reached the target.")] = None
    above_target: Annotated[bool | None, Meta(description="Latch: its charge is above the target.")] = None
    answers: Annotated[
        bool,
        Meta(description="False: it broke its promise; neither its charging nor its reserve is counted."),
    ] = True


class InverterNow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An inverter at this instant; whatever is known of it."""

    output_a: Annotated[PerPhase | None, Meta(description="Output per phase (A, generation positive).")] = (
        None
    )
    output_w: Annotated[float | None, Meta(description="Output in total (W, generation positive).")] = None


class Now(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The half that was measured, and what the controller remembers."""

    grid_a: Annotated[
        PerPhase | None, Meta(description="The grid meter (A, import positive); every phase of the site.")
    ] = None
    voltage_v: Annotated[PerPhase | None, Meta(description="Measured phase voltages (V); null: nominal.")] = (
        None
    )
    circuits: Annotated[dict[str, CircuitNow], Meta(description="Circuits with meters, by id.")] = {}
    loads: Annotated[dict[str, LoadNow], Meta(description="By id.")] = {}
    batteries: Annotated[dict[str, BatteryNow], Meta(description="By id.")] = {}
    inverters: Annotated[dict[str, InverterNow], Meta(description="By id.")] = {}
    solar_w: Annotated[float | None, Meta(description="One solar sensor for the site (W).")] = None
    price: Annotated[
        float | None,
        Meta(description="Import price of the slot that covers now; null: unknown, never cheap."),
    ] = None
    import_limit_w: Annotated[
        float | None,
        Meta(description="Import limit from outside (W); the smaller of it and the setting rules."),
    ] = None
    excess_open: Annotated[
        bool | None, Meta(description='Latch of the gate when excess_uses is "all"; null: judged now.')
    ] = None


class Snapshot(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One instant of a house."""

    site: Annotated[Site, Meta(description="Configuration and settings.")]
    now: Annotated[Now, Meta(description="What was measured.")]


class BadSnapshot(Exception):
    """The snapshot cannot be true. Grant nothing, and show the sentence, which names field and value."""
