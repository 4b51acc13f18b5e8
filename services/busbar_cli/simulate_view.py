"""What another controller is shown of a simulated house: the site once, and what was measured each second."""

from datetime import datetime
from typing import Any

from busbar_allocator.plan import Plan
from busbar_cli.simulate_minds import plan_for
from busbar_contracts.battery import BatteryReading
from busbar_contracts.charger import ChargerState
from busbar_contracts.load import HeatState, PlugState
from busbar_contracts.meter import InverterReading, MeterReading
from busbar_contracts.prices import PriceSeries
from busbar_shared.bus import Heard
from busbar_shared.config.root import Site

Line = dict[str, Any]


def site_line(site: Site) -> Line:
    """Everything the configuration says that a controller may want to know."""
    plan, one = plan_for(site), site.site
    return {
        "site": {
            "phases": one.phases, "voltage_v": one.voltage_v, "grid_meter": plan.grid_meter,
            "excess_threshold_w": one.excess_threshold_w,
            "circuits": {
                name: {
                    "limit_a": dict(zip(plan.phases, circuit.limits, strict=True)), "meter": circuit.meter,
                    "parent": site.circuits[name].parent,
                }
                for name, circuit in plan.circuits.items()
            },
            "chargers": {
                load.id: {
                    "legs": _letters(plan, load.legs), "min_a": load.min_a, "max_a": load.max_a, "step_a": load.step_a,
                    "mode": load.mode.value, "priority": load.priority, "circuit": load.circuits[0],
                    "switches_phases": load.switches_phases, "grid_price_max": load.grid_price_max,
                }
                for load in plan.loads.values()
                if load.kind == "charger"
            },
            "plugs": {
                load.id: {
                    "legs": _letters(plan, load.legs), "power_w": load.rating_w, "mode": load.mode.value,
                    "priority": load.priority, "circuit": load.circuits[0],
                }
                for load in plan.loads.values()
                if load.kind == "plug"
            },
            "heaters": {
                name: {"power_w": heater.rating_w, "mode": heater.mode.value, "priority": heater.priority}
                for name, heater in site.heaters.items()
            },
            "batteries": {
                name: {
                    "charge_limit_w": battery.charge_limit_w, "discharge_limit_w": battery.discharge_limit_w,
                    "soc_min_percent": battery.soc_min_percent, "soc_target_percent": battery.soc_target_percent,
                }
                for name, battery in site.batteries.items()
            },
        }
    }  # fmt: skip


def _letters(plan: Plan, legs: tuple[int, ...]) -> list[str]:
    return [plan.phases[leg] for leg in legs]


class View:
    """The last that was heard from everyone."""

    def __init__(self, site: Site) -> None:
        """Nothing was heard yet."""
        self.plan = plan_for(site)
        self._site = site
        self._last: dict[type, dict[str, tuple[Any, float]]] = {}

    def names(self) -> dict[str, set[str]]:
        """What can be steered, by kind."""
        loads = self.plan.loads.values()
        return {
            "chargers": {load.id for load in loads if load.kind == "charger"},
            "plugs": {load.id for load in loads if load.kind == "plug"},
            "heaters": set(self._site.heaters),
            "batteries": set(self._site.batteries),
        }

    def hear(self, heard: Heard[Any], now_s: float) -> None:
        """Keep a message by whose it is."""
        name = "-".join(heard.ids.values())
        self._last.setdefault(type(heard.message), {})[name] = (heard.message, now_s)

    def line(self, at: datetime, now_s: float) -> Line:
        """This moment: all that was measured, with its age in seconds, and the prices that hold now."""
        return {
            "at": at.isoformat(),
            "s": round(now_s, 2),
            "meters": {n: _meter(one, s, now_s, at) for n, (one, s) in self._of(MeterReading)},
            "inverters": {n: {"power_w": one.power_w} for n, (one, _) in self._of(InverterReading)},
            "batteries": {
                n: {"power_w": one.power_w, "soc_percent": one.soc_percent}
                for n, (one, _) in self._of(BatteryReading)
            },
            "chargers": {n: _charger(one, at) for n, (one, _) in self._of(ChargerState)},
            "plugs": {
                n: {"on": one.on, "power_w": one.power_w, "wants_power": one.wants_power}
                for n, (one, _) in self._of(PlugState)
            },
            "heaters": {
                n: {"on": one.on, "temperature_c": one.temperature_c, "wants_power": one.storage_demand}
                for n, (one, _) in self._of(HeatState)
            },
            "prices": {n: _price(one, at) for n, (one, _) in self._of(PriceSeries)},
        }

    def _of(self, kind: type) -> Any:
        return self._last.get(kind, {}).items()


def _meter(one: MeterReading, heard_s: float, now_s: float, at: datetime) -> Line:
    amps = {p: sample.current_a for p in "abc" if (sample := getattr(one, p)) is not None}
    return {"current_a": amps, "power_w": one.power_w, "age_s": round((at - one.at).total_seconds(), 2)}


def _charger(one: ChargerState, at: datetime) -> Line:
    legs = [leg.current_a for leg in (one.l1, one.l2, one.l3) if leg is not None]
    return {
        "status": one.status.value,
        "limit_a": None if one.limit is None else one.limit.limit_a,
        "legs_a": legs if one.sampled_at is not None else None,
        "age_s": None if one.sampled_at is None else round((at - one.sampled_at).total_seconds(), 2),
    }


def _price(one: PriceSeries, at: datetime) -> float | None:
    return next((slot.price for slot in one.slots if slot.start <= at < slot.end), None)
