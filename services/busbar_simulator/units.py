"""The Modbus units a site's configuration expects to find, served from the plant."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from busbar_shared.config.root import Site
from busbar_simulator.build import Built
from busbar_simulator.metering import BEGUN_WH, consumption, seen_by
from busbar_simulator.plant.house import House
from busbar_simulator.plant.inverter import Inverter
from busbar_simulator.plant.phases import Phases
from busbar_simulator.roof import STORAGE
from busbar_simulator.sunspec.controls import InverterControls
from busbar_simulator.sunspec.der import DerControls, der_device, refresh_der
from busbar_simulator.sunspec.device import Device
from busbar_simulator.sunspec.inverter import inverter_device, refresh
from busbar_simulator.sunspec.meter import measure, meter_device
from busbar_simulator.sunspec.personality import PERSONALITIES, Personality

INVERTER_UNIT, METER_UNIT = 1, 200


class Refreshed(Protocol):
    """A unit that copies the plant's state into its registers now and then."""

    device: Device

    def refresh(self, house: House) -> None:
        """Copy now."""

    def tick(self, now_s: float) -> None:
        """Run the timers of the device."""


@dataclass
class MeterUnit:
    """A meter somewhere in the house; it counts energy itself, netted over its phases."""

    device: Device
    current: Callable[[House], Phases]
    personality: Personality
    phases: tuple[str, ...]
    imported_wh: float = BEGUN_WH
    exported_wh: float = BEGUN_WH
    _last_s: float = 0.0

    def refresh(self, house: House) -> None:
        """Take a sample."""
        current = self.current(house)
        power = sum(a * v for a, v in zip(current, house.volts, strict=True))
        moved_wh = power * (house.elapsed_s - self._last_s) / 3600
        self._last_s = house.elapsed_s
        self.imported_wh += max(moved_wh, 0.0)
        self.exported_wh += max(-moved_wh, 0.0)
        measure(
            self.device,
            self.personality,
            self.phases,
            current,
            house.volts,
            self.imported_wh,
            self.exported_wh,
        )

    def tick(self, now_s: float) -> None:
        """A meter has no timers."""
        self.device.now_s = now_s


@dataclass
class InverterUnit:
    """An inverter."""

    device: Device
    inverter: Inverter
    personality: Personality

    def refresh(self, house: House) -> None:
        """Show the present state."""
        self.device.asleep = self.inverter.sun_w <= 0.0 and self.inverter.storage is None
        if self.personality.der:
            refresh_der(self.device, self.inverter, house.volts)
            return
        refresh(self.device, self.inverter, self.personality, house.volts)

    def tick(self, now_s: float) -> None:
        """Run its reversion timers."""
        if isinstance(self.device.controls, InverterControls | DerControls):
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

    def lacks(self, kind: type) -> bool:
        """Whether nothing of this kind is served."""
        return not any(isinstance(unit, kind) for unit in self.by_id.values())


def units(site: Site, built: Built) -> Units:
    """Every SunSpec unit that the configuration reads on the simulator's port, or the usual two."""
    port = site.simulator.modbus_port if site.simulator else 0
    dice = random.Random(f"{site.simulator.seed if site.simulator else 1}/units")
    served = Units()
    for name, meter in site.meters.items():
        if meter.driver == "sunspec" and meter.modbus and meter.modbus.port == port:
            served.add(meter.modbus.unit, _meter(site, built, name), dice.random())
    for name, inverter in site.inverters.items():
        if inverter.driver == "sunspec" and inverter.modbus and inverter.modbus.port == port:
            served.add(inverter.modbus.unit, _inverter(built, name), dice.random())
    for battery in site.batteries.values():
        alone = battery.inverter is None and STORAGE in built.house.inverters
        if alone and battery.driver == "sunspec" and battery.modbus and battery.modbus.port == port:
            served.add(battery.modbus.unit, _inverter(built, STORAGE), dice.random())
    if served.lacks(MeterUnit):
        served.add(METER_UNIT, _meter(site, built, "grid"), dice.random())
    if served.lacks(InverterUnit):
        served.add(INVERTER_UNIT, _inverter(built, next(iter(built.house.inverters))), dice.random())
    for refreshed in served.by_id.values():
        refreshed.refresh(built.house)
    return served


def _meter(site: Site, built: Built, name: str) -> MeterUnit:
    personality = PERSONALITIES[built.battery.meter_personality or built.battery.personality]
    device = meter_device(personality, f"SIM-{name}", site.site.phases)
    config = site.meters.get(name)
    if config is not None and config.location == "consumption":
        return MeterUnit(device, consumption, personality, site.site.phases)
    return MeterUnit(device, seen_by(site, built.house.root, name), personality, site.site.phases)


def _inverter(built: Built, name: str) -> InverterUnit:
    personality = PERSONALITIES[built.battery.personality]
    inverter = built.house.inverters[name]
    make = der_device if personality.der else inverter_device
    return InverterUnit(make(inverter, personality, f"SIM-{name}"), inverter, personality)
