"""The current a charge point allows now, computed from everything it was given.

The prevailing profile of a purpose is the highest level valid by validFrom and validTo (1.6 section 3.13.2).
What its schedule says nothing about (before its start, after its duration) the next lower level says,
then the default: that is the honest reading. Charge points differ here, which is what the faults are for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .faults import Fault
from .profiles import Kind, Period, Profile, Purpose

VOLTS = 230.0


@dataclass(frozen=True, kw_only=True)
class Session:
    """What the computation needs to know of a running transaction."""

    transaction: str | None
    began: datetime


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """What is allowed: amperes per leg (None: no limit), on that many phases, by that profile."""

    amps: float | None = None
    phases: int | None = None
    by: int | None = None


@dataclass(frozen=True, kw_only=True)
class Reader:
    """How one charge point reads its profiles.

    `legs` is how many the car uses as far as it knows, `connectors` how many are in use now.
    """

    faults: frozenset[Fault] = frozenset()
    legs: int = 3
    connectors: int = 1

    def allowed(
        self, profiles: Sequence[Profile], connector: int, session: Session | None, now: datetime
    ) -> Allowed:
        """The smallest of what the whole charge point and the transaction are allowed."""
        station = self._best([p for p in profiles if p.purpose is Purpose.STATION_MAX], session, now)
        external = self._best([p for p in profiles if p.purpose is Purpose.EXTERNAL], session, now)
        mine = self._transaction(profiles, connector, session, now)
        # The station's maximum is shared evenly by its connectors.
        shared = None if station.amps is None else station.amps / self.connectors
        amps = [value for value in (mine.amps, shared, external.amps) if value is not None]
        return Allowed(amps=min(amps, default=None), phases=mine.phases, by=mine.by)

    def _transaction(
        self, profiles: Sequence[Profile], connector: int, session: Session | None, now: datetime
    ) -> Allowed:
        if session is not None:
            own = [
                p for p in profiles
                if p.purpose is Purpose.TX and p.connector == connector
                and p.transaction in (None, session.transaction)
            ]  # fmt: skip
            found = self._best(own, session, now)
            if found.amps is not None or (own and Fault.FREE_AFTER_EXPIRY in self.faults):
                return found
        defaults = [p for p in profiles if p.purpose is Purpose.TX_DEFAULT]
        here = [p for p in defaults if p.connector == connector and self._valid(p, now)]
        # A default on the connector replaces the one on connector 0 for it (1.6 section 3.13.1).
        return self._best(here or [p for p in defaults if p.connector == 0], session, now)

    def _best(self, profiles: Sequence[Profile], session: Session | None, now: datetime) -> Allowed:
        for profile in sorted(profiles, key=lambda p: -p.level):
            if self._valid(profile, now):
                period = self._period(profile, session, now)
                if period is not None:
                    return Allowed(amps=self._amps(profile, period), phases=period.phases, by=profile.id)
                if Fault.FREE_AFTER_EXPIRY in self.faults:
                    break
        return Allowed()

    def _valid(self, profile: Profile, now: datetime) -> bool:
        if profile.valid_from is not None and now < profile.valid_from:
            return False
        if Fault.IGNORES_VALID_TO in self.faults or Fault.KEEPS_LAST_AFTER_EXPIRY in self.faults:
            return True
        return profile.valid_to is None or now < profile.valid_to

    def _period(self, profile: Profile, session: Session | None, now: datetime) -> Period | None:
        """The period in force, or None outside the schedule."""
        start = self._start(profile, session, now)
        if start is None or now < start:
            return None
        elapsed = (now - start).total_seconds()
        if profile.kind is Kind.RECURRING:
            elapsed %= profile.recurrence_s
        stays = bool(self.faults & {Fault.IGNORES_DURATION, Fault.KEEPS_LAST_AFTER_EXPIRY})
        if profile.duration_s is not None and elapsed >= profile.duration_s and not stays:
            return None
        return [period for period in profile.periods if period.start_s <= elapsed][-1]

    def _start(self, profile: Profile, session: Session | None, now: datetime) -> datetime | None:
        if profile.kind is Kind.RELATIVE:
            return session.began if session else now
        if profile.start is not None:
            return profile.start
        return profile.valid_from or (session.began if session else now)

    def _amps(self, profile: Profile, period: Period) -> float:
        if profile.unit == "A":
            amps = period.limit
        else:
            # What a one-phase car takes, it may take all on one leg.
            amps = (
                period.limit
                / VOLTS
                / max(self.legs if period.phases is None else min(period.phases, self.legs), 1)
            )
        return float(int(amps)) if Fault.WHOLE_AMPS in self.faults else amps

    def schedule(
        self,
        profiles: Sequence[Profile],
        connector: int,
        session: Session | None,
        now: datetime,
        lasts_s: int,
    ) -> list[tuple[int, Allowed]]:
        """The composite schedule: from which second on what is allowed."""
        seconds = sorted({0, *(s for p in profiles for s in self._edges(p, session, now) if 0 < s < lasts_s)})
        steps: list[tuple[int, Allowed]] = []
        for second in seconds[:64]:
            there = self.allowed(profiles, connector, session, now + timedelta(seconds=second))
            if not steps or steps[-1][1].amps != there.amps:
                steps.append((second, there))
        return steps

    def _edges(self, profile: Profile, session: Session | None, now: datetime) -> list[int]:
        start = self._start(profile, session, now) or now
        times = [start + timedelta(seconds=period.start_s) for period in profile.periods]
        times += [t for t in (profile.valid_from, profile.valid_to) if t is not None]
        if profile.duration_s is not None:
            times.append(start + timedelta(seconds=profile.duration_s))
        # The next whole second, so that the edge has been passed there.
        return [int((t - now).total_seconds() + 0.999) for t in times]
