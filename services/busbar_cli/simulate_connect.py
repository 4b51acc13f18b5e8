"""Connects the devices of a simulated site with its plant: what is configured, at a sampling phase by the seed."""

from collections.abc import Iterator
from random import Random

from busbar_allocator.plan import Plan
from busbar_cli.simulate_devices import BatteryDevice, Beat, ChargerDevice, InverterDevice, MeterDevice
from busbar_cli.simulate_scenario import Scenario
from busbar_contracts.charger import Capabilities
from busbar_shared.config.services import SimulatorSection
from busbar_simulator.config import CarPlan, understood
from busbar_simulator.metering import seen_by
from busbar_simulator.plant.house import House
from busbar_simulator.roof import STORAGE


class Connections:
    """Makes the devices of one site, in one order, so that one seed gives one day."""

    def __init__(self, scenario: Scenario, house: House, plan: Plan) -> None:
        self._site, self._run = scenario.site, scenario.run
        self._house, self._plan = house, plan
        self._section = self._site.simulator or SimulatorSection()
        self._dice = Random(f"{self._section.seed}/simulate")

    def _beat(self, every_s: float) -> Beat:
        return Beat(every_s, self._dice.random())

    def meters(self) -> dict[str, MeterDevice]:
        """Every meter of the site."""
        phases = self._site.site.phases
        return {
            name: MeterDevice(
                seen_by(self._site, self._house.root, name),
                phases,
                self._beat(self._run.meter_every_s),
                self._run.meter_lag_s,
            )
            for name in self._site.meters
        }

    def chargers(self) -> dict[str, ChargerDevice]:
        """Every connector, by its load."""
        return {load: self._charger(load) for load in self._house.sockets}

    def _charger(self, load: str) -> ChargerDevice:
        charger, _, number = load.rpartition("-")
        car = understood(self._section.cars.get(charger, {}), CarPlan, f"simulator.cars.{charger}")
        own, plan = self._site.chargers[charger], self._plan.loads.get(load)
        sample_s = car.sample_s or (self._site.ocpp.sample_s if self._site.ocpp is not None else 10.0)
        capabilities = Capabilities(
            min_a=plan.min_a if plan else own.min_a,
            max_a=plan.max_a if plan else own.max_a,
            step_a=own.step_a,
            legs=len(own.all_connectors()[number].legs or own.legs),
            switches_phases=own.phase_switching,
        )
        return ChargerDevice(
            self._house.sockets[load],
            self._beat(sample_s),
            fallback_a=plan.fallback_a if plan else 0.0,
            capabilities=capabilities,
            answer_s=car.answer_s,
            way_s=self._run.message_s,
        )

    def inverters(self) -> dict[str, InverterDevice]:
        """Every inverter that the site reads."""
        return {
            name: InverterDevice(inverter, self._site.site.phases, self._beat(1.0))
            for name, inverter in self._house.inverters.items()
            if name in self._site.inverters
        }

    def batteries(self) -> dict[str, BatteryDevice]:
        """Every battery that the site reads, on the inverter that has its cells."""
        return dict(self._batteries())

    def _batteries(self) -> Iterator[tuple[str, BatteryDevice]]:
        known = self._house.inverters
        for name, battery in self._site.batteries.items():
            inverter = known.get(battery.inverter or "") or known.get(STORAGE)
            if inverter is None or inverter.storage is None:
                inverter = next((one for one in known.values() if one.storage is not None), None)
            if inverter is not None:
                yield name, BatteryDevice(inverter, self._beat(1.0), self._run.dead_battery_s)
