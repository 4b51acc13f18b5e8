"""One connector while the service runs: its memory on disk, what was last seen of it, what was tried.

It decides nothing by itself; it asks the memory, the ladder, the tries and the clock, and keeps their answers.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from msgspec.structs import replace

from busbar_chargeamps import instants, ladder, memory
from busbar_chargeamps.command import Rules
from busbar_chargeamps.config import Place
from busbar_chargeamps.ladder import Sight, Step, Terms, Verdict
from busbar_chargeamps.memory import Memory, Problem, Wish
from busbar_chargeamps.schedule import Period, digest, running
from busbar_chargeamps.tries import Tries
from busbar_chargeamps.week import week
from busbar_shared.config.services import ChargeAmpsSection
from busbar_shared.statefile import StateFile

Sync = Literal["none", "pending", "synced", "failed"]

EDGE_FOR = timedelta(minutes=1)
EDGE_LOOK_S = 10.0
REFRESH_EVERY_S = 15.0
"""Whoever presses again within this is answered, and the cloud is not asked more often for it."""
FIGHT_EVERY = timedelta(hours=1)


class Outlet:
    """One connector: what is wanted of it, what was seen of it, and what was done about the difference."""

    def __init__(
        self, place: Place, section: ChargeAmpsSection, rules: Rules, file: StateFile[Memory], now: datetime
    ) -> None:
        self.place, self.rules, self._section, self._file = place, rules, section, file
        self.terms = Terms(
            weekly=section.api == "web",
            zone=rules.zone,
            site_max_current=rules.site_max_current,
            counting=section.week_counting,
            restore_foreign=section.restore_foreign_schedule,
        )
        self.stale_after_s = section.hems_stale_after_s
        self.memory = memory.start(file.load(), section.operation_mode, rules.site_max_current)
        self._started_at = now
        self.sight: Sight | None = None
        self.seen_at_s: float | None = None
        self.missed_polls = 0
        self.sync: Sync = "none"
        self.note = ""
        self.stuck = False
        """Every rung was climbed and it still charges."""
        self.drift: str | None = None
        self.stopped_by: str | None = None
        """The rung of the ladder that ended the last charging."""
        self._tries = Tries()
        self._agreed: str | None = None
        self._fighting = False
        self._named = ""
        self.refreshed_at: datetime | None = None
        self.refresh_id: str | None = None
        self._refresh_at_s = -REFRESH_EVERY_S

    # -- what is wanted -----------------------------------------------------------------------

    def remember(self, change: Callable[[Memory], Memory]) -> bool:
        """Apply a change to the memory and put it on disk before anything is done about it."""
        after = change(self.memory)
        changed = after != self.memory
        self.memory = after
        if changed:
            self._file.save(after)
        return changed

    def hear(self, verb: str, payload: bytes, *, retained: bool, now: datetime) -> None:
        """A message on one of the HEMS topics; saved later, by `keep`, so that a burst is saved once."""
        self.memory = memory.after_message(
            self.memory, verb, payload, retained=retained, now=now, rules=self.rules
        )
        if verb == "clear" and not retained:
            # Whoever says stop means now, also where a driver's own start would be left alone for an hour.
            self._agreed = None

    def take_plan(self, periods: tuple[Period, ...]) -> None:
        """The price planner has spoken."""
        self.remember(lambda found: memory.after_plan(found, periods))

    def pass_time(self, now: datetime) -> bool:
        """Let go of a schedule that has ended; True when one had."""
        silent = self.hems_silent(now)
        return self.remember(lambda found: memory.after_time(found, now, hems_silent=silent))

    def expect(self, now: datetime) -> None:
        """Something new may be wanted: until the cloud has been asked, it is pending."""
        want = self.wanted(now)
        if want.kind == "hands_off":
            self.sync = "none"
        elif self._name(want, now) != self._agreed:
            self.sync = "pending"

    def refresh(self, request: str | None, now: datetime, now_s: float) -> bool:
        """The owner asks to begin anew: what was refused, given up or left to somebody else is tried again.

        False where that was begun less than 15 s ago: this request is answered by that one.
        """
        self.refreshed_at, self.refresh_id = now, request or self.refresh_id
        if now_s - self._refresh_at_s < REFRESH_EVERY_S:
            return False
        self._refresh_at_s = now_s
        self._agreed = None
        self._tries.begin_anew()
        self.remember(lambda found: replace(found, refused_by_cloud=None))
        self.expect(now)
        return True

    def keep(self) -> None:
        """Put the memory on disk."""
        self._file.save(self.memory)

    def wanted(self, now: datetime) -> Wish:
        """What the connector should be doing."""
        section = self._section
        return memory.wish(
            self.memory,
            now,
            idle=section.hems_idle,
            automatic=section.automation_enabled,
            hems_silent=self.hems_silent(now),
        )

    def hems_silent(self, now: datetime) -> bool:
        """The HEMS has not spoken for long, and the owner wants the price plan to step in."""
        if self._section.hems_timeout_action != "standalone" or self.memory.mode != "hems":
            return False
        heard_at = self.memory.last_hems_command_at or self._started_at
        return (now - heard_at).total_seconds() > self._section.hems_stale_after_s

    def next_edge(self, now: datetime) -> datetime:
        """The next instant at which the wish or its weekly form changes by the clock alone."""
        edges = [instants.next_monday(now, self.terms.zone)]
        for period in self.wanted(now).periods:
            edges += [period.start, period.end]
        if self.memory.schedule is not None:
            edges.append(self.memory.schedule.ends_at)
        return min(edge for edge in edges if edge > now)

    # -- what was seen ------------------------------------------------------------------------

    def saw(self, sight: Sight | None, now_s: float) -> None:
        """The cloud answered; a charge point that is missing from the answer was not seen."""
        if sight is None:
            self.missed()
            self.note = f"the account has no connector {self.place.connector} of {self.place.charge_point}"
            return
        self.sight, self.seen_at_s, self.missed_polls = sight, now_s, 0

    def missed(self) -> None:
        """The cloud did not answer."""
        self.missed_polls += 1
        if self.sync == "synced" and self.missed_polls > 3:
            self.note = "the cloud does not answer; the charger keeps what it has"

    # -- what to do about it ------------------------------------------------------------------

    def next_step(self, now: datetime, now_s: float) -> Step | None:
        """The write to make now, or None: all is as wanted, or it is not yet time to try again."""
        if self.sight is None:
            return None
        want = self.wanted(now)
        named = self._name(want, now)
        if named != self._named:
            self._named, self._fighting = named, False
            self._tries.begin_anew()
        found = ladder.verdict(want, self.sight, self.memory.marks, self._tries.kinds, now, self.terms)
        self.note, self.stuck = found.note, found.stuck
        if want.kind == "remove" and found.step is None:
            self.remember(memory.after_removal)
            return self.next_step(now, now_s)
        if found.step is None:
            self._settled(found, want, now_s)
            return None
        if self._is_drift(named, found, now):
            return None
        return self._in_time(found, found.step, named, now_s)

    def _settled(self, found: Verdict, want: Wish, now_s: float) -> None:
        if found.stuck:
            self.sync = "failed"
            self._tries.nothing_left(now_s)
            return
        if found.waiting:
            self.sync = "pending"
            return
        self.sync = "none" if want.kind == "hands_off" else "synced"
        self._agreed, self._fighting, self.drift = self._named, False, None
        if want.kind == "hold":
            self.stopped_by = self._tries.last_kind or self.stopped_by
        self._tries.over()
        self.remember(memory.after_cloud_took)
        if want.kind == "release":
            self.remember(memory.after_release)

    def _is_drift(self, named: str, found: Verdict, now: datetime) -> bool:
        """True when somebody changed the charger beside us and was corrected less than an hour ago."""
        if named != self._agreed or self._fighting:
            return False
        self.drift = found.note
        fought_at = self.memory.marks.fought_at
        if fought_at is not None and timedelta(0) <= now - fought_at < FIGHT_EVERY:
            self.sync = "failed"
            return True
        self.remember(lambda m: replace(m, marks=replace(m.marks, fought_at=now)))
        self._fighting = True
        return False

    def _in_time(self, found: Verdict, step: Step, named: str, now_s: float) -> Step | None:
        if step.kind == "put_week" and self.memory.refused_by_cloud == named:
            self.sync = "failed"
            return None
        self.sync = "failed" if self._tries.in_vain(step) else "pending"
        return step if self._tries.may(step, now_s, settle=found.settle) else None

    def doing(self, step: Step, now_s: float) -> None:
        """A write is about to be made: note on disk what would have to be undone."""
        sight = self.sight or Sight()
        self.remember(lambda m: replace(m, marks=ladder.marks_before(step, sight, m.marks)))
        self._tries.doing(step, now_s)

    def done(self, step: Step) -> None:
        """The cloud said yes; what became of it the next look tells."""
        self._tries.answered()
        self.remember(lambda m: replace(m, marks=ladder.marks_after(step, m.marks)))

    def unanswered(self, step: Step, now_s: float) -> None:
        """Nobody knows whether the write was made: the rung is not counted as climbed, and is tried again later.

        What the next look shows to be done needs no second write.
        """
        self._tries.unanswered(step, now_s)

    def refused(self, step: Step, problem: Problem, now: datetime) -> None:
        """The cloud said no for good: an earlier schedule is in force again, or the next rung is tried."""
        self._tries.answered()
        if step.kind in ("put_week", "restore"):
            named = self._named
            self.remember(lambda m: memory.after_cloud_refused(m, named, problem, now))
            if step.kind == "restore":
                self.remember(lambda m: replace(m, marks=replace(m.marks, foreign=None)))
        self.note = f"{problem.code}: {problem.message}"

    def last_step(self) -> Step | None:
        """What has to be written before we leave a connector that we switch ourselves."""
        if self.sight is None or not self.memory.touched or self.sight.user_current == 0:
            return None
        return Step("current", amps=0.0)

    def edge_near(self, now: datetime) -> bool:
        """Whether a window has opened or ended within the last minute: what the car makes of it is news.

        The allocator keeps the room of a window free, and takes a car that has begun for the house until it is told.
        """
        return any(
            timedelta(0) <= now - edge < EDGE_FOR for one in self._windows() for edge in (one.start, one.end)
        )

    def _windows(self) -> tuple[Period, ...]:
        schedule = self.memory.schedule
        return self.memory.plan if schedule is None else schedule.periods

    def look_again_in(self, now_s: float) -> float | None:
        """Seconds until a change that is under way wants to be read back; None when none is."""
        return None if self.sync == "synced" else self._tries.look_again_in(now_s)

    def _name(self, want: Wish, now: datetime) -> str:
        """Names what is wanted, so that a later difference under the same name is somebody else's doing."""
        if want.kind != "windows":
            return want.kind
        if self.memory.schedule is not None and self.memory.mode == "hems":
            plan = self.memory.schedule.digest
        else:
            plan = digest(self.memory.plan)
        turn: Period | tuple[datetime, bool] | None
        if self.terms.weekly:
            # Once nothing of the plan is left of this week, the schedule goes by our own doing.
            left = week(want.periods, now, self.terms.zone, self.terms.counting).stretches
            turn = (instants.monday(now, self.terms.zone), bool(left))
        else:
            turn = running(want.periods, now)
        return f"{plan} {turn}"
