"""Where the decisions of a replay differ from the recorded ones, and why."""

from collections import deque
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from busbar_contracts.allocation import Allocation
from busbar_contracts.battery import BatteryDecision

SAME_A = 0.15
"""Limits closer than this are the same decision: a recorded allocation is rounded and said up to 10 s late."""
SAME_W = 100.0
"""Powers closer than this are the same decision: the battery service says a change from 50 W on, at most each second."""
BESIDE_S = 2.0
"""A recorded decision may have been made so much before or after the same one in the replay: both look each second."""
SETTLE_S = 60.0
"""A recording that began while the services ran lacks what they remembered, such as a start that waits for its time.

What differs so early is told only if it lasts longer."""
BATTERY = "battery-flow"


class Difference(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A moment at which the replay decides otherwise than the recording."""

    t: float
    load: str
    """The load, or `battery-flow` for what the battery service wants."""
    recorded_a: float | None = None
    replayed_a: float | None = None
    recorded_w: float | None = None
    replayed_w: float | None = None
    recorded_why: str
    replayed_why: str


class Word(Struct, frozen=True):
    """What was decided of one thing at a time: a figure of which None is none at all, and the reason."""

    t: float
    figure: float | None
    why: str


class Comparison:
    """Recorded decisions beside replayed ones. A recorded one waits until what was decided around it is known."""

    def __init__(self, *, patient: bool = True) -> None:
        """`patient`: the two were not decided at the same instants, so a difference counts when it stands twice."""
        self._patient, self._settled_s = patient, 0.0
        self.allocation: Allocation | None = None
        self.battery: BatteryDecision | None = None
        self.differences: list[Difference] = []
        self.compared = 0
        self._now: dict[str, deque[Word]] = {}
        self._waiting: deque[tuple[float, dict[str, Word]]] = deque()
        self._apart: set[str] = set()
        self._told: set[str] = set()

    def remembered(self) -> None:
        """A decision was retained when the recording began: somebody had decided before."""
        self._settled_s = SETTLE_S

    def replayed(self, message: Any, t: float) -> None:
        """Note what was decided now."""
        if isinstance(message, Allocation):
            self.allocation = message
        elif isinstance(message, BatteryDecision):
            self.battery = message
        for name, word in words_of(message, t):
            kept = self._now.setdefault(name, deque())
            kept.append(word)
            # The last before the window still held when it began.
            while len(kept) > 1 and kept[1].t < t - 2 * BESIDE_S:
                kept.popleft()
        self._judge(t - BESIDE_S)

    def recorded(self, message: Any, t: float) -> None:
        """Note what was decided then."""
        self.recorded_words(dict(words_of(message, t)), t)

    def recorded_words(self, words: dict[str, Word], t: float) -> None:
        """Note what was decided then, as it was kept."""
        if words:
            self._waiting.append((t, words))
        self._judge(t - BESIDE_S)

    def finish(self) -> None:
        """Judge what still waits: nothing more is decided."""
        self._judge(float("inf"))

    def _judge(self, until: float) -> None:
        while self._waiting and self._waiting[0][0] <= until:
            t, words = self._waiting.popleft()
            if not self._now or t < self._settled_s:
                continue
            self.compared += 1
            for name, word in sorted(words.items()):
                self._look(name, word, t)

    def _look(self, name: str, then: Word, t: float) -> None:
        around = list(self._in_force(name, t - BESIDE_S, t + BESIDE_S))
        if any(_same(name, then.figure, one.figure) for one in around):
            self._apart.discard(name)
            self._told.discard(name)
            return
        # Once may be a matter of milliseconds between two decisions; what still stands at the next word is not.
        if (name in self._apart or not self._patient) and name not in self._told:
            now = around[-1] if around else Word(t, None, "not there")
            self.differences.append(_difference(name, then, now))
            self._told.add(name)
        self._apart.add(name)

    def _in_force(self, name: str, begin: float, end: float) -> Iterator[Word]:
        words = [one for one in self._now.get(name, ()) if one.t <= end]
        before = [one for one in words if one.t <= begin]
        yield from before[-1:]
        yield from (one for one in words if one.t > begin)


def words_of(message: Any, t: float) -> Iterator[tuple[str, Word]]:
    """What a message decides of each thing; nothing in one that is no decision."""
    if isinstance(message, Allocation):
        for name, grant in message.loads.items():
            yield name, Word(t, grant.limit_a, grant.reason)
    elif isinstance(message, BatteryDecision):
        yield BATTERY, Word(t, message.battery_w if message.control == "apply" else None, message.reason)


def _same(name: str, then: float | None, now: float | None) -> bool:
    if then is None or now is None:
        return then is now
    return abs(then - now) <= (SAME_W if name == BATTERY else SAME_A)


def _difference(name: str, then: Word, now: Word) -> Difference:
    t, why, why_now = round(then.t, 1), then.why, now.why
    if name == BATTERY:
        return Difference(
            t=t,
            load=name,
            recorded_w=then.figure,
            replayed_w=now.figure,
            recorded_why=why,
            replayed_why=why_now,
        )
    return Difference(
        t=t, load=name, recorded_a=then.figure, replayed_a=now.figure, recorded_why=why, replayed_why=why_now
    )
