"""What one load is believed to draw between its own samples, from its orders and the steps at a meter."""

from msgspec import Struct
from msgspec.structs import replace

Amps = tuple[float, ...]

ANSWER_SHARE = 0.6
"""A step at the meter of this share of an order is taken for its answer."""


LAG_S = 1.0
"""How far a meter may lag behind a step."""

BEGUN_A = 0.3
SETTLE_S = 2.2
"""How long the rest of an answer may take after its last step."""

MOST_STEPS = 64
"""Steps remembered between two samples; a load that is quiet for longer than these is judged without them."""


class Draw(Struct, frozen=True):
    """One load behind one meter: believed current per phase, and what its last order still has to change."""

    amps: Amps
    sampled_at: float | None = None
    """When it was last measured; None while it never was."""
    since: tuple[tuple[float, Amps], ...] = ()
    """Steps at the meter that were taken for this load's, with their times: a later sample judges them."""
    limit: Amps | None = None
    """What it is allowed per phase; None before any order."""
    due: Amps = ()
    """What the last order still has to change per phase: below zero a cut, above zero a raise."""
    due_until: float = 0.0
    """The end of the dead time of the last order."""
    ordered_at: float = float("-inf")
    asked: float = 0.0
    """The largest step the last order asks of any phase."""
    late: Amps = ()
    """Rises after the dead time of a raise; they count only to judge what may be kept."""
    answered_s: float | None = None
    """How long the last order took to show at the meter; None until it did."""
    alive_at: float = float("-inf")
    """When a raise of this load alone was answered at the meter: it cannot have stopped before."""

    whole: bool = False
    """It is on or off: a fall of a part of it is not its own."""
    rest: Amps = ()
    """What the raise before a cut had still to show: a car that climbs answers it before it answers the cut."""
    rest_until: float = 0.0
    late_at: float = float("-inf")
    """When the meter showed the last late rise: a sample from before says nothing of it."""

    def could_fall(self, phase: int, amount: float) -> bool:
        """Whether a fall of this size could be this load's."""
        amps = self.amps[phase]
        return amps > 0 and (not self.whole or amount >= ANSWER_SHARE * amps)

    def known_at(self) -> float:
        """Until when its draw is beyond doubt."""
        return max(self.sampled_at or float("-inf"), self.alive_at)

    def drew(self, phase: int, at: float) -> float:
        """What it is believed to have drawn at `at`, after its sample, before what was taken for its since."""
        amps = self.amps[phase]
        for when, step in reversed(self.since):
            if when < at:
                break
            amps -= step[phase]
        return amps

    def ceiling(self, at: float) -> Amps | None:
        """The most it may be believed to draw at `at`: a cut counts once it shows or its dead time is over."""
        if self.limit is None:
            return None
        if at < self.due_until and self.due and min(self.due) < 0:
            rest = self.rest if self.rest and at <= self.rest_until else (0.0,) * len(self.amps)
            return tuple(
                max(most, now + more) for most, now, more in zip(self.limit, self.amps, rest, strict=True)
            )
        return self.limit

    def answering(self, at: float) -> bool:
        """An order is under way: neither seen at the meter nor given up."""
        return at < self.due_until and self.answered_s is None and self.asked > 0


def measured(draw: Draw, at: float, amps: Amps) -> Draw:
    """The draw after its own sample of time `at`, with the steps that came after that sample.

    A step that the meter showed within its lag may be in the sample already: it counts only as far as
    what was believed before it and the sample leave open. Counted twice, the end of a cut would be an oven.
    """
    since = tuple(step for step in draw.since if step[0] > at)
    believed = list(amps)
    if since:
        for phase, sample in enumerate(amps):
            steps = [(when, step[phase]) for when, step in since]
            before = draw.amps[phase] - sum(step for _, step in steps)
            rises = sum(step for when, step in steps if step > 0 and when <= at + LAG_S)
            falls = sum(step for when, step in steps if step < 0 and when <= at + LAG_S)
            clear = sum(step for when, step in steps if when > at + LAG_S)
            rises = min(rises, max(0.0, before + rises - sample))
            falls = min(0.0, falls + max(0.0, before - sample))
            believed[phase] = sample + rises + falls + clear
    ceiling = draw.ceiling(at)
    due, asked = draw.due, draw.asked
    if draw.limit is not None and at <= draw.ordered_at and due and max(due) <= 0:
        # What it drew before a cut is bound by no cut; the meter has still to show how it lets go.
        due = tuple(
            [min(left, most - now) for left, most, now in zip(due, draw.limit, believed, strict=True)]
        )
        asked = max(asked, max(map(abs, due)))
    elif ceiling is not None:
        believed = [min(now, most) for now, most in zip(believed, ceiling, strict=True)]
    late = draw.late if at <= max(draw.ordered_at, draw.late_at) else ()
    amps = tuple([max(0.0, now) for now in believed])
    return replace(draw, amps=amps, sampled_at=at, since=since, late=late, due=due, asked=asked)


def raise_left(draw: Draw, phase: int, at: float) -> float:
    """How much of a rise may still be the answer to this load's last raise; never beyond what it was allowed."""
    if draw.rest and at <= draw.rest_until and at <= draw.due_until:
        return draw.rest[phase]
    if not draw.due or draw.due[phase] <= 0 or draw.limit is None:
        return 0.0
    return min(draw.due[phase], max(0.0, draw.limit[phase] - draw.amps[phase]))


def told(draw: Draw, before: Amps, after: Amps, at: float, dead_time_s: float) -> Draw:
    """The draw after an order that changes its allowed current from `before` to `after`."""
    rest: Amps = ()
    rest_until = 0.0
    if any(new < old for new, old in zip(after, before, strict=True)):
        if draw.rest and at <= draw.rest_until:
            rest, rest_until = draw.rest, draw.rest_until
        elif draw.due and at <= draw.due_until and max(draw.due) > 0:
            rest = tuple(raise_left(draw, phase, at) for phase in range(len(after)))
            rest_until = draw.due_until
        due = tuple(min(0.0, new - now) for new, now in zip(after, draw.amps, strict=True))
    else:
        open_steps = draw.due if draw.due and at < draw.due_until else (0.0,) * len(after)
        due = tuple(
            max(0.0, min(new - now, max(0.0, left) + new - old))
            for new, old, now, left in zip(after, before, draw.amps, open_steps, strict=True)
        )
    late = draw.late and tuple(
        min(more, max(0.0, most - now)) for more, most, now in zip(draw.late, after, draw.amps, strict=True)
    )
    return Draw(
        amps=draw.amps, sampled_at=draw.sampled_at, since=draw.since, limit=after, due=due,
        due_until=at + dead_time_s, ordered_at=at, asked=max(map(abs, due), default=0.0), late=late,
        alive_at=draw.alive_at, whole=draw.whole, rest=rest, rest_until=rest_until, late_at=draw.late_at,
    )  # fmt: skip


def rest_of_cut(draw: Draw) -> Draw:
    """The draw once the dead time of an order is over: at most its limit, whatever the meter showed."""
    if draw.limit is None:
        return replace(draw, due=())
    return replace(draw, amps=tuple(map(min, draw.amps, draw.limit)), due=())


def take(draw: Draw, phase: int, step: float, at: float, *, alone: bool = False) -> Draw:
    """The draw after a step of the meter on one phase that an order of this load was waiting for.

    A raise that is answered while no other load was raised shows that the load is alive.
    """
    amps = _with(draw.amps, phase, max(0.0, draw.amps[phase] + step))
    due = _with(draw.due, phase, draw.due[phase] - step) if draw.due else ()
    late, alive_at, answered = draw.late, draw.alive_at, draw.answered_s
    if late and draw.limit is not None:
        late = tuple(map(min, late, _room(draw.limit, amps)))
    if answered is None and due and max(map(abs, due)) <= (1 - ANSWER_SHARE) * draw.asked + 1e-9:
        answered = at - draw.ordered_at
        alive_at = draw.ordered_at if alone and step > 0 else alive_at
    # What never measures has no sample to which its steps would be added again.
    since: tuple[tuple[float, Amps], ...] = ()
    if draw.sampled_at is not None:
        since = (*draw.since, (at, _with((0.0,) * len(amps), phase, step)))[-MOST_STEPS:]
    due_until = draw.due_until
    if abs(step) >= BEGUN_A and due and abs(due[phase]) >= BEGUN_A:
        # Its answer has begun: a car that ramps is given the time to end it.
        due_until = max(due_until, at + SETTLE_S)
    rest, rest_until = draw.rest, draw.rest_until
    if step > 0 and rest:
        rest = tuple([max(0.0, left) for left in _with(rest, phase, rest[phase] - step)])
        rest_until = max(rest_until, at + SETTLE_S)
    return replace(
        draw, amps=amps, since=since, due=due, due_until=due_until, late=late, answered_s=answered,
        alive_at=alive_at, rest=rest, rest_until=rest_until,
    )  # fmt: skip


def given_back(draw: Draw, phase: int, step: float, at: float) -> Draw:
    """The draw without a rise that was a source's: what was ordered has still to be answered."""
    return replace(take(draw, phase, -step, at), answered_s=None, alive_at=float("-inf"))


def taken_unmeasured(draw: Draw, phase: int, other: Draw) -> float:
    """How much of its current it was only believed to have risen by since the other load was measured before."""
    seen_at = other.known_at()
    if draw.sampled_at is None:
        return draw.amps[phase] if draw.due_until > seen_at else 0.0
    rises = sum(step[phase] for when, step in draw.since if when > seen_at and step[phase] > 0)
    return min(rises, draw.amps[phase])


def not_taken(draw: Draw, phase: int, amps: float) -> Draw:
    """The draw without a rise that turned out to be another load's; the last steps go first."""
    since = []
    left = amps
    for when, step in reversed(draw.since):
        part = max(0.0, min(left, step[phase]))
        left -= part
        since.append((when, _with(step, phase, step[phase] - part)))
    due = _with(draw.due, phase, draw.due[phase] + amps) if draw.due else ()
    less = _with(draw.amps, phase, draw.amps[phase] - amps)
    return replace(draw, amps=less, due=due, since=tuple(reversed(since)))


def take_late(draw: Draw, phase: int, step: float, at: float) -> Draw:
    """The draw after a rise that came too late to be sure of, but which the load was allowed."""
    late = list(draw.late or (0.0,) * len(draw.amps))
    late[phase] += step
    return replace(draw, late=tuple(late), late_at=at)


def may_rise_unseen(draw: Draw) -> bool:
    """Whether it was not measured since its last order, or is on or off: a thermostat closes long after that."""
    return draw.whole or draw.sampled_at is None or draw.sampled_at <= draw.ordered_at


def late_room(draw: Draw, phase: int, rise: float) -> float:
    """How far a load may have risen unseen when the meter rose by `rise`.

    One that was measured since its last order and is on or off takes all it may when it does: less is not its own.
    """
    if draw.limit is None:
        return 0.0
    room = max(0.0, draw.limit[phase] - draw.amps[phase] - (draw.late[phase] if draw.late else 0.0))
    measured_since = draw.sampled_at is not None and draw.sampled_at > draw.ordered_at
    return 0.0 if measured_since and rise < ANSWER_SHARE * room else room


def _room(limit: Amps, amps: Amps) -> tuple[float, ...]:
    """How far each phase may still rise."""
    return tuple([max(0.0, most - now) for most, now in zip(limit, amps, strict=True)])


def _with(amps: Amps, phase: int, value: float) -> Amps:
    """The currents with another on one phase."""
    return (*amps[:phase], value, *amps[phase + 1 :])
