"""A site in virtual time: the plant, the live allocator, battery and plug code, and the messages between them.

Nothing here decides about electricity. The plant is the simulator's own, so the truth that is counted shares no
code with what is judged. One seed, one day: every random thing comes from it, and no clock is asked.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from busbar_allocator.config import plan_from
from busbar_allocator.desk import Desk
from busbar_allocator.main import HEARD as ALLOCATOR_HEARS
from busbar_battery.config import plan_from as battery_plan
from busbar_battery.desk import Desk as BatteryDesk
from busbar_battery.main import HEARD as BATTERY_HEARS
from busbar_cli.simulate_connect import Connections
from busbar_cli.simulate_devices import (
    Beat,
    Moment,
)
from busbar_cli.simulate_figures import Figures, Tally
from busbar_cli.simulate_plugs import Plugs
from busbar_cli.simulate_scenario import Event, Scenario
from busbar_cli.simulate_slots import Day, Slots
from busbar_cli.simulate_tariff import prices_at, series_of
from busbar_contracts.battery import BatterySetpoint
from busbar_contracts.charger import ChargerLimit
from busbar_contracts.load import LoadMode, LoadSettings, PlugSwitch
from busbar_contracts.meter import InverterLimit, MeterReading
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


def simulate(scenario: Scenario, told: Callable[[float], None] | None = None) -> Ran:
    """Live through the scenario; `told` hears the part that is done, from 0 to 1, once per simulated hour."""
    simulation = Simulation(scenario)
    total = scenario.run.hours * 3600
    for second in simulation.run(total):
        if told is not None and second % 3600 < STEP_S:
            told(second / total)
    return simulation.ran()


class Simulation:
    """One site, alive."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario, self._run = scenario, scenario.run
        self.site = site = scenario.site
        self.built = build(site)
        gadgets = add_gadgets(site, self.built)
        self.house = self.built.house
        self.house.day = scenario.day
        self._zone = ZoneInfo(site.site.timezone)
        self._start = self.house.almanac.start.replace(tzinfo=self._zone).astimezone(UTC)
        self._starts = 0
        self.now = Moment(0.0, self._start)
        desk = self._new_desk(None)
        self.desk: Desk | None = desk
        self._kept: Any = None
        self.battery = BatteryDesk(battery_plan(site), None, "simulate") if site.batteries else None
        connect = Connections(scenario, self.house, desk.plan)
        self._meters, self._chargers = connect.meters(), connect.chargers()
        self._inverters, self._batteries = connect.inverters(), connect.batteries()
        self._plugs = Plugs(site, gadgets, self.now)
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
        self._known_modes: dict[str, LoadMode] = {}
        self._done: set[tuple[int, bool]] = set()
        self._broker = True

    # -- building -----------------------------------------------------------------------------

    def _new_desk(self, kept: Any) -> Desk:
        self._starts += 1
        return Desk(plan_from(self.site), kept, START_S + self.now.s, f"simulate-{self._starts}")

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
        self._plugs.step(now)
        if self._half.due(now.s):
            for name, state in self._plugs.work(now):
                self._say(state, plug=name)
        if wake:
            self._decide()

    def _decide(self) -> None:
        now, at = START_S + self.now.s, self.now.at
        if self.desk is not None:
            for one in self.desk.decide(now, at).messages:
                self._say(one.message, **one.ids)
        if self.battery is not None:
            for letter in self.battery.decide(at, now).letters:
                self._say(letter.message, **letter.ids)

    def _say(self, message: Any, **ids: str) -> bool:
        """Bring a message to whoever listens; True for a reading that deserves a decision."""
        if message is None or not self._broker:
            return False
        self._device(message, ids)
        kind = type(message)
        heard: Heard[Any] = Heard(message, ids, topic_of(kind).address, START_S + self.now.s, False)
        if self.battery is not None and kind in BATTERY_HEARS:
            self.battery.hear(heard, self.now.at, START_S + self.now.s)
        if self.desk is not None and kind in ALLOCATOR_HEARS:
            return self.desk.hear(heard) and isinstance(message, MeterReading)
        return False

    def _device(self, message: Any, ids: dict[str, str]) -> None:
        if isinstance(message, ChargerLimit):
            load = f"{ids['charger']}-{ids['connector']}"
            self._note(load, message.limit_a)
            self._chargers[load].obey(message, self.now)
        elif isinstance(message, PlugSwitch):
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
        if event.allocator_dead:
            self._kept = self.desk.kept() if begins and self.desk is not None else self._kept
            self.desk = None if begins else self._new_desk(self._kept)
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
        if self.desk is not None:
            self._known_modes = {name: one.mode for name, one in self.desk.settings.loads.items()}
        return self._known_modes

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
