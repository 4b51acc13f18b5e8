"""Rooms held warm (or cool) by a heat pump with its own thermostat."""

import math
from dataclasses import dataclass

from .almanac import DAY_S
from .contact import Contact
from .phases import NONE, Phases, over, spread


@dataclass(frozen=True, kw_only=True)
class RoomSpec:
    """A house as one heat store, and the heat pump that serves it."""

    power_w: float = 2000.0
    # Heat moved per electric energy.
    factor: float = 3.5
    wh_per_k: float = 5000.0
    loss_w_per_k: float = 200.0
    outside_mean_c: float = 5.0
    outside_swing_k: float = 4.0
    hysteresis_k: float = 0.3
    cools: bool = False
    least_run_s: float = 30.0
    phases: tuple[str, ...] = ("a", "b", "c")
    circuit: str = ""


class Room:
    """Rooms with a set-point; with `contacts` the heat pump is SG Ready.

    Relays A and B: 1:0 blocks, 0:0 is normal, 0:1 recommends (1 K more), 1:1 forces (2 K more).
    """

    def __init__(self, spec: RoomSpec, celsius: float, second_of_year: float = 0.0) -> None:
        self.spec = spec
        self.celsius = celsius
        self.target_c = 21.0
        self.contacts: tuple[Contact, Contact] | None = None
        self.on = True
        self.running = False
        self.power_w = 0.0
        self.energy_wh = 0.0
        self._since_s = math.inf
        self._second = second_of_year
        self._currents: Phases = NONE

    @property
    def outside_c(self) -> float:
        """Warmest at three in the afternoon."""
        turn = math.cos(2 * math.pi * (self._second % DAY_S - 15 * 3600) / DAY_S)
        return self.spec.outside_mean_c + self.spec.outside_swing_k * turn

    def step(self, dt_s: float, calendar_s: float, now_s: float, volts: Phases) -> None:
        """Live for `dt_s` real and `calendar_s` calendar seconds."""
        self._second += calendar_s
        self._since_s += dt_s
        self._thermostat()
        self.power_w = self.spec.power_w if self.running else 0.0
        moved_w = self.power_w * self.spec.factor * (-1 if self.spec.cools else 1)
        lost_w = self.spec.loss_w_per_k * (self.celsius - self.outside_c)
        self.celsius += (moved_w - lost_w) * calendar_s / 3600 / self.spec.wh_per_k
        self.energy_wh += self.power_w * dt_s / 3600
        self._currents = over(spread(self.power_w, self.spec.phases), volts)

    def currents(self) -> Phases:
        """What flows on the site's phases."""
        return self._currents

    def _thermostat(self) -> None:
        """Its own control: it protects its compressor by a least run, whatever it is told."""
        sign = -1 if self.spec.cools else 1
        blocked, boost_k = self._sg_ready()
        short = sign * (self.target_c + sign * boost_k - self.celsius)
        wanted = short > (-self.spec.hysteresis_k if self.running else self.spec.hysteresis_k)
        wanted = wanted and self.on and not blocked
        if wanted != self.running and self._since_s >= self.spec.least_run_s:
            self.running, self._since_s = wanted, 0.0

    def _sg_ready(self) -> tuple[bool, float]:
        if self.contacts is None:
            return False, 0.0
        first, second = self.contacts[0].on, self.contacts[1].on
        return first and not second, (1.0 if second else 0.0) + (1.0 if first and second else 0.0)
