"""The readings as last heard, each at the instant at which its device measured."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from math import isfinite

from busbar_battery.samples import Trace
from busbar_contracts.battery import BatteryReading
from busbar_contracts.meter import InverterReading, MeterReading, Quality

# How many delays are remembered: the smallest of them is what the way to us always costs.
DELAYS = 60
# A way longer than this is a clock that differs, not a way.
LONGEST_WAY_S = 2.0

Reading = MeterReading | InverterReading | BatteryReading


class Source:
    """The samples of one device."""

    def __init__(self) -> None:
        self.trace = Trace()
        self.last: Reading | None = None
        self._delays: deque[float] = deque(maxlen=DELAYS)

    def hear(self, reading: Reading, at_s: float, arrived: datetime) -> None:
        """Take a sample; one without a usable power only tells that the device lives.

        The device's instant on our clock is the arrival less the delay. Clocks of two machines may differ by
        anything, so only what a message came later than the quickest of the last minute counts as its delay.
        """
        delay = (arrived - reading.at).total_seconds()
        self._delays.append(delay)
        usual = min(self._delays)
        way = usual if 0 <= usual <= LONGEST_WAY_S else 0.0
        self.last = reading
        power = reading.power_w
        if power is not None and isfinite(power) and reading.quality is not Quality.DOUBTFUL:
            self.trace = self.trace.heard(at_s - (delay - usual) - way, power)
