"""What the scheduler remembers of one connector, and how commands and time change it.

Every function takes a memory and returns a memory: the loop saves it before it acts on it, so a process
that is killed at any step finds out at its next start what it wanted and compares it with the cloud.
"""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from busbar_chargeamps.command import Rules, read_set, refuse_clear
from busbar_chargeamps.payload import Ignored, Refused
from busbar_chargeamps.schedule import Period, Schedule, cut, in_force, limited, remaining

Mode = Literal["standalone", "hems"]
Result = Literal["accepted", "rejected", "ignored", "cleared", "expired", "provider_rejected"]


class Problem(Struct, frozen=True):
    """Why the last command was refused, by us or by the cloud."""

    code: str
    path: str | None = None
    message: str = ""


class Before(Struct, frozen=True):
    """What was in force before the schedule that the cloud has not taken yet."""

    schedule: Schedule | None
    touched: bool


class Marks(Struct, frozen=True, kw_only=True):
    """What we changed on the charger besides its schedule, so that we can put it back."""

    zeroed: bool = False
    """We set the user current to 0 A. A 0 A that stays locks some chargers for later sessions."""
    current_before: float | None = None
    mode_off: bool = False
    """We switched the connector off, as the last rung of stopping."""
    owner_off: bool = False
    """The owner had switched the connector off when we wrote a schedule, which switches it on."""
    wrote: bool = False
    """The schedule on the charger is ours."""
    mode_before: str | None = None
    """The mode the owner had chosen before our first write."""
    foreign: dict[str, Any] | None = None
    """The schedule that was on the charger before our first write, as the cloud gave it."""
    fought_at: datetime | None = None
    """When we last corrected what somebody changed beside us."""


class Memory(Struct, frozen=True, kw_only=True):
    """Everything that must survive a restart; one file per connector."""

    mode: Mode
    touched: bool = False
    """We are in charge of the connector; until then it is left as its owner has it."""
    schedule: Schedule | None = None
    before: Before | None = None
    plan: tuple[Period, ...] = ()
    planned: bool = False
    last_hems_command_at: datetime | None = None
    last_result: Result | None = None
    last_problem: Problem | None = None
    last_command_id: str | None = None
    last_issued_at: datetime | None = None
    cleared: Schedule | None = None
    """What was cleared last; a copy of it that the broker had kept is no news."""
    switching: bool = False
    """The mode was changed, and what the old one left in the cloud has not been removed yet."""
    refused_by_cloud: str | None = None
    """Digest of what the cloud refused for good, so that it is not offered again and again."""
    marks: Marks = Marks()


class Wish(Struct, frozen=True):
    """What the connector should be doing: what the cloud and the charger are measured against."""

    kind: Literal["hands_off", "windows", "hold", "release", "remove"]
    periods: tuple[Period, ...] = ()


def start(found: Memory | None, mode: Mode, most_a: float) -> Memory:
    """The memory a service begins with: a changed mode drops the old plan and clears the charger first.

    No current in it is above `most_a`, the most the site allows now; it may have allowed more before.
    """
    if found is None:
        return Memory(mode=mode)
    if found.mode == mode:
        return _limited(found, most_a)
    return Memory(
        mode=mode,
        touched=True,
        switching=True,
        last_hems_command_at=found.last_hems_command_at,
        marks=found.marks,
    )


def _limited(found: Memory, most_a: float) -> Memory:
    def within(schedule: Schedule | None) -> Schedule | None:
        return None if schedule is None else replace(schedule, periods=limited(schedule.periods, most_a))

    before = found.before
    return replace(
        found,
        schedule=within(found.schedule),
        before=None if before is None else replace(before, schedule=within(before.schedule)),
        plan=limited(found.plan, most_a),
    )


def after_message(
    memory: Memory, verb: str, payload: bytes, *, retained: bool, now: datetime, rules: Rules
) -> Memory:
    """The memory after a message on `set` or `clear`; a refused message leaves the schedule in force."""
    found = memory
    if not retained:
        memory = replace(memory, last_hems_command_at=now)
    try:
        if verb == "clear":
            refuse_clear(retained=retained)
            return _cleared(memory)
        schedule = read_set(
            payload,
            retained=retained,
            held=memory.schedule,
            last_issued_at=memory.last_issued_at,
            now=now,
            rules=rules,
        )
        if retained and _is_rest_of(memory.cleared, schedule, now):
            raise Ignored(
                "retained_set_superseded", "a replayed message does not bring back what was cleared"
            )
    except Ignored as ignored:
        # It is no command, and so no sign of life either.
        return replace(
            found, last_result="ignored", last_problem=Problem(ignored.code, None, ignored.message)
        )
    except Refused as refused:
        problem = Problem(refused.code, refused.path, refused.message)
        return replace(memory, last_result="rejected", last_problem=problem)
    return _accepted(memory, schedule, now)


def _is_rest_of(cleared: Schedule | None, schedule: Schedule, now: datetime) -> bool:
    """True when a schedule is what is still to come of the one that was cleared."""
    if cleared is None or cleared.expires_at != schedule.expires_at:
        return False
    spans = [[(p.start, p.end) for p in remaining(one.periods, now)] for one in (cleared, schedule)]
    return spans[0] == spans[1]


def _accepted(memory: Memory, schedule: Schedule, now: datetime) -> Memory:
    before = memory.before
    same = memory.schedule is not None and memory.schedule.digest == schedule.digest
    if not same and before is None:
        held = memory.schedule if in_force(memory.schedule, now) else None
        before = Before(held, memory.touched)
    return replace(
        memory,
        schedule=schedule,
        before=before,
        touched=True,
        last_result="accepted",
        last_problem=None,
        last_command_id=schedule.command_id or memory.last_command_id,
        last_issued_at=schedule.issued_at or memory.last_issued_at,
        cleared=None,
        refused_by_cloud=None,
    )


def _cleared(memory: Memory) -> Memory:
    return replace(
        memory,
        schedule=None,
        before=None,
        cleared=memory.schedule or memory.cleared,
        touched=True,
        last_result="cleared",
        last_problem=None,
        refused_by_cloud=None,
    )


def after_time(memory: Memory, now: datetime, *, hems_silent: bool = False) -> Memory:
    """The memory once the clock says `now`: a schedule that has ended is over, as if it had been cleared.

    A price plan that steps in for a silent HEMS puts us in charge.
    """
    if hems_silent and memory.planned and not memory.touched:
        memory = replace(memory, touched=True)
    if memory.schedule is None or in_force(memory.schedule, now):
        return memory
    return replace(
        memory, schedule=None, before=None, last_result="expired", last_problem=None, refused_by_cloud=None
    )


def after_plan(memory: Memory, periods: tuple[Period, ...]) -> Memory:
    """The memory once the price planner has spoken."""
    if memory.planned and memory.plan == periods:
        return memory
    touched = memory.touched or memory.mode == "standalone"
    return replace(memory, plan=periods, planned=True, touched=touched, refused_by_cloud=None)


def after_cloud_took(memory: Memory) -> Memory:
    """The memory once the cloud holds what we want: there is nothing left to go back to."""
    return memory if memory.before is None else replace(memory, before=None)


def after_cloud_refused(memory: Memory, digest: str, problem: Problem, now: datetime) -> Memory:
    """The memory once the cloud refused a plan for good: the previous schedule is in force again."""
    if memory.mode == "hems" and memory.before is not None:
        held, touched = memory.before.schedule, memory.before.touched
        return replace(
            memory,
            schedule=held if in_force(held, now) else None,
            # A schedule that was in force and ended meanwhile leaves us in charge, and charging off.
            touched=touched,
            before=None,
            last_result="provider_rejected",
            last_problem=problem,
            refused_by_cloud=digest,
        )
    result = "provider_rejected" if memory.mode == "hems" else memory.last_result
    return replace(memory, last_result=result, last_problem=problem, refused_by_cloud=digest)


def wish(
    memory: Memory,
    now: datetime,
    *,
    idle: Literal["hold", "release"] = "hold",
    automatic: bool = True,
    hems_silent: bool = False,
) -> Wish:
    """What the connector should be doing at `now`.

    `hems_silent`: the HEMS has been silent so long that the owner wants the price plan instead.
    After a change of the mode the old schedule goes first, whatever the new one wants.
    """
    found = _wish(memory, now, idle, automatic, hems_silent)
    # A release removes it by itself, and keeps what was the owner's.
    return Wish("remove") if memory.switching and found.kind != "release" else found


def _wish(
    memory: Memory, now: datetime, idle: Literal["hold", "release"], automatic: bool, hems_silent: bool
) -> Wish:
    if memory.schedule is not None and in_force(memory.schedule, now):
        return Wish("windows", remaining(cut(memory.schedule.periods, memory.schedule.expires_at), now))
    if memory.mode == "hems" and not hems_silent:
        return Wish(idle) if memory.touched else Wish("hands_off")
    if not automatic:
        return Wish("release") if memory.touched else Wish("hands_off")
    left = remaining(memory.plan, now)
    if left:
        return Wish("windows", left)
    return Wish("hold") if memory.touched else Wish("hands_off")


def after_release(memory: Memory) -> Memory:
    """The memory once everything is back as the owner had it: we are no longer in charge."""
    return replace(memory, touched=False, switching=False, marks=Marks(fought_at=memory.marks.fought_at))


def after_removal(memory: Memory) -> Memory:
    """The memory once the schedule of the old mode is gone: the new one begins."""
    return replace(memory, switching=False)
