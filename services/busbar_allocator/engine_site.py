"""The configuration and the owner's settings in the words of the engine."""

from busbar_allocator import snapshot
from busbar_allocator.plan import COMFORT, LoadPlan, Plan
from busbar_allocator.settings import Settings
from busbar_contracts.battery import BatterySettings
from busbar_contracts.load import LoadMode, LoadSettings
from busbar_shared.config.site import PhaseAmps

_KIND = {"charger": "evse", "plug": "plug", "foreign": "generic"}


def engine_site(plan: Plan, settings: Settings, batteries: dict[str, BatterySettings]) -> snapshot.Site:
    """What the engine must know of the site; changes only with the configuration and settings."""
    site = plan.site
    return snapshot.Site(
        phases=site.site.phases,
        circuits={
            name: snapshot.Circuit(
                limit_a=_per_phase(circuit.limit_a) or 0.0,
                parent=circuit.parent,
                background_a=_per_phase(circuit.background_a),
            )
            for name, circuit in site.circuits.items()
        },
        units={
            _unit_of(plan, name): snapshot.Unit(
                max_current_a=charger.max_current_a
                if charger.max_current_a is not None
                else sum(load.max_a for load in plan.loads.values() if load.unit == name),
                circuit=charger.circuit,
                plugs=charger.plugs,
            )
            for name, charger in site.chargers.items()
            if any(load.unit == name for load in plan.loads.values())
        },
        loads={load.id: _load(load, settings.loads.get(load.owner), plan) for load in plan.loads.values()},
        batteries={name: _battery(plan, name, batteries.get(name)) for name in site.batteries},
        inverters={
            name: snapshot.Inverter(
                rating_w=inverter.rating_w,
                phase_rating_w=inverter.rating_per_phase_w,
                asymmetric=inverter.asymmetric,
                wiring=site.site.wiring,
            )
            for name, inverter in site.inverters.items()
        },
        settings=_settings(plan, settings),
    )


def _unit_of(plan: Plan, charger: str) -> str:
    """The charger as a circuit of its own: by its id, unless a circuit of the house is called so too."""
    return f"{charger}-unit" if charger in plan.circuits else charger


def _settings(plan: Plan, settings: Settings) -> snapshot.Settings:
    one, owner = plan.site.site, settings.site
    return snapshot.Settings(
        distribution=owner.distribution, voltage_v=one.voltage_v, max_import_w=owner.import_limit_w,
        power_buffer_w=owner.power_buffer_w, max_unbalance_a=one.unbalance_a,
        excess_threshold_w=owner.excess_threshold_w, excess_uses=owner.excess_uses,
        grid_charging=owner.grid_charging or not plan.site.batteries,
        netting=None if one.netting == "auto" else one.netting, trip_safe=one.trip_safe,
    )  # fmt: skip


def _load(load: LoadPlan, owner: LoadSettings | None, plan: Plan) -> snapshot.Load:
    mode = owner.mode if owner is not None else load.mode
    if load.id.endswith(COMFORT) and mode is not LoadMode.OFF:
        # Comfort runs from any source in every mode but Off, and waits for no sun.
        mode = LoadMode.NORMAL
    return snapshot.Load(
        kind=_kind(load),  # type: ignore[arg-type]
        mode=mode if load.kind != "foreign" else LoadMode.STANDARD,
        priority=owner.priority if owner is not None else load.priority,
        enabled=owner.enabled if owner is not None else True,
        circuit=load.circuits[0] if load.unit is None else None,
        unit=None if load.unit is None else _unit_of(plan, load.unit),
        phases=tuple(plan.phases[leg] for leg in load.legs),  # type: ignore[misc]
        min_a=None
        if load.on_off
        else owner.min_a
        if owner is not None and owner.min_a is not None
        else load.min_a,
        max_a=None
        if load.on_off
        else owner.max_a
        if owner is not None and owner.max_a is not None
        else load.max_a,
        step_a=load.step_a or None,
        power_w=load.rating_w if load.on_off else None,
        controlled=load.controllable,
        can_pause=load.holds_pause,
        fallback_a=load.fallback_a,
        grid_price_max=owner.grid_price_max if owner is not None else None,
        session_limit_wh=owner.session_limit_wh if owner is not None else None,
        soc_limit_percent=owner.soc_limit_percent if owner is not None else None,
    )


def _kind(load: LoadPlan) -> str:
    if load.kind == "heater":
        return "heat_comfort" if load.id.endswith(COMFORT) else "heat_storage"
    return _KIND[load.kind]


def _battery(plan: Plan, name: str, owner: BatterySettings | None) -> snapshot.Battery:
    config = plan.site.batteries[name]
    return snapshot.Battery(
        charge_limit_w=config.charge_limit_w, discharge_limit_w=config.discharge_limit_w,
        soc_min_percent=owner.soc_min_percent if owner is not None else config.soc_min_percent,
        soc_target_percent=owner.soc_target_percent if owner is not None else config.soc_target_percent,
        grid_charging=owner.grid_charging if owner is not None else False,
        circuit=config.circuit, phases=config.phases, inverter=config.inverter or "",
    )  # fmt: skip


def _per_phase(value: float | PhaseAmps | None) -> float | snapshot.PerPhase | None:
    if isinstance(value, PhaseAmps):
        return snapshot.PerPhase(value.a, value.b, value.c)
    return value
