"""A small house in virtual time, honest about lag: the judge looks at its true currents, never at messages.

The meter speaks each second about half a second ago. Chargers sample each 10 or 60 s at a random phase,
plugs each 300 s. Cars answer after a dead time, some partly, some never. Orders are leases, and a charger
without one falls to the smaller of its limit and its fallback, as the real services do.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec

from busbar_allocator.desk import Desk
from busbar_allocator.plan import plan_of
from busbar_contracts.allocation import Allocation
from busbar_contracts.battery import BatteryReading
from busbar_contracts.charger import (
    Capabilities,
    ChargerLimit,
    ChargerState,
    ConnectorStatus,
    LeaseQuality,
    LegSample,
    LimitInForce,
    Session,
)
from busbar_contracts.load import PlugState, PlugSwitch
from busbar_contracts.meter import MeterReading, PhaseSample, Quality
from busbar_contracts.topics import topic_of
from busbar_shared.bus import Heard
from busbar_shared.config.root import Site

VOLTS = 230.0
TICK_S = 0.1
SIX_PM = datetime(2026, 6, 21, 18, 0, tzinfo=UTC)
PHASES = ("a", "b", "c")
METER_LAG_S = 0.5
MONOTONIC_0 = 1000.0


@dataclass
class Car:
    """A car at a connector, and the connector."""

    legs: tuple[str, ...] = ("a", "b", "c")
    uses: int = 3
    """Legs the car really uses."""
    takes_a: float = 16.0
    """Most it draws."""
    dead_s: float = 2.0
    obeys: str = "always"
    """always, partly (draws 2 A more than told), or never (keeps drawing what it takes)."""
    ramp_a_per_s: float = 100.0
    sample_s: float = 10.0
    phase_s: float = 0.0
    status: ConnectorStatus = ConnectorStatus.CHARGING
    plugged_at: float = 0.0
    link: bool = True
    lease: str = "proven"
    fallback_a: float = 0.0
    limit_a: float = 0.0
    lease_until: float = -1.0
    drawn_a: float = 0.0
    sampled_at: float | None = None
    sampled_a: float = 0.0
    pending: list[tuple[float, float]] = field(default_factory=list)
    told_status: Any = None
    orders: list[tuple[float, float]] = field(default_factory=list)

    def obey(self, now: float, limit_a: float, lease_s: float) -> None:
        """Take an order as the charger's service does."""
        if abs(limit_a - self.limit_a) > 1e-9:
            self.orders.append((now, limit_a))
            self.pending.append((now + self.dead_s, limit_a))
        self.limit_a, self.lease_until = limit_a, now + lease_s

    def move(self, now: float) -> None:
        """What it draws now."""
        if now > self.lease_until and self.limit_a > self.fallback_a:
            self.obey(now, self.fallback_a, 1e9)
        while self.pending and self.pending[0][0] <= now:
            _, limit = self.pending.pop(0)
            self.effective_a = limit
        allowed = getattr(self, "effective_a", 0.0)
        charging = now >= self.plugged_at and self.status in (
            ConnectorStatus.CHARGING,
            ConnectorStatus.PREPARING,
            ConnectorStatus.SUSPENDED_EVSE,
        )
        drawn = min(allowed, self.takes_a) if allowed >= 6 else 0.0
        if self.obeys == "partly" and drawn > 0:
            drawn = min(self.takes_a, drawn + 2.0)
        if self.obeys == "never" and (drawn > 0 or self.drawn_a > 0):
            drawn = self.takes_a
        wanted = drawn if charging else 0.0
        step = self.ramp_a_per_s * TICK_S
        # Cars climb slowly and let go at once.
        self.drawn_a = min(wanted, max(self.drawn_a + step, 6.0)) if wanted > self.drawn_a else wanted


@dataclass
class Plug:
    """A plug with a metering device behind it."""

    phase: str = "a"
    watts: float = 2000.0
    on: bool = False
    dead_s: float = 0.5
    sample_s: float = 300.0
    phase_s: float = 0.0
    measures: bool = True
    wants: bool = True
    pending: list[tuple[float, bool]] = field(default_factory=list)
    lease_until: float = -1.0
    changed_at: float = 0.0
    orders: list[tuple[float, float]] = field(default_factory=list)

    def obey(self, now: float, on: bool, lease_s: float) -> None:
        """Take an order as the plug's service does."""
        self.lease_until = now + lease_s
        if not self.orders or (self.orders[-1][1] > 0) != on:
            self.orders.append((now, self.watts if on else 0.0))
            self.pending.append((now + self.dead_s, on))

    def move(self, now: float) -> bool:
        """Switch when due; True when it just did."""
        if now > self.lease_until and self.on and not self.pending:
            self.pending.append((now, False))
        was = self.on
        while self.pending and self.pending[0][0] <= now:
            self.on = self.pending.pop(0)[1]
        return self.on != was


@dataclass
class Battery:
    """A self-consumption battery that brings the grid to zero, as fast as it can or not at all."""

    soc: float = 50.0
    power_w: float = 0.0
    most_w: float = 5000.0
    lag_s: float = 3.0
    answers: bool = True
    capacity_wh: float = 10_000.0

    def move(self, grid_without_w: float) -> None:
        """One tick towards a grid of zero; `grid_without_w` is the grid with the battery idle."""
        if not self.answers:
            return
        wanted = max(
            -self.most_w if self.soc > 5 else 0.0,
            min(self.most_w if self.soc < 100 else 0.0, -grid_without_w),
        )
        self.power_w += (wanted - self.power_w) * min(1.0, TICK_S / self.lag_s)
        self.soc += self.power_w * TICK_S / 3600 / self.capacity_wh * 100


@dataclass
class Wire:
    """What the judge keeps of one phase of one circuit."""

    limit_a: float
    over_s: float = 0.0
    longest_s: float = 0.0
    worst_a: float = 0.0

    def see(self, amps: float) -> None:
        """Count one tick."""
        if abs(amps) > self.limit_a + 0.05:
            self.over_s += TICK_S
            self.longest_s = max(self.longest_s, self.over_s)
            self.worst_a = max(self.worst_a, abs(amps) - self.limit_a)
        else:
            self.over_s = 0.0


Profile = Callable[[float], float]


class House:
    """The plant, the allocator at its desk, and the wires between them."""

    def __init__(
        self, config: dict[str, Any], *, cars: dict[str, Car] | None = None, plugs: dict[str, Plug] | None = None,
        house: dict[str, Profile] | None = None, sun: dict[str, Profile] | None = None,
        battery: Battery | None = None, garage: dict[str, Profile] | None = None, box: str | None = None,
        turned: str | None = None,
        seed: int = 1, loses: float = 0.0, repeats: float = 0.0,
    ) -> None:  # fmt: skip
        """A house whose configuration is written as in the site file."""
        self.site = msgspec.convert(config, Site)
        self.random = Random(seed)
        self.cars, self.plugs, self.battery = cars or {}, plugs or {}, battery
        self.house = house or {}
        self.sun = sun or {}
        self.garage, self.box, self.turned = garage, box, turned
        self.garage_wires = {phase: Wire(20.0) for phase in PHASES}
        self._garage_before: dict[str, float] = {}
        self.loses, self.repeats = loses, repeats
        self.now = 0.0
        self.meter_from, self.meter_to = 1e9, 1e9
        self.meter_mode = "gone"
        self.desk = Desk(plan_of(self.site), None, MONOTONIC_0, "test")
        self.allocation: Allocation | None = None
        self.history: list[tuple[float, dict[str, float]]] = []
        self.wires = {phase: Wire(self._limit("main", phase)) for phase in self.site.site.phases}
        self.import_wh = self.export_wh = 0.0
        self.refusals: list[Any] = []
        self._meter_phase = self.random.random()
        self._last: dict[str, Any] = {}
        self._samples: list[tuple[float, Any, dict[str, str]]] = []
        for car in self.cars.values():
            car.phase_s = self.random.random() * car.sample_s
        self._said: dict[str, float] = {}
        self.mute: set[str] = set()
        """Chargers that say nothing at all."""

    def restart(self) -> None:
        """A new allocator takes the desk; states are retained and arrive again."""
        self.desk = Desk(plan_of(self.site), self.desk.kept(), MONOTONIC_0 + self.now, "again")
        for name, car in self.cars.items():
            self._send(self._charger(car), _connector(name), retained=True)

    def _limit(self, circuit: str, phase: str) -> float:
        from busbar_shared.config.site import on_phase

        return on_phase(self.site.circuits[circuit].limit_a, phase) or 0.0

    # -- the truth ----------------------------------------------------------------------------

    def true_a(self) -> dict[str, float]:
        """The currents of the grid connection in this moment."""
        amps = {
            phase: self.house.get(phase, lambda _: 0.0)(self.now)
            - self.sun.get(phase, lambda _: 0.0)(self.now)
            for phase in self.site.site.phases
        }
        for phase, one in self.cars_a().items():
            amps[phase] = amps.get(phase, 0.0) + one
        if self.garage is not None:
            amps = {phase: one + self.garage[phase](self.now) for phase, one in amps.items()}
        for plug in self.plugs.values():
            if plug.on:
                amps[plug.phase] += plug.watts / VOLTS
        if self.battery is not None:
            share = self.battery.power_w / VOLTS / len(amps)
            amps = {phase: one + share for phase, one in amps.items()}
        return amps

    def cars_a(self) -> dict[str, float]:
        """What all cars take from each phase."""
        amps = dict.fromkeys(self.site.site.phases, 0.0)
        for car in self.cars.values():
            for phase in car.legs[: car.uses]:
                amps[phase] += car.drawn_a  # type: ignore[index]
        return dict(amps)

    # -- running ------------------------------------------------------------------------------

    def run(self, seconds: float) -> "House":
        """Let time pass."""
        for _ in range(round(seconds / TICK_S)):
            self._tick()
        return self

    def _tick(self) -> None:
        self.now = round(self.now + TICK_S, 3)
        for car in self.cars.values():
            car.move(self.now)
        switched = [name for name, plug in self.plugs.items() if plug.move(self.now)]
        amps = self.true_a()
        if self.battery is not None:
            idle_w = sum(amps.values()) * VOLTS - self.battery.power_w
            self.battery.move(idle_w)
            amps = self.true_a()
        for phase, one in amps.items():
            self.wires[phase].see(one)
        if self.garage is not None:
            behind = {phase: one + self.garage[phase](self.now) for phase, one in self.cars_a().items()}
            for phase, one in behind.items():
                self.garage_wires[phase].see(one)
            if self._due("garage", 1.0, 0.7):
                self._send(self._reading(self._garage_before or behind), {"meter": "garage"})
                self._garage_before = behind
        if self.box is not None and self._due("box", 1.0, 0.2):
            car = self.cars[self.box]
            own = {phase: car.drawn_a if phase in car.legs[: car.uses] else 0.0 for phase in PHASES}
            self._send(self._reading(own), {"meter": "box"})
        watts = sum(amps.values()) * VOLTS
        self.import_wh += max(0.0, watts) * TICK_S / 3600
        self.export_wh += max(0.0, -watts) * TICK_S / 3600
        self.history.append((self.now, amps))
        if len(self.history) > 40:
            self.history.pop(0)
        self._speak(switched)

    def _speak(self, switched: list[str]) -> None:
        decide = self._due("tick", 1.0, 0.5)
        for name, car in self.cars.items():
            if name in self.mute:
                continue
            if self._due(f"sample {name}", car.sample_s, car.phase_s):
                car.sampled_at, car.sampled_a = self.now, car.drawn_a
                self._send(self._charger(car), _connector(name))
            elif car.told_status != (car.status, car.link, car.plugged_at <= self.now):
                self._send(self._charger(car), _connector(name))
            car.told_status = (car.status, car.link, car.plugged_at <= self.now)
        for name, plug in self.plugs.items():
            if (
                self._due(f"sample {name}", plug.sample_s, plug.phase_s)
                or name in switched
                or self.now == TICK_S
            ):
                self._send(self._plug(plug), {"plug": name})
        if self.battery is not None and self._due("battery", 1.0, 0.3):
            reading = BatteryReading(
                at=self._wall(self.now), power_w=self.battery.power_w, soc_percent=self.battery.soc
            )
            self._send(reading, {"battery": "home"})
        if self._due("meter", 1.0, self._meter_phase):
            decide = self._meter() or decide
        if decide:
            self.decide()

    def _meter(self) -> bool:
        broken = self.meter_from <= self.now < self.meter_to
        if broken and self.meter_mode == "gone":
            return False
        then = self.now - METER_LAG_S
        amps = min(self.history, key=lambda one: abs(one[0] - then))[1]
        if self.turned is not None:
            amps = {**amps, self.turned: -amps[self.turned]}
        reading = self._reading(amps)
        if broken and self.meter_mode == "frozen":
            reading = self._last["meter"]
        if broken and self.meter_mode == "stuck":
            reading = msgspec.structs.replace(self._last["meter"], at=self._wall(self.now))
        if broken and self.meter_mode == "doubtful":
            reading = msgspec.structs.replace(reading, quality=Quality.DOUBTFUL)
        self._last["meter"] = reading
        return self._send(reading, {"meter": "grid"})

    def _due(self, what: str, every: float, phase: float) -> bool:
        number = int((self.now + every - phase) / every + 1e-6)
        if self._said.get(what) == number or number <= 0:
            return False
        self._said[what] = number
        return True

    def _send(self, message: Any, ids: dict[str, str], *, retained: bool = False) -> bool:
        """Through JSON, as the bus does; some messages are lost, some come twice."""
        if self.random.random() < self.loses:
            return False
        decoded = msgspec.json.decode(msgspec.json.encode(message), type=type(message))
        heard = Heard(
            decoded, ids, topic_of(type(message)).address.format(**ids), MONOTONIC_0 + self.now, retained
        )
        self.desk.hear(heard)
        if self.random.random() < self.repeats:
            self.desk.hear(heard)
        return True

    def tell(self, message: Any, **ids: str) -> None:
        """The owner says something; it is decided on at once."""
        self._send(message, ids)
        self.decide()

    def decide(self) -> None:
        """One decision, and its orders on their way."""
        answer = self.desk.decide(MONOTONIC_0 + self.now, self._wall(self.now))
        self.refusals += answer.refusals
        for one in answer.messages:
            message = msgspec.json.decode(msgspec.json.encode(one.message), type=type(one.message))
            if isinstance(message, Allocation):
                self.allocation = message
            if self.random.random() < self.loses:
                continue
            if isinstance(message, ChargerLimit):
                car = self.cars[f"{one.ids['charger']}-{one.ids['connector']}"]
                if message.number_of_phases is not None and car.drawn_a == 0:
                    car.uses = message.number_of_phases
                car.obey(self.now, message.limit_a, message.lease_s)
            elif isinstance(message, PlugSwitch):
                self.plugs[one.ids["plug"]].obey(self.now, message.on, message.lease_s)

    # -- messages -----------------------------------------------------------------------------

    def _wall(self, now: float) -> datetime:
        return SIX_PM + timedelta(seconds=now)

    def _reading(self, amps: dict[str, float]) -> MeterReading:
        samples = {
            p: PhaseSample(current_a=one, power_w=one * VOLTS, voltage_v=VOLTS) for p, one in amps.items()
        }
        return MeterReading(at=self._wall(self.now), power_w=sum(amps.values()) * VOLTS, **samples)

    def _charger(self, car: Car) -> ChargerState:
        sample = LegSample(current_a=car.sampled_a)
        idle = LegSample(current_a=0.0)
        status = car.status if car.plugged_at <= self.now else ConnectorStatus.AVAILABLE
        legs = [sample if leg < car.uses else idle for leg in range(len(car.legs))]
        return ChargerState(
            at=self._wall(self.now),
            status=status,
            link=car.link,
            lease=LeaseQuality(car.lease),
            fallback_a=car.fallback_a,
            session=Session(id="1", transaction="1", started_at=SIX_PM),
            sampled_at=None if car.sampled_at is None else self._wall(car.sampled_at),
            l1=legs[0],
            l2=legs[1] if len(legs) > 1 else None,
            l3=legs[2] if len(legs) > 2 else None,
            legs_in_use=car.uses if car.sampled_a > 0 else None,
            limit=LimitInForce(limit_a=car.limit_a, since=SIX_PM, until=None),
            capabilities=Capabilities(switches_phases=True),
        )

    def _plug(self, plug: Plug) -> PlugState:
        return PlugState(
            at=self._wall(self.now), link=True, on=plug.on, power_w=plug.watts if plug.on else 0.0,
            sampled_at=self._wall(self.now), min_w=plug.watts, max_w=plug.watts, wants_power=plug.wants,
            measures=plug.measures,
        )  # fmt: skip


def _connector(load: str) -> dict[str, str]:
    charger, connector = load.rsplit("-", 1)
    return {"charger": charger, "connector": connector}


def a_site(**changes: Any) -> dict[str, Any]:
    """One 25 A connection with one charger called left; given sections replace or join it."""
    config: dict[str, Any] = {
        "site": {},
        "circuits": {"main": {"limit_a": 25.0, "meter": "grid", "assumed_background_a": 15.0}},
        "meters": {"grid": {"driver": "sunspec"}},
        "chargers": {"left": {}},
        "ocpp": {},
    }
    return {**config, **changes}
