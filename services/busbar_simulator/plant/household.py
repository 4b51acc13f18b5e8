"""What a household draws beside everything Busbar manages: a base, kettles, ovens, a hob, machines."""

import random
from dataclasses import dataclass, field
from functools import lru_cache

from .almanac import DAY_S
from .phases import NONE, Phases, added, index, spread

# Share of the mean by hour of the day: low at night, a small peak at breakfast, a large one at dinner.
HOURS = (
    *(0.55, 0.50, 0.48, 0.47, 0.48, 0.60, 0.95, 1.25, 1.15, 1.00, 0.95, 1.05),
    *(1.20, 1.05, 0.95, 0.95, 1.05, 1.35, 1.75, 1.85, 1.65, 1.40, 1.05, 0.75),
)


@dataclass(frozen=True, kw_only=True)
class Use:
    """One appliance in use: power on one or more phases, perhaps cycled by its own thermostat."""

    start_s: float
    end_s: float
    power_w: float
    phases: tuple[str, ...]
    on_s: float = 0.0
    off_s: float = 0.0

    def power_at(self, second: float) -> Phases:
        """Its draw per phase at that second of the year."""
        if not self.start_s <= second < self.end_s:
            return NONE
        if self.off_s and (second - self.start_s) % (self.on_s + self.off_s) >= self.on_s:
            return NONE
        return spread(self.power_w, self.phases)


@dataclass(frozen=True, kw_only=True)
class Habit:
    """Something switched on each day at the same second of the day (an oven at 18:00)."""

    at_s: float
    lasts_s: float
    power_w: float
    phases: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Household:
    """A family of one seed. `calm` families boil no kettles: only the base and the habits remain."""

    seed: int
    base_w: float = 400.0
    kettles: int = 6
    ovens: int = 1
    machines: int = 1
    phases: tuple[str, ...] = ("a", "b", "c")
    habits: tuple[Habit, ...] = field(default_factory=tuple)
    # At high speed a kettle would last less than a meter period, so it is never shorter than this.
    shortest_s: float = 0.0

    def power_w(self, second: float) -> Phases:
        """House load per phase at a second of the year."""
        day = int(second // DAY_S)
        uses = [use.power_at(second) for use in (*_uses(self, day - 1), *_uses(self, day))]
        return added(self._base(second), *uses)

    def _base(self, second: float) -> Phases:
        hour = (second % DAY_S) / 3600
        first, rest = int(hour), hour % 1.0
        share = HOURS[first] + (HOURS[(first + 1) % 24] - HOURS[first]) * rest
        steady = spread(self.base_w * share, self.phases)
        # A fridge on the last phase: 90 W for twelve minutes of every forty.
        fridge = 90.0 if self.base_w and (second + 7 * self.seed) % 2400 < 720 else 0.0
        return added(steady, spread(fridge, self.phases[-1:]))


@lru_cache(maxsize=64)
def _uses(home: Household, day: int) -> tuple[Use, ...]:
    """Everything switched on that day, drawn from the seed."""
    dice = random.Random(f"{home.seed}/uses/{day}")
    start = day * DAY_S
    uses = [_kettle(home, dice, start) for _ in range(home.kettles)]
    uses += [_oven(home, dice, start) for _ in range(home.ovens)]
    uses += [_machine(home, dice, start) for _ in range(home.machines)]
    for habit in home.habits:
        begin = start + habit.at_s
        uses.append(_use(home, begin, habit.lasts_s, habit.power_w, habit.phases))
    return tuple(uses)


def _use(
    home: Household, start: float, lasts_s: float, power_w: float, phases: tuple[str, ...],
    on_s: float = 0.0, off_s: float = 0.0,
) -> Use:  # fmt: skip
    end = start + max(lasts_s, home.shortest_s)
    present = tuple(p for p in phases if p in home.phases) or home.phases[:1]
    return Use(start_s=start, end_s=end, power_w=power_w, phases=present, on_s=on_s, off_s=off_s)


def _kettle(home: Household, dice: random.Random, start: float) -> Use:
    hour = dice.choice((7, 7, 8, 10, 13, 15, 16, 18, 20, 21)) + dice.random()
    return _use(home, start + hour * 3600, 150 + 90 * dice.random(), 2000 + 200 * dice.random(), ("b",))


def _oven(home: Household, dice: random.Random, start: float) -> Use:
    hour = dice.choice((12, 18, 18, 19)) + dice.random() * 0.6
    lasts_s, power_w = 1800 + 1800 * dice.random(), 2400 + 900 * dice.random()
    on_s, off_s = max(180.0, home.shortest_s), max(120.0, home.shortest_s * 2 / 3)
    return _use(home, start + hour * 3600, lasts_s, power_w, ("c",), on_s, off_s)


def _machine(home: Household, dice: random.Random, start: float) -> Use:
    hour = dice.uniform(9, 14)
    return _use(
        home,
        start + hour * 3600,
        1500.0,
        2000.0,
        (home.phases[index(dice.choice("abc")) % len(home.phases)],),
    )
