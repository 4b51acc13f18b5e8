"""Charge Amps chargers in the house: the cloud on the desk decides the pilot, the plant what then flows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from busbar_shared.config.root import Site
from busbar_simulator.build import Built
from busbar_simulator.charge_amps_cloud.charger import Connector
from busbar_simulator.charge_amps_cloud.cloud import Cloud
from busbar_simulator.config import understood
from busbar_simulator.plant.car import Car, CarSpec
from busbar_simulator.plant.socket import Socket, SocketSpec

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class VendorPlan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[simulator.chargeamps]: the cloud, and the car on each of its chargers."""

    port: Annotated[
        Annotated[int, Meta(ge=0, le=65535)] | None, Meta(description="Null: that of base_url.")
    ] = None
    email: Annotated[str, Meta(description="Of the account.")] = "owner@example.org"
    password: Annotated[str, Meta(description="Of the account.")] = "secret"
    api_key: Annotated[str, Meta(description="Of the external interface.")] = "key"
    plugged: Annotated[bool, Meta(description="A car hangs on each.")] = True
    mode: Annotated[str, Meta(description="Of each connector at the start: On, Off or Schedule.")] = (
        "Schedule"
    )
    car_legs: Annotated[int, Meta(ge=1, le=3, description="Of the cars.")] = 3
    car_max_a: Annotated[float, Meta(ge=6, le=32, description="Of the cars.")] = 16.0
    battery_wh: Annotated[float, Meta(gt=0, description="Of the cars.")] = 60_000.0
    soc_percent: Annotated[float, Meta(ge=0, le=100, description="Of the cars.")] = 40.0
    dead_s: Annotated[float, Meta(ge=0, le=120, description="Of the cars.")] = 2.0


@dataclass
class VendorCharger:
    """One connector of the cloud on a socket of the plant."""

    connector: Connector
    socket: Socket

    def step(self, now: datetime) -> None:
        """The charger follows what the cloud holds; the cloud learns what the car does."""
        car = self.socket.car
        self.connector.plugged, self.connector.full = car is not None, car is not None and car.full
        self.connector.measured_a = max(self.socket.legs_a)
        self.connector.count(now)
        offered = self.connector.offered_a(now)
        self.socket.closed, self.socket.pilot_a = car is not None, offered if offered >= 6.0 else 0.0


def vendor_cloud(
    site: Site, built: Built, now: Callable[[], datetime]
) -> tuple[Cloud | None, list[VendorCharger]]:
    """The cloud with the site's Charge Amps chargers, when the simulator is told to play it."""
    section = site.simulator
    if site.chargeamps is None or section is None or not (section.chargeamps or _here(site)):
        return None, []
    plan = understood(section.chargeamps, VendorPlan, "simulator.chargeamps")
    cloud = Cloud(now=now, email=plan.email, password=plan.password, api_key=plan.api_key)
    chargers = []
    for name, config in site.chargeamps.connectors.items():
        number = config.connector or int(name)
        connector = cloud.add(config.charge_point, number, mode=plan.mode, user_current=config.max_current_a)
        spec = SocketSpec(legs=config.legs, max_a=config.max_current_a, circuit=config.circuit or "")
        socket = built.house.sockets[f"chargeamps-{name}"] = Socket(spec)
        if plan.plugged:
            car = CarSpec(
                legs=plan.car_legs, max_a=plan.car_max_a, battery_wh=plan.battery_wh, dead_s=plan.dead_s
            )
            socket.car = Car(car, plan.soc_percent)
            connector.plug(plan.car_max_a, min(plan.car_legs, len(config.legs)))
        chargers.append(VendorCharger(connector, socket))
    return cloud, chargers


def cloud_port(site: Site) -> int:
    """Where the cloud listens: as configured, else where the scheduler will look for it."""
    plan = understood(site.simulator.chargeamps if site.simulator else {}, VendorPlan, "simulator.chargeamps")
    if plan.port is not None:
        return plan.port
    base = site.chargeamps.base_url if site.chargeamps else None
    return (urlsplit(base).port or 0) if base else 0


def _here(site: Site) -> bool:
    """Whether the scheduler's cloud is on this machine."""
    base = site.chargeamps.base_url if site.chargeamps else None
    return base is not None and urlsplit(base).hostname in LOOPBACK
