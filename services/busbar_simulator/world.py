"""Everything that lives in the simulated house, stepped together."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from busbar_shared.config.root import Site
from busbar_simulator.build import Built, build
from busbar_simulator.charge_amps import VendorCharger, vendor_cloud
from busbar_simulator.charge_amps_cloud.cloud import Cloud
from busbar_simulator.devices.message import Gadget
from busbar_simulator.gadgets import add_gadgets
from busbar_simulator.link import Link
from busbar_simulator.metering import mqtt_meters
from busbar_simulator.modbus_server import ModbusServer
from busbar_simulator.plant.car import Car
from busbar_simulator.units import Units, units

LONGEST_S = 0.25


@dataclass
class World:
    """The plant and everything that speaks for it."""

    built: Built
    served: Units
    server: ModbusServer
    links: dict[str, Link]
    gadgets: list[Gadget]
    now: Callable[[], datetime]
    cloud: Cloud | None = None
    vendor: list[VendorCharger] = field(default_factory=list)
    # Cars that are not on their cable, by load.
    parked: dict[str, Car] = field(default_factory=dict)
    # What is to be undone, and when (seconds of the house).
    later: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def live(self, seconds: float) -> None:
        """Live for so long, in steps short enough for honest ramps."""
        for dt_s in portions(seconds):
            self._step(dt_s)

    def _step(self, dt_s: float) -> None:
        house = self.built.house
        due = [undo for at_s, undo in self.later if at_s <= house.elapsed_s]
        self.later = [(at_s, undo) for at_s, undo in self.later if at_s > house.elapsed_s]
        for undo in due:
            undo()
        for arrival in self.built.arrivals:
            arrival.step(house.elapsed_s)
        for charger in self.vendor:
            charger.step(self.now())
        for socket in self.built.dumb:
            socket.closed, socket.pilot_a = socket.occupied, socket.spec.max_a
        house.step(dt_s)
        self.served.step(house)
        for link in self.links.values():
            link.tell(link.station.step(dt_s, self.now(), house.volts))


def world_of(site: Site, now: Callable[[], datetime]) -> World:
    """The world of this site, or BadConfig; nothing listens yet."""
    built = build(site)
    gadgets = [*add_gadgets(site, built), *mqtt_meters(site, built)]
    cloud, vendor = vendor_cloud(site, built, now)
    served = units(site, built)
    port = site.simulator.modbus_port if site.simulator else 0
    faults = frozenset(built.battery.line_faults)
    server = ModbusServer({unit: one.device for unit, one in served.by_id.items()}, port=port, faults=faults)
    links = {
        point.charger: Link(point.station, point.dialect, point.url, password=point.password)
        for point in built.points
    }
    return World(
        parked={arrival.load: arrival.car for arrival in built.arrivals},
        built=built,
        served=served,
        server=server,
        links=links,
        gadgets=gadgets,
        now=now,
        cloud=cloud,
        vendor=vendor,
    )


def portions(seconds: float) -> list[float]:
    """A stretch of time in short steps, even when the machine was busy."""
    count = max(int(seconds / LONGEST_S) + 1, 1)
    return [seconds / count] * min(count, 2400) if seconds > 0 else []
