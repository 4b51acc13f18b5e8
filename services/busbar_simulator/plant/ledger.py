"""The ledger of truth: how long each breaker really bore too much, and whose doing it was.

The verdict uses the promise as it is written: an overload made by the house (an oven, a cloud, an inverter
that trips) must be mended within `mend_s` plus the dead time of the loads; one made by the loads must not be.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum


class Cause(StrEnum):
    """Who raised the current above the limit."""

    HOUSE = "house"
    LOADS = "loads"


@dataclass(frozen=True, kw_only=True)
class Excursion:
    """One stretch of time above one breaker's limit.

    `unmended_s` counts from the house's last step up: each new kettle is a new thing to mend.
    """

    circuit: str
    phase: str
    began_s: float
    lasted_s: float
    unmended_s: float
    peak_a: float
    limit_a: float
    cause: Cause
    allowed_s: float

    @property
    def overstay_s(self) -> float:
        """How much longer than allowed; negative was mended early."""
        return self.unmended_s - self.allowed_s

    @property
    def forgiven(self) -> bool:
        """Mended within the time the promise allows."""
        return self.overstay_s <= 1e-6


@dataclass(kw_only=True)
class Line:
    """One phase of one circuit: what its breaker bore.

    `over_a2s` is the integral of (I² - limit²) while above: the heat beyond what the breaker bears for ever.
    """

    circuit: str
    phase: str
    limit_a: float
    over_s: float = 0.0
    over_a2s: float = 0.0
    highest_a: float = 0.0
    excursions: int = 0
    longest: Excursion | None = None
    worst: Excursion | None = None
    _began_s: float | None = None
    _peak_a: float = 0.0
    _cause: Cause = Cause.HOUSE
    _step_s: float = 0.0
    _step_a: float = 0.0
    _past: deque[tuple[float, float]] = field(default_factory=deque)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What is forgiven. `slack_a` is the resolution of meter and charger, not a licence."""

    mend_s: float = 4.0
    dead_s: float = 0.0
    loads_s: float = 1.0
    slack_a: float = 0.2
    step_a: float = 1.0


class Ledger:
    """Keeps one line per phase of each circuit."""

    def __init__(self, limits: dict[str, dict[str, float]], rule: Rule) -> None:
        self.rule = rule
        self.now_s = 0.0
        self.lines = {
            (circuit, phase): Line(circuit=circuit, phase=phase, limit_a=limit)
            for circuit, phases in limits.items()
            for phase, limit in phases.items()
        }

    def note(self, circuit: str, phase: str, current_a: float, loads_a: float, dt_s: float) -> None:
        """Book `dt_s` with this true current, of which the managed loads drew `loads_a`."""
        line = self.lines[circuit, phase]
        # An export can overload a breaker too: seen from its side, the house rises when the sun does.
        size = abs(current_a)
        background = current_a - loads_a if current_a >= 0 else loads_a - current_a
        line.highest_a = max(line.highest_a, size)
        if size > line.limit_a + self.rule.slack_a:
            self._above(line, size, background, dt_s)
        else:
            line._began_s = None
        line._past.append((self.now_s, background))
        while line._past[0][0] < self.now_s - self.rule.mend_s - self.rule.dead_s:
            line._past.popleft()

    def _above(self, line: Line, size: float, background: float, dt_s: float) -> None:
        if line._began_s is None:
            line._began_s = line._step_s = self.now_s
            line._peak_a, line._step_a = 0.0, background
            line._cause = self._cause(line, size, background)
            line.excursions += 1
        elif background > line._step_a + self.rule.step_a:
            line._step_s, line._step_a = self.now_s, background
        line._step_a = min(line._step_a, background)
        line._peak_a = max(line._peak_a, size)
        line.over_s += dt_s
        line.over_a2s += (size**2 - line.limit_a**2) * dt_s
        self._keep(line, self.now_s + dt_s)

    def tick(self, dt_s: float) -> None:
        """Time goes on, after all lines were noted."""
        self.now_s += dt_s

    def _cause(self, line: Line, size: float, background: float) -> Cause:
        """The house, if without its last rise the limit would have held; the loads otherwise."""
        before = min((then for _, then in line._past), default=background)
        rise = background - before
        return Cause.HOUSE if size - max(rise, 0.0) <= line.limit_a + self.rule.slack_a else Cause.LOADS

    def _keep(self, line: Line, until_s: float) -> None:
        assert line._began_s is not None
        by_house = line._cause is Cause.HOUSE
        now = Excursion(
            circuit=line.circuit,
            phase=line.phase,
            began_s=line._began_s,
            lasted_s=until_s - line._began_s,
            unmended_s=until_s - (line._step_s if by_house else line._began_s),
            peak_a=line._peak_a,
            limit_a=line.limit_a,
            cause=line._cause,
            allowed_s=self.rule.mend_s + self.rule.dead_s if by_house else self.rule.loads_s,
        )
        if line.longest is None or now.lasted_s >= line.longest.lasted_s:
            line.longest = now
        # The worst is the one that overstays most, or comes closest to it.
        if line.worst is None or now.overstay_s >= line.worst.overstay_s:
            line.worst = now

    @property
    def broken(self) -> list[Excursion]:
        """Where the promise was broken, worst of each line; empty is a clean evening."""
        worst = (line.worst for line in self.lines.values())
        return [excursion for excursion in worst if excursion is not None and not excursion.forgiven]
