"""Builds the house of a site's configuration: plant, Modbus units, charge points."""

import random
from dataclasses import dataclass, field, replace

import msgspec

from busbar_shared.config.load import BadConfig
from busbar_shared.config.root import Site
from busbar_shared.config.services import SimulatorSection
from busbar_simulator.config import BatteryPlan, CarPlan, HousePlan, SunPlan, understood
from busbar_simulator.dialect.ocpp16 import Ocpp16
from busbar_simulator.dialect.ocpp201 import Ocpp201
from busbar_simulator.dialect.words import Dialect
from busbar_simulator.plant.car import Car, CarSpec
from busbar_simulator.plant.house import House
from busbar_simulator.plant.room import Room
from busbar_simulator.plant.socket import Socket, SocketSpec
from busbar_simulator.plant.tank import Tank
from busbar_simulator.premises import house_of, unit_of
from busbar_simulator.roof import inverters_of
from busbar_simulator.station.spec import StationSpec
from busbar_simulator.station.station import Station


@dataclass
class Arrival:
    """A car that comes and goes, once each."""

    load: str
    socket: Socket
    car: Car
    arrives_s: float
    leaves_s: float | None
    came: bool = False
    went: bool = False

    def step(self, elapsed_s: float) -> None:
        """Plug it in or pull it out when its time has come."""
        if not self.came and elapsed_s >= self.arrives_s:
            self.came, self.socket.car = True, self.car
        if self.came and not self.went and self.leaves_s is not None and elapsed_s >= self.leaves_s:
            self.went, self.socket.car = True, None


@dataclass
class ChargePoint:
    """A station with what its link needs."""

    charger: str
    station: Station
    dialect: Dialect
    url: str
    password: str | None


@dataclass
class Built:
    """Everything that lives in the simulated house."""

    house: House
    points: list[ChargePoint] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    battery: BatteryPlan = field(default_factory=BatteryPlan)
    # Chargers that speak to nobody.
    dumb: list[Socket] = field(default_factory=list)
    # What each heater heats.
    heated: dict[str, Tank | Room] = field(default_factory=dict)


def build(site: Site) -> Built:
    """The house of this site, or BadConfig. Reads the day's CSV file if one is named."""
    section = site.simulator or SimulatorSection()
    house = understood(section.house, HousePlan, "simulator.house")
    sun = understood(section.sun, SunPlan, "simulator.sun")
    battery = understood(section.battery, BatteryPlan, "simulator.battery")
    cars = {name: understood(raw, CarPlan, f"simulator.cars.{name}") for name, raw in section.cars.items()}
    unknown = sorted(set(cars) - set(site.chargers))
    if unknown:
        raise BadConfig(f"simulator.cars.{unknown[0]}: there is no charger of this id")
    dead_s = max((car.dead_s + car.answer_s for car in cars.values()), default=2.5)
    plant = house_of(site, section, house, sun, dead_s)
    built = Built(house=plant, battery=battery)
    plant.inverters = inverters_of(site, sun, battery)
    for charger in site.chargers:
        _charge_point(site, section, charger, cars.get(charger, CarPlan()), built)
    return built


def _charge_point(site: Site, section: SimulatorSection, charger: str, plan: CarPlan, built: Built) -> None:
    config = site.chargers[charger]
    sockets: dict[int, Socket] = {}
    for number, own in config.all_connectors().items():
        here = understood(
            msgspec.to_builtins(plan) | plan.connectors.get(number, {}), CarPlan, f"simulator.cars.{charger}"
        )
        socket = Socket(
            SocketSpec(
                legs=here.legs or own.legs or config.legs,
                max_a=own.max_a or config.max_a,
                circuit=(config.circuit or "") if config.max_current_a is None else unit_of(charger),
            )
        )
        load = f"{charger}-{number}"
        sockets[int(number)] = built.house.sockets[load] = socket
        if here.plugged:
            built.arrivals.append(
                Arrival(load, socket, _car(here), here.arrives_after_s, here.leaves_after_s)
            )
    if plan.ocpp == "none":
        built.dumb += sockets.values()
        return
    offset = plan.clock_offset_s
    if offset is None:
        offset = random.Random(f"{section.seed}/{charger}/clock").uniform(-90.0, 90.0)
    station = Station(
        StationSpec(
            id=config.charge_point or charger, vendor=plan.vendor, model=plan.model, firmware=plan.firmware,
            serial=f"SIM-{charger}"[:25], tag=plan.tag, answer_s=plan.answer_s, seed=section.seed,
            phase_switching=plan.phase_switching,
            starts_with_cable=plan.starts_with_cable and plan.ocpp == "2.0.1", faults=frozenset(plan.faults),
            clock_offset_s=offset, drift_s_per_h=plan.drift_s_per_h,
        ),
        sockets,
    )  # fmt: skip
    station.meter.sample_s = plan.sample_s
    if plan.ocpp == "2.0.1":
        station.profiles.shelf = replace(station.profiles.shelf, newest_wins=False)
    dialect: Dialect = Ocpp16(station, plan.password) if plan.ocpp == "1.6" else Ocpp201(station)
    url = plan.url or section.ocpp_url or _url(site)
    built.points.append(ChargePoint(charger, station, dialect, url, plan.password))


def _url(site: Site) -> str:
    if site.ocpp is None:
        return "ws://127.0.0.1:9000/"
    host = "127.0.0.1" if site.ocpp.host in ("0.0.0.0", "::", "") else site.ocpp.host
    return f"ws://{host}:{site.ocpp.port}/{site.ocpp.path_prefix.strip('/')}"


def _car(plan: CarPlan) -> Car:
    spec = CarSpec(
        battery_wh=plan.battery_wh, legs=plan.car_legs, max_a=plan.car_max_a, dead_s=plan.dead_s,
        ramp_a_per_s=plan.ramp_a_per_s, ramp_down_a_per_s=plan.ramp_down_a_per_s, wake_s=plan.wake_s,
        pauses_until_sleep=plan.pauses_until_sleep, taper_from_percent=plan.taper_from_percent,
        full_percent=plan.full_percent, overdraw_a=plan.overdraw_a, obeys=plan.obeys,
    )  # fmt: skip
    return Car(spec, plan.soc_percent)
