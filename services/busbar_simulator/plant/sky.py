"""Sun and clouds over one roof, the same every time for one seed."""

import math
import random
from dataclasses import dataclass
from functools import lru_cache

from .almanac import DAY_S


@lru_cache(maxsize=4096)
def _dice(seed: int, layer: int, slot: int) -> float:
    return random.Random(f"{seed}/{layer}/{slot}").random()


def _noise(seed: int, layer: int, second: float, period_s: float) -> float:
    """A smooth value from 0 to 1 that wanders with about that period."""
    slot, rest = divmod(second / period_s, 1.0)
    smooth = rest * rest * (3.0 - 2.0 * rest)
    first, second_value = _dice(seed, layer, int(slot)), _dice(seed, layer, int(slot) + 1)
    return first + (second_value - first) * smooth


def height(second_of_year: float, latitude_deg: float) -> float:
    """The sine of the sun's elevation, negative at night; solar noon is at twelve o'clock."""
    day, second = divmod(second_of_year, DAY_S)
    tilt = math.radians(-23.44) * math.cos(2 * math.pi * (day + 10) / 365)
    latitude = math.radians(latitude_deg)
    turn = math.radians((second / 3600 - 12) * 15)
    return math.sin(latitude) * math.sin(tilt) + math.cos(latitude) * math.cos(tilt) * math.cos(turn)


@dataclass(frozen=True, kw_only=True)
class Sky:
    """A solar roof of `peak_w` under a sky with clouds (0 is clear, 1 is overcast all day)."""

    seed: int
    peak_w: float
    cloudiness: float = 0.3
    latitude_deg: float = 48.0
    # At high speed a cloud would pass in a blink, so its edge is never faster than this (calendar seconds).
    shortest_s: float = 0.0

    def power_w(self, second_of_year: float) -> float:
        """What the roof offers now, never negative."""
        sine = height(second_of_year, self.latitude_deg)
        if sine <= 0.0 or self.peak_w <= 0.0:
            return 0.0
        return self.peak_w * math.pow(sine, 1.15) * self._clear(second_of_year)

    def _clear(self, second: float) -> float:
        fronts = _noise(self.seed, 1, second, max(2400.0, 4 * self.shortest_s))
        puffs = _noise(self.seed, 2, second, max(240.0, self.shortest_s))
        cover = (0.65 * fronts + 0.35 * puffs - (1.0 - self.cloudiness)) / 0.25
        # Even a closed sky lets about a fifth of the light through.
        return 1.0 - 0.8 * min(max(cover, 0.0), 1.0)
