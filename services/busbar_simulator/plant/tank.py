"""A hot water tank: heated by its element, cooled by the room and by showers."""

import random
from dataclasses import dataclass
from functools import lru_cache

from .almanac import DAY_S
from .phases import NONE, Phases, over, spread

# Water: 4.186 kJ per kg and kelvin.
WH_PER_KG_K = 1.163
COLD_C = 12.0


@dataclass(frozen=True, kw_only=True)
class TankSpec:
    """The plate of a tank. `stops_c` is its own safety thermostat, which nothing overrules."""

    litres: float = 200.0
    power_w: float = 2000.0
    loss_w_per_k: float = 2.0
    around_c: float = 20.0
    stops_c: float = 80.0
    # What one shower takes, in litres of 40 °C, and how many there are a day.
    shower_l: float = 45.0
    showers: int = 3
    phases: tuple[str, ...] = ("a",)
    circuit: str = ""
    seed: int = 1

    @property
    def wh_per_k(self) -> float:
        """Its heat capacity."""
        return self.litres * WH_PER_KG_K


class Tank:
    """One tank, mixed; `on` is the switch of its element. Heat follows the calendar, as states of charge do."""

    def __init__(self, spec: TankSpec, celsius: float, second_of_year: float = 0.0) -> None:
        self.spec = spec
        self.celsius = celsius
        self.on = False
        # Of its power, for elements that can be set between nothing and all.
        self.part = 1.0
        # With a set-point it heats by its own thermostat, and `on` follows.
        self.target_c: float | None = None
        self.power_w = 0.0
        self.energy_wh = 0.0
        self._second = second_of_year
        self._currents: Phases = NONE

    def step(self, dt_s: float, calendar_s: float, now_s: float, volts: Phases) -> None:
        """Live for `dt_s` real and `calendar_s` calendar seconds."""
        if self.target_c is not None:
            self.on = self.celsius < self.target_c - (0.0 if self.on else 2.0)
        heats = self.on and self.celsius < self.spec.stops_c
        self.power_w = self.spec.power_w * self.part if heats else 0.0
        lost_w = self.spec.loss_w_per_k * (self.celsius - self.spec.around_c)
        self.celsius += (self.power_w - lost_w) * calendar_s / 3600 / self.spec.wh_per_k
        self._draw(self._second, self._second + calendar_s)
        self._second += calendar_s
        self.energy_wh += self.power_w * dt_s / 3600
        self._currents = over(spread(self.power_w, self.spec.phases), volts)

    def currents(self) -> Phases:
        """What flows on the site's phases."""
        return self._currents

    def _draw(self, since: float, until: float) -> None:
        """Showers between two seconds of the year: hot water out, cold water in."""
        for day in {int(since // DAY_S), int(until // DAY_S)}:
            for at in _showers(self.spec.seed, self.spec.showers, day):
                if since <= at < until:
                    # Mixed at the tap to 40 °C, so a hotter tank loses fewer litres but the same heat.
                    wh = self.spec.shower_l * WH_PER_KG_K * (40.0 - COLD_C)
                    self.celsius = max(self.celsius - wh / self.spec.wh_per_k, COLD_C)


@lru_cache(maxsize=64)
def _showers(seed: int, count: int, day: int) -> tuple[float, ...]:
    dice = random.Random(f"{seed}/showers/{day}")
    hours = [dice.choice((6.5, 7.0, 7.5, 18.5, 21.0, 22.0)) + dice.random() for _ in range(count)]
    return tuple(day * DAY_S + hour * 3600 for hour in hours)
