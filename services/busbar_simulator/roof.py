"""Inverters and the battery of a site's configuration."""

from busbar_shared.config.root import Site
from busbar_simulator.config import BatteryPlan, SunPlan
from busbar_simulator.plant.inverter import Inverter, InverterSpec
from busbar_simulator.plant.storage import Storage, StorageSpec

ROOF, STORAGE = "roof", "storage"


def inverters_of(site: Site, sun: SunPlan, plan: BatteryPlan) -> dict[str, Inverter]:
    """An inverter for each of the site (one at least); the battery on one of them, or on its own."""
    roofs = [name for name, inverter in site.inverters.items() if inverter.driver == "sunspec"] or [ROOF]
    storage = _storage(site, plan)
    host = None if storage is None or plan.ac_coupled else _host(site, roofs)
    made = {}
    for name in roofs:
        known = site.inverters.get(name)
        rating_w = (known.rating_w if known else None) or plan.rating_w
        phases = (known.phases if known else None) or site.site.phases
        made[name] = _inverter(
            plan, rating_w, phases, storage if name == host else None, has_sun=sun.peak_w > 0
        )
    if storage is not None and plan.ac_coupled:
        rating_w = max(storage.charge_w, storage.discharge_w)
        made[STORAGE] = _inverter(plan, rating_w, site.site.phases, storage, has_sun=False)
    return made


def _storage(site: Site, plan: BatteryPlan) -> StorageSpec | None:
    assumed = 10_000.0 if site.batteries or plan != BatteryPlan() else 0.0
    capacity_wh = assumed if plan.capacity_wh is None else plan.capacity_wh
    if capacity_wh <= 0:
        return None
    return StorageSpec(
        capacity_wh=capacity_wh,
        charge_w=plan.charge_w,
        discharge_w=plan.discharge_w,
        floor_percent=plan.floor_percent,
    )


def _host(site: Site, roofs: list[str]) -> str:
    """The inverter a DC-coupled battery hangs on: the one it names, else a hybrid, else the first."""
    named = [battery.inverter for battery in site.batteries.values() if battery.inverter in roofs]
    hybrid = [name for name in roofs if name in site.inverters and site.inverters[name].hybrid]
    return next(name for name in (*named, *hybrid, *roofs) if name is not None)


def _inverter(
    plan: BatteryPlan, rating_w: float, phases: tuple[str, ...], storage: StorageSpec | None, *, has_sun: bool
) -> Inverter:
    spec = InverterSpec(
        rating_w=rating_w, phases=phases, storage=storage, has_sun=has_sun, loop_s=plan.loop_s,
        ramp_w_per_s=plan.ramp_w_per_s, dead_s=plan.dead_s, gain=plan.gain,
    )  # fmt: skip
    return Inverter(spec=spec, storage=Storage(storage, plan.soc_percent) if storage else None)
