"""The Modbus units a site's configuration expects to find, served from the plant."""

import random
from dataclasses import dataclass, field
from typing import Protocol

from busbar_shared.config.root import Site
from busbar_simulator.build import Built
from busbar_simulator.config import BatteryPlan
from busbar_simulator.plant.house import House
from busbar_simulator.plant.inverter import Inverter
from busbar_simulator.sunspec.controls import InverterControls
from busbar_simulator.sunspec.device import Device
from busbar_simulator.sunspec.inverter import inverter_device, refresh
from busbar_simulator.sunspec.meter import measure, meter_device
from busbar_simulator.sunspec.personality import PERSONALITIES, Personality

INVERTER_UNIT, METER_UNIT = 1, 200
# A meter is a year old when the simulation begins: no energy reads zero.
BEGUN_WH = 1_234_567.0


class Refreshed(Protocol):
    """A unit that copies the plant's state into its registers now and then."""

    device: Device

    def refresh(self, house: House) -> None:
        """Copy now."""

    def tick(self, now_s: float) -> None:
        """Run the timers of the device."""


@dataclass
class MeterUnit:
    """The meter of one circuit."""

    device: Device
    circuit: str
    personality: Personality
    phases: tuple[str, ...]

    def refresh(self, house: House) -> None:
        """Take a sample."""
        measure(
            self.device, self.personality, self.phases, house.currents_a[self.circuit], house.volts,
            BEGUN_WH + house.imported_wh, BEGUN_WH + house.exported_wh,
        )  # fmt: skip

    def tick(self, now_s: float) -> None:
        """A meter has no timers."""
        self.device.now_s = now_s


@dataclass
class InverterUnit:
    """The inverter."""

    device: Device
    inverter: Inverter
    personality: Personality

    def refresh(self, house: House) -> None:
        """Show the present state."""
        refresh(self.device, self.inverter, self.personality, house.volts)

    def tick(self, now_s: float) -> None:
        """Run its reversion timers."""
        if isinstance(self.device.controls, InverterControls):
            self.device.controls.tick(now_s)


@dataclass
class Units:
    """All units of the Modbus server, each refreshed once a second at its own moment."""

    by_id: dict[int, Refreshed] = field(default_factory=dict)
    next_s: dict[int, float] = field(default_factory=dict)
    every_s: float = 1.0

    def add(self, unit: int, refreshed: Refreshed, at_s: float) -> None:
        """Serve this unit."""
        self.by_id[unit], self.next_s[unit] = refreshed, at_s

    def step(self, house: House) -> None:
        """Refresh those whose second has come."""
        for unit, refreshed in self.by_id.items():
            refreshed.tick(house.elapsed_s)
            if house.elapsed_s + 1e-9 >= self.next_s[unit]:
                self.next_s[unit] = max(self.next_s[unit] + self.every_s, house.elapsed_s)
                refreshed.refresh(house)


def units(site: Site, built: Built) -> Units:
    """Every SunSpec unit that the configuration reads on the simulator's port, or the usual two."""
    port = site.simulator.modbus_port if site.simulator else 0
    seed = site.simulator.seed if site.simulator else 1
    dice = random.Random(f"{seed}/units")
    served = Units()
    for name, meter in site.meters.items():
        if meter.modbus and meter.driver == "sunspec" and meter.modbus.port == port:
            circuit = next((c for c, own in site.circuits.items() if own.meter == name), built.house.root)
            served.add(meter.modbus.unit, _meter(site, built.battery, name, circuit), dice.random())
    for name, inverter in site.inverters.items():
        if inverter.modbus and inverter.driver == "sunspec" and inverter.modbus.port == port:
            served.add(inverter.modbus.unit, _inverter(built, name), dice.random())
    if not any(isinstance(unit, MeterUnit) for unit in served.by_id.values()):
        served.add(METER_UNIT, _meter(site, built.battery, "grid", built.house.root), dice.random())
    if not any(isinstance(unit, InverterUnit) for unit in served.by_id.values()):
        served.add(INVERTER_UNIT, _inverter(built, "inverter"), dice.random())
    for refreshed in served.by_id.values():
        refreshed.refresh(built.house)
    return served


def _meter(site: Site, plan: BatteryPlan, name: str, circuit: str) -> MeterUnit:
    personality = PERSONALITIES[plan.meter_personality or plan.personality]
    device = meter_device(personality, f"SIM-{name}", site.site.phases)
    return MeterUnit(device, circuit, personality, site.site.phases)


def _inverter(built: Built, name: str) -> InverterUnit:
    personality = PERSONALITIES[built.battery.personality]
    inverter = built.house.inverters["inverter"]
    return InverterUnit(inverter_device(inverter, personality, f"SIM-{name}"), inverter, personality)
