"""Appliances behind a switch: what they draw while the switch is closed, by their own habits."""

from dataclasses import dataclass
from enum import StrEnum

from .phases import NONE, Phases, over, spread


class Kind(StrEnum):
    """How an appliance uses the time it is on."""

    PLAIN = "plain"
    FRIDGE = "fridge"
    WASHER = "washer"


# A wash: heating, turning, heating again, spinning (seconds by the calendar, part of the power).
WASH = ((120.0, 0.05), (900.0, 1.0), (1800.0, 0.15), (600.0, 1.0), (1200.0, 0.15), (600.0, 0.3))


@dataclass(frozen=True, kw_only=True)
class ApplianceSpec:
    """The plate of an appliance. Cycles follow the calendar, as a household does."""

    power_w: float = 1000.0
    standby_w: float = 0.0
    # The start of a motor: this much for one real second.
    start_w: float = 0.0
    kind: Kind = Kind.PLAIN
    phases: tuple[str, ...] = ("a",)
    circuit: str = ""
    on_s: float = 720.0
    off_s: float = 1680.0


class Appliance:
    """One appliance; `on` is the switch it hangs on."""

    def __init__(self, spec: ApplianceSpec, *, on: bool = False) -> None:
        self.spec = spec
        self.on = on
        # Of its power, for loads that can be set between nothing and all.
        self.part = 1.0
        self.power_w = 0.0
        self.energy_wh = 0.0
        self._cycle_s = 0.0
        self._running_s = 0.0
        self._currents: Phases = NONE

    def step(self, dt_s: float, calendar_s: float, now_s: float, volts: Phases) -> None:
        """Live for `dt_s` real seconds."""
        if self.on:
            self._cycle_s += calendar_s
        self.power_w = self._power(dt_s)
        self.energy_wh += self.power_w * dt_s / 3600
        self._currents = over(spread(self.power_w, self.spec.phases), volts)

    def currents(self) -> Phases:
        """What flows on the site's phases."""
        return self._currents

    def _power(self, dt_s: float) -> float:
        share = self._share() if self.on else 0.0
        self._running_s = self._running_s + dt_s if share > 0 else 0.0
        if not self.on:
            return 0.0
        if share <= 0:
            return self.spec.standby_w
        starting = self.spec.start_w if self._running_s <= 1.0 else 0.0
        return max(self.spec.power_w * share * self.part, starting)

    def _share(self) -> float:
        if self.spec.kind is Kind.FRIDGE:
            return 1.0 if self._cycle_s % (self.spec.on_s + self.spec.off_s) < self.spec.on_s else 0.0
        if self.spec.kind is Kind.WASHER:
            return _wash(self._cycle_s)
        return 1.0


def _wash(second: float) -> float:
    """The part of its power a washing machine takes so long after it was switched on; then it is done."""
    for lasts_s, share in WASH:
        if second < lasts_s:
            return share
        second -= lasts_s
    return 0.0
