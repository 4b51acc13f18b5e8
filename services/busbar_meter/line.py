"""One connection and everything behind it: who is visited when, and what happens after a silence.

One task owns the wire, so one request is in flight and nothing needs a lock.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from msgspec import Struct

from busbar_meter.answers import DeviceRefused, DeviceSilent, LineLost, Wire
from busbar_meter.config import StationPlan
from busbar_meter.roles import AnyRole, Outcome
from busbar_shared.clock import Clock

log = logging.getLogger(__name__)

FIRST_BACKOFF_S, LAST_BACKOFF_S, BACKOFF_FACTOR = 1.0, 60.0, 1.6
# A device that is silent says so again this often, so that the reason and its age stay known.
REPEAT_SILENCE_S = 10.0
# The contract allows five readings a second, however many orders come.
LEAST_S = 0.2

Say = Callable[[AnyRole, Struct], Awaitable[None]]
Event = Callable[[str, str, str], Awaitable[None]]


class Station(Protocol):
    """One unit on the line."""

    @property
    def plan(self) -> StationPlan: ...
    @property
    def roles(self) -> tuple[AnyRole, ...]: ...

    async def visit(self, wire: Wire) -> list[tuple[AnyRole, Outcome]]:
        """Read it, carry out what it was ordered, and judge what it says."""
        ...

    async def leave(self, wire: Wire) -> None:
        """Leave it in its safe state: the service ends."""
        ...

    def doubt(self) -> None:
        """After a silence nothing remembered is believed before it was verified."""
        ...


class Visit(Struct):
    """When a station is next visited, and how long it has been silent."""

    station: Station
    due_s: float
    backoff_s: float = 0.0
    silent_since_s: float | None = None
    told_s: float = 0.0
    poked: bool = False
    visited_s: float = float("-inf")
    problems: dict[str, str] = {}


class Line:
    """The loop of one connection."""

    def __init__(
        self, name: str, wire: Wire, stations: Sequence[Station], clock: Clock, say: Say, event: Event
    ) -> None:
        self.name, self.wire, self._clock, self._say, self._event = name, wire, clock, say, event
        now = clock.monotonic()
        self._visits = [Visit(station, now) for station in stations]
        self._poked = asyncio.Event()

    @property
    def stations(self) -> list[Station]:
        """The stations behind this connection."""
        return [visit.station for visit in self._visits]

    @property
    def roles(self) -> list[AnyRole]:
        """The devices of the house behind this connection."""
        return [role for station in self.stations for role in station.roles]

    def poke(self, station: Station) -> None:
        """Visit a station as soon as the wire is free: there is an order for it."""
        for visit in self._visits:
            if visit.station is station and visit.silent_since_s is None:
                visit.poked = True
                visit.due_s = min(visit.due_s, self._soonest(visit))
        self._poked.set()

    def _soonest(self, visit: Visit) -> float:
        return max(self._clock.monotonic(), visit.visited_s + LEAST_S)

    async def run(self) -> None:
        """Visit the stations for ever, each in its own period."""
        while True:
            visit = min(self._visits, key=lambda each: each.due_s)
            if await self._waited_for(visit.due_s):
                await self.visit(visit)

    async def leave(self) -> None:
        """Leave every device in its safe state, as far as they answer, and hang up."""
        # There is no next visit: those that answer go first, and a lost answer is asked for once more.
        answering = sorted(self._visits, key=lambda each: each.silent_since_s is not None)
        missed = [each.station for each in answering if not await self._left(each.station)]
        for station in missed:
            await self._left(station)
        self.wire.close()

    async def _left(self, station: Station) -> bool:
        try:
            await station.leave(self.wire)
        except (DeviceSilent, DeviceRefused) as error:
            log.warning("%s could not be left in its safe state: %s", station, error)
            return False
        except Exception:
            # The other devices are still to be released.
            log.exception("%s could not be left in its safe state", station)
            return False
        return True

    async def visit(self, visit: Visit) -> None:
        """One visit, whatever comes of it."""
        due, visit.poked = visit.due_s, False
        try:
            outcomes = await visit.station.visit(self.wire)
        except (DeviceSilent, DeviceRefused) as error:
            await self._silent(visit, error)
            return
        except Exception as error:
            log.exception("%s: unexpected", visit.station)
            await self._silent(visit, error)
            return
        now = visit.visited_s = self._clock.monotonic()
        visit.due_s = max(due + visit.station.plan.every_s, now)
        if visit.poked:
            # An order that came meanwhile does not wait for the next reading.
            visit.due_s = min(visit.due_s, self._soonest(visit))
        await self._answered(visit)
        for role, outcome in outcomes:
            try:
                if outcome.message is not None:
                    await self._say(role, outcome.message)
                await self._tell(visit, role, outcome.problem)
            except Exception:
                # One reading nobody thought of must not silence the devices beside it.
                log.exception("%s: unexpected", role.plan.id)

    async def _waited_for(self, due_s: float) -> bool:
        """Wait for a moment or for a poke; False when the order of visits must be looked at again."""
        wait = due_s - self._clock.monotonic()
        if wait <= 0:
            return True
        self._poked.clear()
        sleep = asyncio.ensure_future(self._clock.sleep(wait))
        poke = asyncio.ensure_future(self._poked.wait())
        try:
            await asyncio.wait((sleep, poke), return_when=asyncio.FIRST_COMPLETED)
            return not poke.done()
        finally:
            sleep.cancel()
            poke.cancel()

    async def _silent(self, visit: Visit, error: Exception) -> None:
        now = self._clock.monotonic()
        # A lost connection silences every unit behind it, and is tried once for all of them.
        affected = self._visits if isinstance(error, LineLost) else [visit]
        for each in affected:
            each.station.doubt()
            each.backoff_s = min(max(each.backoff_s * BACKOFF_FACTOR, FIRST_BACKOFF_S), LAST_BACKOFF_S)
            each.due_s = now + max(each.backoff_s, each.station.plan.every_s)
            await self._tell_silence(each, error, now)

    async def _tell_silence(self, visit: Visit, error: Exception, now: float) -> None:
        first = visit.silent_since_s is None
        if visit.silent_since_s is None:
            visit.silent_since_s = now
        if first or now - visit.told_s >= REPEAT_SILENCE_S:
            visit.told_s = now
            why = f"no answer for {now - visit.silent_since_s:.0f} s: {error}"
            for role in visit.station.roles:
                message = role.silent(self._clock.now(), why)
                if message is not None:
                    await self._say(role, message)
                if first:
                    await self._event("device_silent", f"{role.plan.kind} {role.plan.id}: {error}", "warning")

    async def _answered(self, visit: Visit) -> None:
        if visit.silent_since_s is not None:
            lasted = self._clock.monotonic() - visit.silent_since_s
            for role in visit.station.roles:
                text = f"{role.plan.kind} {role.plan.id} answers again after {lasted:.0f} s"
                await self._event("device_back", text, "info")
        visit.silent_since_s = None
        visit.backoff_s = 0.0

    async def _tell(self, visit: Visit, role: AnyRole, problem: str) -> None:
        """Report a problem once when it begins, not with every sample."""
        key = f"{role.plan.kind} {role.plan.id}"
        if bool(problem) != bool(visit.problems.get(key)):
            visit.problems[key] = problem
            if problem:
                await self._event("reading_doubtful", f"{key}: {problem}", "warning")
