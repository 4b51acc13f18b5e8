"""From what is wanted and what is seen to the one next step, for both cloud interfaces.

Level-triggered: each call compares the wish with what was read back and names at most one write.  The
caller does it, reads again and asks again.  So a process that dies at any step, a write that timed out
after it was committed and a driver who plays with the app are the same case: a difference, or none.

Stopping climbs a ladder, each rung followed by a read-back: remove the schedule, 0 A, remote stop, mode
Off.  Deleting the schedule alone can leave the connector in mode `On`, which charges without limit.
"""

from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from busbar_chargeamps.memory import Marks, Wish
from busbar_chargeamps.schedule import running
from busbar_chargeamps.week import Counting, Stretch, Week, week

OWNER_OFF = "the connector was switched off by its owner"


class HeldWeek(Struct, frozen=True):
    """The weekly schedule the cloud says it holds for a connector."""

    start_of_schedule: datetime | None
    stretches: tuple[Stretch, ...]
    default_current: float = 0.0
    is_active: bool = True
    is_synced: bool | None = None
    schedule_id: str | None = None


class Leg(Struct, frozen=True):
    """One leg of the charger: amperes and volts."""

    amps: float | None
    volts: float | None


class Sight(Struct, frozen=True, kw_only=True):
    """One connector as the cloud showed it; None is not known."""

    online: bool | None = None
    charge_point_status: str | None = None
    ocpp_version: str | None = None
    connector_status: str | None = None
    mode: str | None = None
    is_charging: bool | None = None
    user_current: float | None = None
    power_kw: float | None = None
    energy_kwh: float | None = None
    legs: tuple[Leg, ...] = ()
    """What was measured on each leg of the charger; none where nothing was."""
    error_code: str | None = None
    held: HeldWeek | None = None
    """The weekly schedule on the cloud; None when there is none."""
    raw_held: dict[str, Any] | None = None


def power_kw(legs: tuple[Leg, ...]) -> float | None:
    """The power of the legs that tell both figures; None where none does."""
    known = [leg.volts * leg.amps for leg in legs if leg.volts is not None and leg.amps is not None]
    return round(sum(known) / 1000, 3) if known else None


class Step(Struct, frozen=True):
    """One write to the cloud."""

    kind: Literal["put_week", "delete_week", "current", "mode", "stop", "direct", "restore"]
    week: Week | None = None
    amps: float | None = None
    mode: str | None = None
    owners: bool = False
    """It puts back what the owner had chosen, and is no rung of stopping."""
    raw: dict[str, Any] | None = None


class Terms(Struct, frozen=True, kw_only=True):
    """How a charge point is steered: who keeps the schedule, and what the site allows."""

    weekly: bool
    zone: ZoneInfo
    site_max_current: float
    counting: Counting = "elapsed"
    restore_foreign: bool = True


class Verdict(Struct, frozen=True):
    """The next write, or none: then either all is as wanted, or nothing more can be done."""

    step: Step | None
    note: str = ""
    stuck: bool = False
    """Every rung was climbed and it still charges."""
    settle: bool = False
    """What was done already should end the charging; give it some seconds before the next rung."""
    waiting: bool = False
    """Nothing may be written now, although the cloud does not hold what is wanted."""


def verdict(
    want: Wish, sight: Sight, marks: Marks, tried: frozenset[str], now: datetime, terms: Terms
) -> Verdict:
    """The one next step towards the wish; `tried` are the kinds of step already done in this episode."""
    if want.kind == "hands_off":
        return Verdict(None)
    if want.kind == "release":
        return _released(sight, marks, terms)
    if want.kind == "remove":
        return _removed(sight, tried)
    if not terms.weekly:
        period = running(want.periods, now)
        if period is None:
            return _held(sight, tried, terms)
        return _direct(sight, marks, min(period.amps, terms.site_max_current))
    wanted = week(want.periods, now, terms.zone, terms.counting)
    if not wanted.stretches:
        held = _held(sight, tried, terms)
        waits = wanted.deferred and not held.step and not held.stuck
        return replace(held, note="the next window is written when its week begins") if waits else held
    return _weekly(sight, marks, wanted, now, terms)


def _weekly(sight: Sight, marks: Marks, wanted: Week, now: datetime, terms: Terms) -> Verdict:
    mode = (sight.mode or "").lower()
    owner_off = mode == "off" and not marks.mode_off
    if not agrees(sight.held, wanted, now):
        passed_s = (now - wanted.start_of_schedule).total_seconds()
        if owner_off and any(one.start_s <= passed_s < one.end_s for one in wanted.stretches):
            # The write would switch the connector on and a car would start; some cannot be switched off then.
            return Verdict(None, OWNER_OFF, waiting=True)
        return Verdict(Step("put_week", week=wanted), "the cloud holds another schedule")
    if marks.zeroed and not sight.user_current:
        return _positive(marks, terms)
    if marks.owner_off and mode == "schedule":
        # The write itself has switched the connector on, which its owner had not.
        return Verdict(Step("mode", mode="Off", owners=True), OWNER_OFF)
    if owner_off:
        return Verdict(None, OWNER_OFF)
    if mode in ("on", "off"):
        return Verdict(Step("mode", mode="Schedule"), f"the connector is in mode {sight.mode}")
    return Verdict(None)


def agrees(held: HeldWeek | None, wanted: Week, now: datetime) -> bool:
    """True when what is still to come of the held week is what is wanted of it."""
    if held is None or not held.is_active or held.default_current > 0:
        return False
    if held.start_of_schedule != wanted.start_of_schedule:
        return False
    passed_s = int((now - wanted.start_of_schedule).total_seconds())
    there, asked = (_to_come(one.stretches, passed_s) for one in (held, wanted))
    return len(there) == len(asked) and all(
        one[:2] == other[:2] and _is_held(one[2], other[2]) for one, other in zip(there, asked, strict=True)
    )


def _is_held(held_a: float | None, wanted_a: float) -> bool:
    """True for the current that is wanted, also where the cloud knows whole amperes only and rounds down."""
    return held_a is not None and 0 <= wanted_a - held_a < 1


def _to_come(stretches: tuple[Stretch, ...], passed_s: int) -> list[tuple[int, int, float]]:
    """What is left of a week, so that a window that has begun is the same whenever it was planned."""
    left = (one for one in sorted(stretches) if one.end_s > passed_s)
    return [(max(one.start_s, passed_s), one.end_s, one.amps) for one in left]


def _positive(marks: Marks, terms: Terms) -> Verdict:
    amps = marks.current_before or terms.site_max_current
    return Verdict(Step("current", amps=amps, owners=True), "the current is put back from 0 A")


def _direct(sight: Sight, marks: Marks, amps: float) -> Verdict:
    """Inside a window of an interface without schedules: mode On and the window's current."""
    mode = (sight.mode or "").lower()
    if mode == "off" and not marks.mode_off:
        return Verdict(None, OWNER_OFF)
    if mode == "on" and _is_held(sight.user_current, amps):
        return Verdict(None)
    return Verdict(Step("direct", amps=amps, mode="On"), f"{amps:g} A and mode On are wanted")


def _held(sight: Sight, tried: frozenset[str], terms: Terms) -> Verdict:
    """No charging: one rung after the other until the read-back says so."""
    if sight.held is not None and "delete_week" not in tried:
        return Verdict(Step("delete_week"), "the schedule is removed")
    mode = (sight.mode or "").lower()
    empty = sight.held is None or not (sight.held.stretches or sight.held.default_current)
    shut = sight.user_current == 0 or mode == "off" or (terms.weekly and mode == "schedule" and empty)
    if shut and not sight.is_charging:
        return Verdict(None)
    step, note = _next_rung(sight, mode, tried)
    # A car takes some seconds to let go; only what would charge on needs no waiting.
    return Verdict(step, note, stuck=step is None, settle=shut)


def _removed(sight: Sight, tried: frozenset[str]) -> Verdict:
    """No schedule of the mode before; a cloud that refuses it once gets the new one over it."""
    if sight.held is None or "delete_week" in tried:
        return Verdict(None)
    return Verdict(Step("delete_week"), "the schedule of the mode before is removed")


def _next_rung(sight: Sight, mode: str, tried: frozenset[str]) -> tuple[Step | None, str]:
    if sight.user_current != 0 and "current" not in tried:
        return Step("current", amps=0.0), f"mode {sight.mode} would charge"
    if sight.is_charging and "stop" not in tried:
        return Step("stop"), "it still charges at 0 A"
    if mode != "off" and "mode" not in tried:
        return Step("mode", mode="Off"), "it would still charge after a remote stop"
    return None, "the charger does not stop"


def _released(sight: Sight, marks: Marks, terms: Terms) -> Verdict:
    """Everything back as the owner had it: his schedule, a positive current, his mode."""
    if marks.foreign is not None and terms.restore_foreign:
        return Verdict(Step("restore", raw=marks.foreign), "the owner's schedule is put back")
    if marks.wrote and sight.held is not None:
        return Verdict(Step("delete_week"), "our schedule is removed")
    if marks.zeroed and not sight.user_current:
        return _positive(marks, terms)
    before = marks.mode_before or ("On" if marks.mode_off else None)
    if before is not None and sight.mode is not None and sight.mode.lower() != before.lower():
        return Verdict(Step("mode", mode=before, owners=True), "the connector's mode is put back")
    return Verdict(None)


def marks_before(step: Step, sight: Sight, marks: Marks) -> Marks:
    """The marks to save before a step is done: killed in the middle of it, we still know what to undo."""
    marks = replace(marks, mode_before=marks.mode_before or sight.mode)
    if step.kind in ("put_week", "delete_week") and not marks.wrote:
        # A plain replace of what the owner made in the app: keep a copy for him.
        marks = replace(marks, foreign=sight.raw_held, wrote=True)
    if step.kind == "put_week" and not marks.mode_off:
        marks = replace(marks, owner_off=(sight.mode or "").lower() == "off")
    if step.amps is not None and not step.owners:
        known = sight.user_current if sight.user_current else marks.current_before
        marks = replace(marks, current_before=known, zeroed=marks.zeroed or step.amps == 0)
    if step.kind == "mode" and not step.owners and step.mode == "Off":
        marks = replace(marks, mode_off=True)
    return marks


def marks_after(step: Step, marks: Marks) -> Marks:
    """The marks once the cloud has taken a step: what was put back needs no putting back."""
    if step.kind == "mode" and step.owners:
        return replace(marks, owner_off=False, mode_off=False)
    if step.kind in ("put_week", "direct") or (step.kind == "mode" and step.mode != "Off"):
        marks = replace(marks, mode_off=False)
    if step.kind == "direct" or (step.kind == "current" and step.owners):
        marks = replace(marks, zeroed=False)
    if step.kind == "restore":
        marks = replace(marks, foreign=None, wrote=False)
    return marks
