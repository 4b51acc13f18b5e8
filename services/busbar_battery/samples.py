"""Samples of several devices, brought to the same instant.

A battery that slews at 2.5 kW/s and is read 0.4 s after the meter shows a surplus that is 1 kW wrong, and a
controller that believes it hunts. Smoothing only blurs that. So the battery's power is interpolated at the
very instant of the meter's sample; where the next battery sample is still to come, we wait for it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from statistics import median

from msgspec import Struct

KEPT = 24
# Samples this close are the same instant: at 2.5 kW/s it is an error of 250 W at worst.
SAME_S = 0.1
# Beyond this a nearest sample says nothing about the instant.
NEAR_S = 2.0


class Trace(Struct, frozen=True):
    """The last samples of one quantity in W, by the second at which the device measured."""

    times: tuple[float, ...] = ()
    values: tuple[float, ...] = ()

    def heard(self, at_s: float, value: float) -> Trace:
        """The trace with one more sample; one that is not newer than the last is left out."""
        if self.times and at_s <= self.times[-1]:
            return self
        return Trace((*self.times[-KEPT:], at_s), (*self.values[-KEPT:], value))

    @property
    def last_s(self) -> float | None:
        """When the newest sample was taken."""
        return self.times[-1] if self.times else None

    def at(self, at_s: float) -> float | None:
        """The value at that instant, between two samples or beside one; None where it must be waited for."""
        after = bisect_left(self.times, at_s)
        for index in (after - 1, after):
            if 0 <= index < len(self.times) and abs(self.times[index] - at_s) <= SAME_S:
                return self.values[index]
        if after in (0, len(self.times)):
            return None
        start, end = self.times[after - 1], self.times[after]
        part = (at_s - start) / (end - start)
        return self.values[after - 1] + part * (self.values[after] - self.values[after - 1])

    def step_at(self, at_s: float) -> float:
        """How much the value changed between the samples around that instant: the doubt of `at`."""
        after = bisect_left(self.times, at_s)
        if self.at(at_s) is None or after in (0, len(self.times)):
            return 0.0
        if min(abs(self.times[after] - at_s), abs(self.times[after - 1] - at_s)) <= SAME_S:
            return 0.0
        return abs(self.values[after] - self.values[after - 1])

    def near(self, at_s: float, within_s: float = NEAR_S) -> float | None:
        """The value at that instant as well as it is known now; None when no sample is near."""
        exact = self.at(at_s)
        if exact is not None:
            return exact
        if not self.times:
            return None
        index = 0 if at_s < self.times[0] else -1
        return self.values[index] if abs(self.times[index] - at_s) <= within_s else None


class Pair(Struct, frozen=True):
    """Grid and batteries at the same instant. W; import and charge are positive."""

    at_s: float
    grid: float
    batteries: tuple[float, ...]

    @property
    def battery(self) -> float:
        """All controlled batteries together."""
        return sum(self.batteries)

    @property
    def surplus(self) -> float:
        """What the sun leaves of the house."""
        return self.battery - self.grid


def newest_pair(grid: Trace, batteries: Sequence[Trace]) -> Pair | None:
    """The newest meter sample at which every battery's power is known as well."""
    for at_s, power in zip(reversed(grid.times), reversed(grid.values), strict=True):
        found = [one.at(at_s) for one in batteries]
        if all(value is not None for value in found):
            return Pair(at_s, power, tuple(value for value in found if value is not None))
    return None


def calm(recent: Sequence[float]) -> float:
    """The median of the last three: one odd sample changes nothing, a real step counts at the second."""
    return median(recent[-3:])
