"""Keeps the cloud at what is wanted: look, take at most one step per connector, look again.

One account is asked by one task, so nobody waits on a lock and the cloud sees one polite client.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Sequence

from busbar_chargeamps.cloud import Cloud, CloudDenied, CloudRefused, CloudSilent
from busbar_chargeamps.ladder import Sight
from busbar_chargeamps.memory import Problem
from busbar_chargeamps.outlet import EDGE_LOOK_S, Outlet
from busbar_shared.clock import Clock

log = logging.getLogger(__name__)

FIRST_BACKOFF_S = 5.0
LONGEST_BACKOFF_S = 900.0
LEAST_PAUSE_S = 0.2
LEAST_GAP_S = 1.0
LEAVE_S = 6.0
READ_AGAIN = 2

Tell = Callable[[Outlet], Awaitable[None]]
Report = Callable[[str, str], Awaitable[None]]


class Keeper:
    """The one task that talks to the cloud."""

    def __init__(
        self,
        cloud: Cloud,
        outlets: Sequence[Outlet],
        clock: Clock,
        *,
        poll_idle_s: float,
        poll_charging_s: float,
        tell: Tell,
        report: Report,
        passive: Callable[[], bool] = lambda: False,
    ) -> None:
        self._cloud, self._outlets, self._clock = cloud, outlets, clock
        self._poll_idle_s, self._poll_charging_s = poll_idle_s, poll_charging_s
        self._tell, self._report, self._passive = tell, report, passive
        self._wake = asyncio.Event()
        self._failures = 0
        self._not_before_s = 0.0
        self._looked_at_s = -LEAST_GAP_S
        self._told: set[str] = set()

    def wake(self) -> None:
        """Something is wanted that was not before: do not wait for the next poll."""
        self._wake.set()

    async def run(self) -> None:
        """Keep at it until cancelled."""
        while True:
            self._wake.clear()
            pause_s = await self.round()
            for outlet in self._outlets:
                await self._tell(outlet)
            await self._pause(pause_s)

    async def round(self) -> float:
        """One look and at most one step per connector; the seconds until the next look is due."""
        self._looked_at_s = self._clock.monotonic()
        try:
            seen = await self._look()
        except CloudSilent as error:
            for outlet in self._outlets:
                outlet.missed()
            return await self._silent(error)
        except CloudRefused as error:
            for outlet in self._outlets:
                outlet.missed()
            return await self._silent(CloudSilent(str(error)))
        self._failures = 0
        self._told.discard("cloud_silent")
        for outlet in self._outlets:
            outlet.saw(seen.get((outlet.place.charge_point, outlet.place.connector)), self._clock.monotonic())
        for outlet in self._outlets:
            try:
                await self._step(outlet)
            except CloudSilent as error:
                # The next look tells whether the whole cloud is away.  Until then a write that fails for one
                # connector is tried again later and later, and keeps no other from its own.
                if error.retry_after_s is not None:
                    return await self._silent(error)
        return min((self._next_look(outlet) for outlet in self._outlets), default=self._poll_idle_s)

    async def _look(self) -> dict[tuple[str, int], Sight]:
        """Read, and read again twice where that can help; a write is never repeated like this."""
        for _ in range(READ_AGAIN):
            try:
                return await self._cloud.look(self._wanted())
            except CloudDenied:
                raise
            except CloudSilent as error:
                if error.retry_after_s is not None:
                    raise
            await self._clock.sleep(random.uniform(1.0, 3.0))
        return await self._cloud.look(self._wanted())

    async def leave(self) -> None:
        """Where nothing in the charger ends a window, end it now: nobody would when we are gone."""
        if self._cloud.weekly or self._passive():
            return
        with contextlib.suppress(CloudSilent, CloudRefused, TimeoutError):
            async with asyncio.timeout(LEAVE_S):
                for outlet in self._outlets:
                    step = outlet.last_step()
                    if step is not None:
                        outlet.doing(step, self._clock.monotonic())
                        await self._cloud.do(outlet.place.charge_point, outlet.place.connector, step)

    async def _step(self, outlet: Outlet) -> None:
        now, now_s = self._clock.now(), self._clock.monotonic()
        step = outlet.next_step(now, now_s)
        await self._report_once(f"{outlet.place.label} drift", "drift", outlet.drift, outlet)
        stuck = outlet.note if outlet.stuck else None
        await self._report_once(f"{outlet.place.label} stuck", "charger_does_not_stop", stuck, outlet)
        if step is None or self._passive():
            return
        outlet.doing(step, now_s)
        place = outlet.place
        log.info("connector %s: %s (%s)", place.label, step.kind, outlet.note)
        try:
            await self._cloud.do(place.charge_point, place.connector, step)
        except CloudSilent as error:
            outlet.unanswered(step, self._clock.monotonic())
            await self._report_once(f"{place.label} write", "cloud_silent", f"{step.kind}: {error}", outlet)
            raise
        except CloudRefused as error:
            outlet.refused(step, Problem(error.code, None, error.message), self._clock.now())
            await self._report("provider_rejected", f"connector {place.label}: {step.kind}: {error}")
            return
        outlet.done(step)
        self._told.discard(f"{place.label} write")
        if step.week is not None and step.week.not_expressible:
            lost = ", ".join(one.start.isoformat() for one in step.week.not_expressible)
            await self._report(
                "window_not_expressible", f"connector {place.label}: no hour 169 in a week: {lost}"
            )

    async def _report_once(self, name: str, code: str, text: str | None, outlet: Outlet) -> None:
        """Say a problem when it begins, and again only after it has been over."""
        if text is None:
            self._told.discard(name)
        elif name not in self._told:
            self._told.add(name)
            await self._report(code, f"connector {outlet.place.label}: {text}")

    async def _silent(self, error: CloudSilent) -> float:
        self._failures += 1
        if "cloud_silent" not in self._told:
            self._told.add("cloud_silent")
            await self._report("cloud_silent", str(error))
        backoff_s = min(FIRST_BACKOFF_S * 2.0 ** min(self._failures - 1, 10), LONGEST_BACKOFF_S)
        # At the edge of a window it is worth asking again: nobody else may switch the connector there.
        pause_s = min(backoff_s * random.uniform(0.8, 1.2), max(self._next_edge(), FIRST_BACKOFF_S))
        if error.retry_after_s is not None:
            # The cloud, or our own caution about the login, says when; nothing wakes us before.
            pause_s = max(pause_s, error.retry_after_s)
            self._not_before_s = self._clock.monotonic() + error.retry_after_s
        return min(pause_s, max(LONGEST_BACKOFF_S, error.retry_after_s or 0.0))

    def _wanted(self) -> dict[str, list[int]]:
        wanted: dict[str, list[int]] = {}
        for outlet in self._outlets:
            wanted.setdefault(outlet.place.charge_point, []).append(outlet.place.connector)
        return wanted

    def _next_look(self, outlet: Outlet) -> float:
        soon_s = outlet.look_again_in(self._clock.monotonic())
        charging = outlet.sight is not None and outlet.sight.is_charging
        poll_s = self._poll_charging_s if charging else self._poll_idle_s
        now = self._clock.now()
        if outlet.edge_near(now):
            poll_s = min(poll_s, EDGE_LOOK_S)
        return min(poll_s, self._next_edge(), poll_s if soon_s is None else soon_s)

    def _next_edge(self) -> float:
        """Seconds until just after the clock changes what some connector should be doing."""
        now = self._clock.now()
        edges = ((outlet.next_edge(now) - now).total_seconds() for outlet in self._outlets)
        return min(edges, default=LONGEST_BACKOFF_S) + LEAST_PAUSE_S

    async def _pause(self, pause_s: float) -> None:
        sleeping = asyncio.ensure_future(self._clock.sleep(max(pause_s, LEAST_PAUSE_S)))
        waking = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait({sleeping, waking}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sleeping, waking):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        # A burst of commands is one look, and where the cloud named a time it is kept to.
        quiet_s = max(self._not_before_s, self._looked_at_s + LEAST_GAP_S) - self._clock.monotonic()
        if quiet_s > 0:
            await self._clock.sleep(quiet_s)
