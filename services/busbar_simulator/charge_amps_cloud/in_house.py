"""The cloud's chargers on the wires of the simulated house: what the cloud allows, the car draws here.

The car and the house live in real seconds; the schedule is by the wall clock, as in the real cloud.
"""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime

from busbar_shared.config.load import BadConfig
from busbar_shared.config.root import Site
from busbar_simulator.charge_amps_cloud.charger import Connector
from busbar_simulator.charge_amps_cloud.cloud import Cloud
from busbar_simulator.charge_amps_cloud.server import serving
from busbar_simulator.plant.house import House
from busbar_simulator.plant.phases import Phases, index

RAMP_A_PER_S = 2.0
"""A car takes some seconds to reach what it is offered, and lets go at once."""


@dataclass(frozen=True)
class SocketPlate:
    """Where the charger hangs and how its legs are wired."""

    circuit: str
    legs: tuple[str, ...]


class CloudSocket:
    """One Charge Amps connector as a load of the house."""

    def __init__(self, spec: SocketPlate, connector: Connector, now: Callable[[], datetime]) -> None:
        self.spec, self.connector, self._now = spec, connector, now
        self.on = True
        """The fuse behind it; the charger's own contactor follows the cloud."""
        self._amps = 0.0

    def step(self, dt_s: float, calendar_s: float, now_s: float, volts: Phases) -> None:
        """Follow what the cloud allows."""
        wanted = self.connector.draws_a(self._now()) if self.on else 0.0
        self._amps = min(wanted, self._amps + RAMP_A_PER_S * dt_s)

    def currents(self) -> Phases:
        """What flows on the site's phases."""
        site = [0.0, 0.0, 0.0]
        for phase in self.spec.legs[: self.connector.car_phases]:
            site[index(phase)] += self._amps
        return (site[0], site[1], site[2])


def cloud_of(site: Site, now: Callable[[], datetime]) -> tuple[Cloud, dict[str, CloudSocket]]:
    """The cloud of [simulator.chargeamps] with every connector of the site; raises BadConfig."""
    told = dict(site.simulator.chargeamps) if site.simulator else {}
    cloud = Cloud(now=now)
    cloud.email = _text(told, "email", cloud.email)
    cloud.password = _text(told, "password", cloud.password)
    car_a, plugged = told.get("car_a", 16.0), told.get("plugged", True)
    if isinstance(car_a, bool) or not isinstance(car_a, int | float) or not 0 <= car_a <= 64:
        raise BadConfig(f"simulator.chargeamps.car_a: {car_a!r} is no current from 0 to 64 A")
    sockets = {}
    for label, place in (site.chargeamps.connectors if site.chargeamps else {}).items():
        number = place.connector or (int(label) if label.isdigit() else 1)
        connector = cloud.add(place.charge_point, number, mode="Schedule")
        if plugged:
            connector.plug(float(car_a), len(place.legs))
        sockets[label] = CloudSocket(SocketPlate(place.circuit or "", tuple(place.legs)), connector, now)
    return cloud, sockets


@contextlib.asynccontextmanager
async def charge_amps_in(site: Site, house: House, now: Callable[[], datetime]) -> AsyncIterator[int | None]:
    """Serve the cloud with its chargers in the house; gives the port, or None where the site has none."""
    if site.chargeamps is None or site.simulator is None or not site.simulator.chargeamps:
        yield None
        return
    cloud, sockets = cloud_of(site, now)
    for label, socket in sockets.items():
        house.things[f"chargeamps-{label}"] = socket
    port = site.simulator.chargeamps.get("port", 0)
    if not isinstance(port, int) or not 0 <= port <= 65535:
        raise BadConfig(f"simulator.chargeamps.port: {port!r} is no port")
    async with serving(cloud, port=port) as bound:
        yield bound


def _text(told: dict[str, object], name: str, usual: str) -> str:
    value = told.get(name, usual)
    if not isinstance(value, str):
        raise BadConfig(f"simulator.chargeamps.{name}: {value!r} is no text")
    return value
