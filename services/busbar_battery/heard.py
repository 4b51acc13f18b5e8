"""The readings as last heard, each at the instant at which its device measured."""

from __future__ import annotations

from datetime import datetime
from math import isfinite

from busbar_battery.samples import Trace
from busbar_contracts.battery import BatteryReading
from busbar_contracts.meter import InverterReading, MeterReading, Quality

# A way longer than this is a clock that differs, not a way.
LONGEST_WAY_S = 2.0
# Clocks drift apart by less than this, s per s: a message that is later than that is late, however often it is.
DRIFT = 1e-3
# Messages of a clock that was set back lie as far apart as their arrivals, within this, s.
ALIKE_S = 0.5
# A device that says it is read more seldom than is configured is believed up to here, s: for three of its periods
# the last reading counts as fresh.
LONGEST_PERIOD_S = 60.0
# No inverter gives more than this many times its nameplate.
TWICE = 2.0

Reading = MeterReading | InverterReading | BatteryReading


class Source:
    """The samples of one device that is read each `every_s`; a power (W) beyond `most_w` is no reading of it."""

    def __init__(self, most_w: float, every_s: float = 1.0) -> None:
        self.trace = Trace()
        self.last: Reading | None = None
        self._most_w, self._every_s = most_w, every_s
        self._quickest_s: float | None = None
        self._newest: tuple[datetime, float] | None = None
        self._set_back: tuple[datetime, float] | None = None

    @property
    def period_s(self) -> float:
        """How often the device is read: as its last reading says, within reason."""
        longest_s = max(self._every_s, LONGEST_PERIOD_S)
        said_s = self._every_s if self.last is None else self.last.period_s
        return said_s if 0 <= said_s <= longest_s else longest_s

    def hear(self, reading: Reading, at_s: float, arrived: datetime) -> None:
        """Take a sample; one without a usable power only tells that the device lives.

        The device's instant on our clock is the arrival less the delay. Clocks of two machines may differ by
        anything, so only what a message came later than the quickest counts as its delay; and it is counted on
        our monotonic clock, which nobody sets.
        """
        if not self._in_order(reading.at, at_s):
            return
        late = self._late(reading.at, at_s)
        self._newest, self.last = (reading.at, at_s), reading
        way = (arrived - reading.at).total_seconds() - late
        power = reading.power_w
        if power is not None and self._believable(power, reading):
            self.trace = self.trace.heard(at_s - late - (way if 0 <= way <= LONGEST_WAY_S else 0.0), power)

    def _in_order(self, at: datetime, at_s: float) -> bool:
        """Whether a message is not older than the last; two that go on from an earlier time are a clock set back."""
        before, self._set_back = self._set_back, None
        if self._newest is None or at >= self._newest[0]:
            return True
        if before is not None and at > before[0]:
            apart = (at - before[0]).total_seconds() - (at_s - before[1])
            if abs(apart) <= ALIKE_S:
                self._quickest_s = None
                return True
        self._set_back = (at, at_s)
        return False

    def _late(self, at: datetime, at_s: float) -> float:
        way = at_s - at.timestamp()
        if self._quickest_s is not None and self._newest is not None:
            way_then = self._quickest_s + DRIFT * max(0.0, at_s - self._newest[1])
            self._quickest_s = min(way, way_then)
        else:
            self._quickest_s = way
        return way - self._quickest_s

    def _believable(self, power: float, reading: Reading) -> bool:
        most = self._most_w
        if isinstance(reading, InverterReading) and reading.rating_w:
            most = min(most, TWICE * reading.rating_w)
        return isfinite(power) and abs(power) <= most and reading.quality is not Quality.DOUBTFUL
