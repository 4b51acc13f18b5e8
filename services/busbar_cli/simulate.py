"""A site in virtual time: the plant, the live allocator, battery and plug code, and the messages between them.

Nothing here decides about electricity. The plant is the simulator's own, so the truth that is counted shares no
code with what is judged. One seed, one day: every random thing comes from it, and no clock is asked.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from busbar_cli.simulate_chargeamps import ChargeAmps
from busbar_cli.simulate_connect import Connections
from busbar_cli.simulate_devices import Beat, Moment
from busbar_cli.simulate_figures import Figures, Tally
from busbar_cli.simulate_heaters import Heaters
from busbar_cli.simulate_minds import Busbar, Mind, Said, plan_for
from busbar_cli.simulate_peer import Peer, Program
from busbar_cli.simulate_plugs import Plugs
from busbar_cli.simulate_references import Reference
from busbar_cli.simulate_scenario import Event, Scenario
from busbar_cli.simulate_slots import Day, Slots
from busbar_cli.simulate_tariff import prices_at, series_of
from busbar_contracts.battery import BatterySetpoint
from busbar_contracts.charger import ChargerLimit
from busbar_contracts.load import HeatMode, HeatOrder, LoadMode, LoadSettings, PlugSwitch
from busbar_contracts.meter import InverterLimit
from busbar_contracts.topics import topic_of
from busbar_shared.bus import Heard
from busbar_shared.config.root import Site
from busbar_simulator.build import build
from busbar_simulator.gadgets import add_gadgets
from busbar_simulator.plant.phases import NONE, Phases, added, less

STEP_S = 0.25
START_S = 1000.0
MOST_POINTS = 1500


class Point(Struct, frozen=True):
    """One moment for the picture. Powers in W, grid + import, battery + charging."""

    s: float
    sun: float
    house: float
    cars: float
    things: float
    battery: float
    grid: float
    soc: float | None


class Ran(Struct, frozen=True, kw_only=True):
    """The outcome of a run."""

    title: str
    figures: Figures
    points: list[Point]
    orders: list[tuple[float, str, float]]
    """Every change of a limit: seconds, load, A or W."""
    started_at: datetime
    day: Day
    """The same day in slots, for an optimum."""


BUSBAR = "busbar"
REFERENCES = {"surplus-30": ("surplus", 30.0), "surplus-10": ("surplus", 10.0), "equal-10": ("equal", 10.0)}


def simulate(
    scenario: Scenario, told: Callable[[float], None] | None = None, controller: str = BUSBAR
) -> Ran:
    """Live through the scenario; `told` hears the part that is done, from 0 to 1, once per simulated hour.

    `controller` is Busbar, one of `REFERENCES`, or the command that starts another. Raises BadPeer.
    """
    simulation = Simulation(scenario, controller)
    total = scenario.run.hours * 3600
    try:
        for second in simulation.run(total):
            if told is not None and second % 3600 < STEP_S:
                told(second / total)
    finally:
        simulation.mind.close()
    return simulation.ran()


def mind_for(site: Site, controller: str) -> Mind:
    """Who decides. Raises BadPeer."""
    if controller == BUSBAR:
        return Busbar(site, START_S)
    known = REFERENCES.get(controller)
    return Peer(site, Program(controller) if known is None else Reference(*known))


class Simulation:
    """One site, alive."""

    def __init__(self, scenario: Scenario, controller: str = BUSBAR) -> None:
        self._scenario, self._run = scenario, scenario.run
        self.site = site = scenario.site
        self.built = build(site)
        gadgets = add_gadgets(site, self.built)
        self.house = self.built.house
        self.house.day = scenario.day
        self._zone = ZoneInfo(site.site.timezone)
        self._start = self.house.almanac.start.replace(tzinfo=self._zone).astimezone(UTC)
        self.now = Moment(0.0, self._start)
        connect = Connections(scenario, self.house, plan_for(site))
        self._meters, self._chargers = connect.meters(), connect.chargers()
        self._inverters, self._batteries = connect.inverters(), connect.batteries()
        self._plugs = Plugs(site, gadgets, self.now)
        self._heaters = Heaters(site, gadgets, self.now)
        self._chargeamps = ChargeAmps(site, self.built, self.now)
        self._scheduled = frozenset(self.house.sockets) - frozenset(self._chargers)
        self._slots = Slots(self.built)
        self._tally = Tally(self.built, per_phase=nets_per_phase(site))
        self._tick, self._second, self._half = Beat(1.0, 0.5), Beat(1.0, 0.0), Beat(0.5, 0.1)
        self._points: list[Point] = []
        self._point = Beat(max(1.0, scenario.run.hours * 3600 / MOST_POINTS), 0.0)
        self._orders: list[tuple[float, str, float]] = []
        self._ordered: dict[str, float] = {}
        self._count = self._changed_before = self._battery_before = 0
        self._day: date | None = None
        self._second_of_prices = Beat(1.0, 0.0)
        self._done: set[tuple[int, bool]] = set()
        self._broker = True
        self.mind = mind_for(site, controller)

    # -- living -------------------------------------------------------------------------------

    def run(self, seconds: float) -> Iterator[float]:
        """Live for so long; yields the seconds lived after each step."""
        for number in range(1, round(seconds / STEP_S) + 1):
            self._live(number * STEP_S)
            yield number * STEP_S

    def _live(self, second: float) -> None:
        for arrival in self.built.arrivals:
            arrival.step(self.house.elapsed_s)
        for socket in self.built.dumb:
            socket.closed, socket.pilot_a = socket.occupied, socket.spec.max_a
        self._chargeamps.drive(self.now)
        self._events(second)
        self.house.step(STEP_S)
        self.now = Moment(second, self._start + timedelta(seconds=second))
        self._tally.step()
        if second == self._run.settle_s:
            self._tally.begin()
            self._slots = Slots(self.built)
            self._changed_before, self._battery_before = self._changes()
            self._count = 0
        self._prices()
        self._speak()
        if self._second.due(second):
            prices = prices_at(self._run.tariff, self.now.at.astimezone(self._zone))
            self._tally.second(1.0, self._modes(), prices)
            self._slots.second(1.0, prices)
        if self._point.due(second):
            self._points.append(self._seen())

    def _speak(self) -> None:
        now, wake = self.now, self._tick.due(self.now.s)
        for name, meter in self._meters.items():
            reading = meter.step(self.house, now)
            wake = (reading is not None and self._say(reading, meter=name)) or wake
        for name, charger in self._chargers.items():
            self._say(charger.step(now), **_connector(name))
        for name, inverter in self._inverters.items():
            self._say(inverter.step(self.house, now), inverter=name)
        for name, battery in self._batteries.items():
            self._say(battery.step(now), battery=name)
        self._heaters.carry(self._plugs.step(now), now)
        if self._half.due(now.s):
            self._say_all(self._plugs.work(now))
            self._say_all(self._heaters.work(now))
            self._say_all(self._chargeamps.work(now))
        if wake:
            self._say_all(self.mind.decide(now.at, START_S + now.s))

    def _say_all(self, said: Iterable[Said]) -> None:
        for message, ids in said:
            self._say(message, **ids)

    def _say(self, message: Any, **ids: str) -> bool:
        """Bring a message to whoever listens; True for a reading that deserves a decision."""
        if message is None or not self._broker:
            return False
        self._device(message, ids)
        self._heaters.hear(message, ids, self.now)
        self._chargeamps.hear(message)
        now_s = START_S + self.now.s
        heard: Heard[Any] = Heard(message, ids, topic_of(type(message)).address, now_s, False)
        return self.mind.hear(heard, self.now.at, now_s)

    def _device(self, message: Any, ids: dict[str, str]) -> None:
        if isinstance(message, ChargerLimit):
            load = f"{ids['charger']}-{ids['connector']}"
            self._note(load, message.limit_a)
            self._chargers[load].obey(message, self.now)
        elif isinstance(message, HeatOrder):
            self._note(ids["heater"], 0.0 if message.mode is HeatMode.BLOCK else message.power_w or 1.0)
        elif isinstance(message, PlugSwitch):
            if message.issuer != "heat":
                self._note(ids["plug"], (message.power_w or 1.0) if message.on else 0.0)
            self._plugs.obey(ids["plug"], message, self.now)
        elif isinstance(message, BatterySetpoint) and ids["battery"] in self._batteries:
            self._batteries[ids["battery"]].obey(message, self.now)
        elif isinstance(message, InverterLimit) and ids["inverter"] in self._inverters:
            self._inverters[ids["inverter"]].obey(message, self.now)
        elif isinstance(message, LoadSettings):
            self._plugs.settings(ids["load"], message)

    def _note(self, load: str, value: float) -> None:
        self._count += 1
        if self._ordered.get(load) != value:
            self._ordered[load] = value
            self._orders.append((self.now.s, load, value))

    # -- what happens -------------------------------------------------------------------------

    def _events(self, second: float) -> None:
        for number, event in enumerate(self._run.events):
            for begins, at_s in ((True, event.at_s), (False, event.at_s + event.for_s)):
                if second >= at_s and (number, begins) not in self._done:
                    self._done.add((number, begins))
                    self._happen(event, begins)

    def _happen(self, event: Event, begins: bool) -> None:
        if event.extra_w is not None:
            extra: Phases = event.extra_w
            self.house.extra_w = (added if begins else less)(self.house.extra_w or NONE, extra)
        if event.meter is not None:
            self._meters[self.site.grid_meter()].mode = event.meter if begins else None
        if event.trip:
            for inverter in self.house.inverters.values():
                inverter.trip(event.for_s if begins else 0.0)
        for load in event.silent:
            self._chargers[load].silent = begins
        if event.allocator_dead and begins:
            self.mind.die()
        elif event.allocator_dead:
            self.mind.rise(START_S + self.now.s)
        if event.broker_dead:
            self._broker = not begins

    def _prices(self) -> None:
        """At midnight, and at the start, the prices of the day are known: no others are."""
        if not self._second_of_prices.due(self.now.s):
            return
        local = self.now.at.astimezone(self._zone)
        if local.date() == self._day:
            return
        self._day = local.date()
        for message in series_of(self._run.tariff, local):
            self._say(message, series=message.series)

    # -- counting -----------------------------------------------------------------------------

    def _modes(self) -> dict[str, LoadMode]:
        """Cars on a schedule of their own follow no mode."""
        return {name: mode for name, mode in self.mind.modes().items() if name not in self._scheduled}

    def _changes(self) -> tuple[int, int]:
        chargers = sum(one.changes for one in self._chargers.values())
        return chargers, sum(one.changes for one in self._batteries.values())

    def _seen(self) -> Point:
        house = self.house
        storage = next((one.storage for one in house.inverters.values() if one.storage is not None), None)
        things = sum(
            a * v
            for thing in house.things.values()
            for a, v in zip(thing.currents(), house.volts, strict=True)
        )
        return Point(
            self.now.s, sum(one.pv_w for one in house.inverters.values()), sum(house.house_w) + house.outside_w,
            sum(one.power_w(house.volts) for one in house.sockets.values()), things,
            sum(one.battery_w for one in house.inverters.values()), sum(house.grid_w),
            None if storage is None else storage.soc_percent,
        )  # fmt: skip

    def ran(self) -> Ran:
        """The outcome so far."""
        chargers, batteries = self._changes()
        figures = self._tally.figures(
            chargers - self._changed_before, batteries - self._battery_before, self._count
        )
        return Ran(
            title=self._run.title,
            figures=figures,
            points=self._points,
            orders=self._orders,
            started_at=self._start,
            day=self._slots.day(
                self.site.site.voltage_v,
                min((one.soc_min_percent for one in self.site.batteries.values()), default=0.0),
            ),
        )


def nets_per_phase(site: Site) -> bool:
    """Whether the meter counts each phase for itself, by the allocator's own rule (allocation, section 3)."""
    asymmetric = any(one.asymmetric for one in site.inverters.values())
    return site.site.netting == "per_phase" or (site.site.netting == "auto" and not asymmetric)


def _connector(load: str) -> dict[str, str]:
    charger, _, connector = load.rpartition("-")
    return {"charger": charger, "connector": connector}
