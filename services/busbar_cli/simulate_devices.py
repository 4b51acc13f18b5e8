"""The devices of a simulated site, between the plant and the contract: meters, chargers, inverters, batteries.

They say what the services for real devices say and obey leases as those do; only the field bus is left out.
Every moment is a number of seconds since the start and its calendar time.
"""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct

from busbar_contracts.battery import BatteryReading, BatterySetpoint
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
from busbar_contracts.meter import Control, InverterLimit, InverterReading, MeterReading, PhaseSample
from busbar_shared.leases import LeaseBook
from busbar_simulator.plant.house import House
from busbar_simulator.plant.inverter import Inverter, Window
from busbar_simulator.plant.phases import Phases, index
from busbar_simulator.plant.socket import Socket

STATE_EVERY_S = 30.0
LEAST_A = 6.0


class Moment(Struct, frozen=True):
    """Now, on both clocks."""

    s: float
    at: datetime


class Beat:
    """Something that is due each so many seconds, at a phase of its own."""

    def __init__(self, every_s: float, phase: float) -> None:
        self.every_s = every_s
        self._next_s = phase * every_s

    def due(self, now_s: float) -> bool:
        """Whether it is due now; then not again before its next time."""
        if now_s + 1e-9 < self._next_s:
            return False
        while self._next_s <= now_s + 1e-9:
            self._next_s += self.every_s
        return True


class MeterDevice:
    """A meter: samples at its beat, is heard `lag_s` later."""

    def __init__(
        self, current: Callable[[House], Phases], phases: tuple[str, ...], beat: Beat, lag_s: float
    ) -> None:
        self._current, self._phases, self._beat, self._lag_s = current, phases, beat, lag_s
        self._under_way: deque[tuple[float, MeterReading]] = deque()
        self.mode: str | None = None
        self._last: MeterReading | None = None

    def step(self, house: House, now: Moment) -> MeterReading | None:
        """The reading that arrives now, if one does."""
        if self._beat.due(now.s):
            self._under_way.append((now.s + self._lag_s, self._read(house, now)))
        if not self._under_way or self._under_way[0][0] > now.s + 1e-9:
            return None
        _, reading = self._under_way.popleft()
        if self.mode == "gone":
            return None
        if self.mode == "frozen":
            return self._last
        self._last = reading
        return reading

    def _read(self, house: House, now: Moment) -> MeterReading:
        amps, volts = self._current(house), house.volts
        samples = {
            phase: PhaseSample(
                current_a=round(amps[at], 2), power_w=round(amps[at] * volts[at], 1), voltage_v=round(volts[at], 1)
            )
            for phase in self._phases
            for at in (index(phase),)
        }  # fmt: skip
        watts = sum(amps[index(phase)] * volts[index(phase)] for phase in self._phases)
        return MeterReading(
            at=now.at,
            power_w=round(watts, 1),
            period_s=self._beat.every_s,
            a=samples.get("a"),
            b=samples.get("b"),
            c=samples.get("c"),
        )


def _lowers(order: ChargerLimit, current: ChargerLimit | None) -> bool:
    return current is not None and order.limit_a <= current.limit_a


class ChargerDevice:
    """A connector with its charge point and the service in front of it: leased limits in, states out."""

    def __init__(
        self, socket: Socket, beat: Beat, *, fallback_a: float, capabilities: Capabilities, answer_s: float, way_s: float
    ) -> None:  # fmt: skip
        self.socket, self._beat = socket, beat
        self._fallback_a, self._capabilities = fallback_a, capabilities
        self._answer_s, self._way_s = answer_s, way_s
        self._book: LeaseBook[ChargerLimit] = LeaseBook(_lowers)
        self._told: tuple[float, int | None] = (0.0, None)
        self._told_at: datetime | None = None
        self._pending: deque[tuple[float, float, int | None]] = deque()
        self._sample: tuple[datetime, tuple[float, ...]] | None = None
        self._sample_in: deque[tuple[float, datetime, tuple[float, ...]]] = deque()
        self._legs_in_use: int | None = None
        self._plugged_at: datetime | None = None
        self._said: ConnectorStatus | None = None
        self._said_s = -1e9
        self.silent = False
        self.changes = 0

    def obey(self, order: ChargerLimit, now: Moment) -> None:
        """Take an order."""
        if not self.silent:
            self._book.offer(order, now=now.at, monotonic=now.s)

    def step(self, now: Moment) -> ChargerState | None:
        """Let time pass; the state when there is something to say."""
        self._tell(now)
        self._pilot(now)
        if self._beat.due(now.s):
            self._sample_in.append((now.s + self._way_s, now.at, self.socket.legs_a))
        fresh = False
        while self._sample_in and self._sample_in[0][0] <= now.s + 1e-9:
            _, at, legs = self._sample_in.popleft()
            self._sample, fresh = (at, legs), True
        status = self._status(now)
        if self.silent or (not fresh and status is self._said and now.s - self._said_s < STATE_EVERY_S):
            return None
        self._said, self._said_s = status, now.s
        return self._state(status, now)

    def _tell(self, now: Moment) -> None:
        """The smallest order in force; when all leases have ended the fallback, which raises and starts nothing."""
        orders = self._book.in_force(now.s)
        wanted = min(orders, key=lambda one: one.limit_a) if orders else None
        fallen = (min(self._fallback_a, self._told[0]), self._told[1])
        told = fallen if wanted is None else (wanted.limit_a, wanted.number_of_phases)
        if self._told_at is None and wanted is None:
            return
        if told != self._told:
            self.changes += 1
            self._told, self._told_at = told, now.at
            self._pending.append((now.s + self._answer_s, *told))

    def _pilot(self, now: Moment) -> None:
        while self._pending and self._pending[0][0] <= now.s + 1e-9:
            _, amps, phases = self._pending.popleft()
            self.socket.pilot_a = amps if amps >= LEAST_A else 0.0
            if self._capabilities.switches_phases:
                self.socket.phases = min(max(phases or 3, 1), len(self.socket.spec.legs))
        self.socket.closed = self.socket.occupied

    def _status(self, now: Moment) -> ConnectorStatus:
        if not self.socket.occupied:
            self._plugged_at, self._legs_in_use = None, None
            return ConnectorStatus.AVAILABLE
        self._plugged_at = self._plugged_at or now.at
        drawing = sum(1 for amps in self.socket.legs_a if amps > 0.5)
        if drawing:
            self._legs_in_use = max(drawing, self._legs_in_use or 0)
            return ConnectorStatus.CHARGING
        suspended = self.socket.pilot_a < LEAST_A
        return ConnectorStatus.SUSPENDED_EVSE if suspended else ConnectorStatus.SUSPENDED_EV

    def _state(self, status: ConnectorStatus, now: Moment) -> ChargerState:
        at, legs = self._sample if self._sample is not None else (None, ())
        count = self._capabilities.legs
        samples = [LegSample(current_a=round(amps, 2)) for amps in legs[:count]] + [None] * 3
        amps, phases = self._told
        limit = None
        if self._told_at is not None:
            until = now.at + timedelta(seconds=120)
            limit = LimitInForce(
                limit_a=amps, number_of_phases=phases, since=self._told_at, until=until, confirmed=True
            )
        session = None
        if self._plugged_at is not None:
            session = Session(id="1", transaction="1", started_at=self._plugged_at)
        return ChargerState(
            at=now.at, status=status, link=True, lease=LeaseQuality.PROVEN, fallback_a=self._fallback_a,
            session=session, sampled_at=at, l1=samples[0], l2=samples[1], l3=samples[2],
            legs_in_use=self._legs_in_use, limit=limit, capabilities=self._capabilities,
        )  # fmt: skip


class InverterDevice:
    """An inverter that is read each second and takes a limit for as long as its lease."""

    def __init__(self, inverter: Inverter, phases: tuple[str, ...], beat: Beat) -> None:
        self.inverter, self._phases, self._beat = inverter, phases, beat
        self._until_s: float | None = None

    def obey(self, order: InverterLimit, now: Moment) -> None:
        """Take a limit."""
        self.inverter.ac_limit_w = order.limit_w
        self._until_s = None if order.mandatory else now.s + order.lease_s

    def step(self, house: House, now: Moment) -> InverterReading | None:
        """Let time pass; the reading when it is due."""
        if self._until_s is not None and now.s > self._until_s:
            self.inverter.ac_limit_w, self._until_s = None, None
        if not self._beat.due(now.s):
            return None
        out, volts = self.inverter.ac_phases_w, house.volts
        samples = {
            phase: PhaseSample(power_w=round(out[at], 1), current_a=round(out[at] / volts[at], 2))
            for phase in self._phases
            for at in (index(phase),)
        }
        return InverterReading(
            at=now.at, power_w=round(self.inverter.ac_w, 1), pv_power_w=round(self.inverter.pv_w, 1),
            rating_w=self.inverter.spec.rating_w, limit_w=self.inverter.ac_limit_w, control=Control.OURS,
            a=samples.get("a"), b=samples.get("b"), c=samples.get("c"),
        )  # fmt: skip


class BatteryDevice:
    """A battery that is read each second and takes a window for as long as its lease."""

    def __init__(self, inverter: Inverter, beat: Beat, dead_s: float) -> None:
        self.inverter, self._beat, self._dead_s = inverter, beat, dead_s
        self._pending: deque[tuple[float, Window]] = deque()
        self._until_s: float | None = None
        self.changes = 0
        self._last: Window | None = None

    def obey(self, order: BatterySetpoint, now: Moment) -> None:
        """Take a window; it acts after the dead time."""
        window = Window(low_w=order.min_w, high_w=order.max_w, grid_charge=order.grid_charging)
        self.changes += window != self._last
        self._last = window
        self._pending.append((now.s + self._dead_s, window))
        self._until_s = now.s + order.lease_s

    def step(self, now: Moment) -> BatteryReading | None:
        """Let time pass; the reading when it is due."""
        while self._pending and self._pending[0][0] <= now.s + 1e-9:
            self.inverter.window = self._pending.popleft()[1]
        if self._until_s is not None and now.s > self._until_s:
            self.inverter.window, self._until_s = Window(), None
        storage = self.inverter.storage
        if storage is None or not self._beat.due(now.s):
            return None
        window = self.inverter.window
        return BatteryReading(
            at=now.at, power_w=round(self.inverter.battery_w, 1), soc_percent=round(storage.soc_percent, 2),
            charge_limit_w=round(storage.can_charge_w, 1), discharge_limit_w=round(storage.can_discharge_w, 1),
            capacity_wh=storage.spec.capacity_wh,
            control=Control.RELEASED if self._until_s is None else Control.OURS,
            window_min_w=window.low_w, window_max_w=window.high_w,
        )  # fmt: skip
