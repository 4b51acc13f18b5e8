"""A site in virtual time: the plant, the live allocator, battery and plug code, and the messages between them.

Nothing here decides about electricity. The plant is the simulator's own, so the truth that is counted shares no
code with what is judged. One seed, one day: every random thing comes from it, and no clock is asked.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from busbar_cli.simulate_chargeamps import ChargeAmps
from busbar_cli.simulate_connect import Connections
from busbar_cli.simulate_devices import Beat, Moment
from busbar_cli.simulate_events import Happenings
from busbar_cli.simulate_figures import Tally
from busbar_cli.simulate_heaters import Heaters
from busbar_cli.simulate_minds import Busbar, Mind, Said, plan_for
from busbar_cli.simulate_outcome import Ran, Trace
from busbar_cli.simulate_peer import Peer, Program
from busbar_cli.simulate_plugs import Plugs
from busbar_cli.simulate_references import Reference
from busbar_cli.simulate_scenario import Scenario
from busbar_cli.simulate_slots import Slots
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

STEP_S = 0.25
START_S = 1000.0


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
        # What has a socket only now stands in the cloud, and has no charger of ours.
        self._scheduled = frozenset(self.house.sockets) - frozenset(self._chargers)
        self._slots = Slots(self.built)
        self._tally = Tally(self.built, per_phase=nets_per_phase(site))
        self._tick, self._second, self._half = Beat(1.0, 0.5), Beat(1.0, 0.0), Beat(0.5, 0.1)
        self._trace = Trace(self.built, scenario.run.hours)
        self._settling = self._run.settle_s > 0
        self._changed_before = self._battery_before = 0
        self._day: date | None = None
        self._second_of_prices = Beat(1.0, 0.0)
        self._happenings = Happenings(
            self._run.events, self.house, self._meters[site.grid_meter()], self._chargers
        )
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
        self._happenings.step(second, self.mind, START_S + self.now.s)
        self.house.step(STEP_S)
        self.now = Moment(second, self._start + timedelta(seconds=second))
        self._tally.step()
        if self._settling and second >= self._run.settle_s:
            self._begin_to_count()
        self._prices()
        self._speak()
        if self._second.due(second):
            prices = prices_at(self._run.tariff, self.now.at.astimezone(self._zone))
            self._tally.second(1.0, self._modes(), prices)
            self._slots.second(1.0, prices)
        self._trace.look(second)

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
        if message is None or not self._happenings.broker:
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
            self._trace.order(self.now.s, load, message.limit_a)
            self._chargers[load].obey(message, self.now)
        elif isinstance(message, HeatOrder):
            heats_w = 0.0 if message.mode is HeatMode.BLOCK else message.power_w or 1.0
            self._trace.order(self.now.s, ids["heater"], heats_w)
        elif isinstance(message, PlugSwitch):
            if message.issuer != "heat":
                self._trace.order(self.now.s, ids["plug"], (message.power_w or 1.0) if message.on else 0.0)
            self._plugs.obey(ids["plug"], message, self.now)
        elif isinstance(message, BatterySetpoint) and ids["battery"] in self._batteries:
            self._batteries[ids["battery"]].obey(message, self.now)
        elif isinstance(message, InverterLimit) and ids["inverter"] in self._inverters:
            self._inverters[ids["inverter"]].obey(message, self.now)
        elif isinstance(message, LoadSettings):
            self._plugs.settings(ids["load"], message)

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

    def _begin_to_count(self) -> None:
        self._settling = False
        self._tally.begin()
        self._slots = Slots(self.built)
        self._changed_before, self._battery_before = self._changes()
        self._trace.begin()

    def _changes(self) -> tuple[int, int]:
        chargers = sum(one.changes for one in self._chargers.values())
        return chargers, sum(one.changes for one in self._batteries.values())

    def ran(self) -> Ran:
        """The outcome so far."""
        chargers, batteries = self._changes()
        figures = self._tally.figures(
            chargers - self._changed_before, batteries - self._battery_before, self._trace.given
        )
        return Ran(
            title=self._run.title,
            figures=figures,
            points=self._trace.points,
            orders=self._trace.orders,
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
