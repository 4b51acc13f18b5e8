"""Builds the house of a site's configuration: plant, Modbus units, charge points."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import msgspec

from busbar_shared.config.load import BadConfig
from busbar_shared.config.root import Site
from busbar_shared.config.services import SimulatorSection
from busbar_shared.config.site import on_phase
from busbar_simulator.config import BatteryPlan, CarPlan, HousePlan, SunPlan, understood
from busbar_simulator.dialect.ocpp16 import Ocpp16
from busbar_simulator.dialect.ocpp201 import Ocpp201
from busbar_simulator.dialect.words import Dialect
from busbar_simulator.plant.almanac import Almanac
from busbar_simulator.plant.car import Car, CarSpec
from busbar_simulator.plant.house import Circuit, Grid, House
from busbar_simulator.plant.household import Habit, Household
from busbar_simulator.plant.inverter import Inverter, InverterSpec
from busbar_simulator.plant.ledger import Rule
from busbar_simulator.plant.recorded import BadDay, RecordedDay, read_day
from busbar_simulator.plant.room import Room
from busbar_simulator.plant.sky import Sky
from busbar_simulator.plant.socket import Socket, SocketSpec
from busbar_simulator.plant.storage import Storage, StorageSpec
from busbar_simulator.plant.tank import Tank
from busbar_simulator.station.station import Station, StationSpec

ROOF, STORAGE = "roof", "storage"


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
    plant = _house(site, section, house, sun, cars)
    built = Built(house=plant, battery=battery)
    plant.inverters = _inverters(site, sun, battery)
    for charger in site.chargers:
        _charge_point(site, section, charger, cars.get(charger, CarPlan()), built)
    return built


def _house(
    site: Site, section: SimulatorSection, house: HousePlan, sun: SunPlan, cars: dict[str, CarPlan]
) -> House:
    phases = site.site.phases
    circuits = _circuits(site)
    habits = {circuit.id: _habits(house, circuit, site.circuits) for circuit in circuits}
    root = next(circuit.id for circuit in circuits if circuit.parent is None)
    dead_s = max((car.dead_s + car.answer_s for car in cars.values()), default=2.5)
    return House(
        almanac=Almanac(start=_start(section, sun), speed=section.speed),
        household=Household(
            seed=section.seed, base_w=house.base_w, kettles=house.kettles, ovens=house.ovens,
            machines=house.machines, phases=phases, habits=habits[root],
            shortest_s=house.shortest_s * section.speed,
        ),
        sky=Sky(seed=section.seed, peak_w=sun.peak_w, cloudiness=sun.cloudiness, latitude_deg=sun.latitude,
                shortest_s=sun.shortest_cloud_s * section.speed),
        circuits=circuits,
        grid=Grid(volts=house.volts, ohms=house.ohms),
        day=_day(section, phases),
        rule=Rule(mend_s=house.mend_s, dead_s=dead_s),
        outbuildings={
            circuit: Household(seed=section.seed, base_w=0, kettles=0, ovens=0, machines=0, phases=phases, habits=own)
            for circuit, own in habits.items() if own and circuit != root
        },
    )  # fmt: skip


def _circuits(site: Site) -> tuple[Circuit, ...]:
    """The site's circuits, and a breaker of its own for each charger that names its most."""
    phases = site.site.phases
    made = [
        Circuit(id=name, parent=own.parent, limits_a={p: on_phase(own.limit_a, p) or 0.0 for p in phases})
        for name, own in site.circuits.items()
    ] or [Circuit()]
    root = next(circuit.id for circuit in made if circuit.parent is None)
    for name, charger in site.chargers.items():
        if charger.max_current_a is not None:
            limits: dict[str, float] = {
                p: charger.max_current_a * max(charger.legs.count(p), 1) for p in phases
            }
            made.append(Circuit(id=unit_of(name), parent=charger.circuit or root, limits_a=limits))
    return tuple(made)


def unit_of(charger: str) -> str:
    """The circuit inside a charger."""
    return f"charger-{charger}"


def _habits(house: HousePlan, circuit: Circuit, known: Mapping[str, object]) -> tuple[Habit, ...]:
    for habit in house.habits:
        if habit.circuit is not None and habit.circuit not in known:
            raise BadConfig(f"simulator.house.habits: there is no circuit {habit.circuit!r}")
    return tuple(
        Habit(at_s=_seconds(h.at), lasts_s=h.minutes * 60, power_w=h.power_w, phases=h.phases)
        for h in house.habits
        if h.circuit == circuit.id or (h.circuit is None and circuit.parent is None)
    )


def _start(section: SimulatorSection, sun: SunPlan) -> datetime:
    try:
        return datetime.fromisoformat(f"{sun.date}T{section.start}").replace(tzinfo=None)
    except ValueError:
        raise BadConfig(f"simulator.start: {sun.date} {section.start} is no time") from None


def _seconds(at: str) -> float:
    hours, minutes = at.split(":")
    return int(hours) * 3600.0 + int(minutes) * 60.0


def _day(section: SimulatorSection, phases: tuple[str, ...]) -> RecordedDay | None:
    if section.day_csv is None:
        return None
    try:
        return read_day(Path(section.day_csv).read_text(encoding="utf-8"), phases)
    except (OSError, UnicodeDecodeError, BadDay) as error:
        raise BadConfig(f"simulator.day_csv: {section.day_csv}: {error}") from error


def _inverters(site: Site, sun: SunPlan, plan: BatteryPlan) -> dict[str, Inverter]:
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
        ramp_w_per_s=plan.ramp_w_per_s,
    )  # fmt: skip
    return Inverter(spec=spec, storage=Storage(storage, plan.soc_percent) if storage else None)


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
            phase_switching=plan.phase_switching, faults=frozenset(plan.faults),
            clock_offset_s=offset, drift_s_per_h=plan.drift_s_per_h,
        ),
        sockets,
    )  # fmt: skip
    station.sample_s = plan.sample_s
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
