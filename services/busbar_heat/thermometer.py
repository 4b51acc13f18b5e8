"""One thermometer: what it says, and whether that can be true.

Sensors hang, fall off, and lie for a moment. A DS18B20 says exactly 85 °C after it has lost its supply (data sheet,
"Operation - Measuring Temperature": the power-on reset value of the temperature register). A figure far from the last
one is believed when it is said again, or has stood for two minutes; until then the last good one stands, but what
might be too hot already counts as too hot.
"""

from typing import Final

from busbar_heat.sample import Sample, fresh

POWER_ON_C: Final = 85.0
POWER_ON_NEAR_K: Final = 5.0
"""Water that is really so hot came there by degrees."""
JUMP_K: Final = 15.0
AGREES_K: Final = 5.0
STANDS_S: Final = 120.0
STUCK_S: Final = 7200.0
"""A heater that ran so long without moving the last digit of its thermometer has a thermometer that hangs."""
STILL_S: Final = 86_400.0
WARM_K: Final = 10.0
"""So far above its surroundings a thing cools within a day, and its thermometer must show it."""


class Thermometer:
    """The last good sample, and the one that is not believed yet. Times in seconds on the monotonic clock."""

    def __init__(self) -> None:
        self.good: Sample | None = None
        self.doubted: Sample | None = None
        self.same_since_s: float | None = None
        self.hangs = False

    def says(self, celsius: float, now_s: float) -> str | None:
        """Take one figure; a sentence when it is not believed yet."""
        self._settle(now_s)
        why = self._doubt(celsius)
        if why is None:
            self._believe(celsius, now_s)
            return None
        first = self.doubted is None or abs(self.doubted.value - celsius) > AGREES_K
        self.doubted = Sample(celsius, now_s if first or self.doubted is None else self.doubted.at_s)
        return why if first else None

    def believed(self, now_s: float, max_age_s: float) -> float | None:
        """The temperature while it is young enough."""
        self._settle(now_s)
        return fresh(self.good, now_s, max_age_s)

    def hottest(self, now_s: float, max_age_s: float) -> float | None:
        """The same, or what was said and is not believed yet, whichever is hotter."""
        celsius, doubted = self.believed(now_s, max_age_s), fresh(self.doubted, now_s, max_age_s)
        known = [one for one in (celsius, doubted) if one is not None]
        return max(known) if celsius is not None else None

    def is_stuck(self, now_s: float, on_since_s: float | None, around_c: float) -> bool:
        """The very same number although the heater has been on for hours, or for a day far above its surroundings.

        It stays so when the heater is off again, until the number moves.
        """
        if self.same_since_s is None or self.good is None:
            return self.hangs
        if on_since_s is not None:
            self.hangs = self.hangs or now_s - max(self.same_since_s, on_since_s) > STUCK_S
        if self.good.value > around_c + WARM_K:
            self.hangs = self.hangs or now_s - self.same_since_s > STILL_S
        return self.hangs

    def _doubt(self, celsius: float) -> str | None:
        last = None if self.good is None else self.good.value
        if celsius == POWER_ON_C and (last is None or abs(last - celsius) > POWER_ON_NEAR_K):
            return f"it says {celsius:g} °C, as a DS18B20 does that has lost its supply; the last good figure stands"
        if last is None or abs(celsius - last) <= JUMP_K:
            return None
        if self.doubted is not None and abs(self.doubted.value - celsius) <= AGREES_K:
            return None
        return f"it jumped from {last:g} to {celsius:g} °C; believed when it says so again"

    def _believe(self, celsius: float, now_s: float) -> None:
        if self.good is None or celsius != self.good.value:
            self.same_since_s, self.hangs = now_s, False
        self.good, self.doubted = Sample(celsius, now_s), None

    def _settle(self, now_s: float) -> None:
        """A figure that stood without contradiction is true, unless it is the one that means nothing."""
        one = self.doubted
        if one is not None and one.value != POWER_ON_C and now_s - one.at_s >= STANDS_S:
            self._believe(one.value, one.at_s)
