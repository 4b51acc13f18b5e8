"""What holds at every connector outlives a restart: written beside the loop, and put back with what is left of it."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

from busbar_ocpp.bearing import Past
from busbar_ocpp.connector import Connector
from busbar_ocpp.desk import Desk
from busbar_ocpp.memory import LastHeld

SAVE_EVERY_S = 5.0


class Remembering:
    """Keeps the memory of the connectors in step with what holds at them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._saved_at_s = 0.0
        self._saving: asyncio.Task[None] | None = None
        self._save_again = False

    def note(self, connector: Connector) -> None:
        """Note what holds at a connector, for the next time it is written."""
        clock = self._desk.clock
        now, now_s = clock.now(), clock.monotonic()
        past = connector.past
        self._desk.memory.held[connector.wiring.load] = LastHeld(
            orders=[(one.order, _calendar(now, one.until_s - now_s)) for one in connector.book.held(now_s)],
            limit_a=past.limit_a if past else None,
            issuer=past.issuer if past else "",
            until=_calendar(now, past.until_s - now_s) if past else None,
            visit=connector.visit,
            status=connector.status,
        )

    def write_soon(self, connector: Connector) -> None:
        """Note what holds and write it now, beside the loop: a restart must not raise what was cut."""
        self.note(connector)
        self._save_soon()

    def tick(self, connectors: Iterable[Connector]) -> None:
        """Once a second; every few of them all connectors are noted and written."""
        if self._desk.clock.monotonic() - self._saved_at_s > SAVE_EVERY_S:
            self._saved_at_s = self._desk.clock.monotonic()
            for connector in connectors:
                self.note(connector)
            self._save_soon()

    def restore(self, connectors: Iterable[Connector]) -> None:
        """Put back the leases with what is left of them, at most one lease."""
        clock, lease_s = self._desk.clock, self._desk.plan.lease_s
        now, now_s = clock.now(), clock.monotonic()
        for connector in connectors:
            last = self._desk.memory.held.get(connector.wiring.load)
            if last is not None:
                _put_back(connector, last, now, now_s, lease_s)

    def close(self) -> None:
        """Write once more what holds and what was learned."""
        self._write()

    def _save_soon(self) -> None:
        """Write what holds, beside the loop: a slow disk must not hold up a cut."""
        if self._saving is not None and not self._saving.done():
            self._save_again = True
            return
        self._saving = asyncio.create_task(self._save())

    async def _save(self) -> None:
        self._save_again = True
        while self._save_again:
            self._save_again = False
            await asyncio.to_thread(self._write)
            await self._desk.ledger.durable(notes=True)

    def _write(self) -> None:
        self._desk.memory.save_held()
        self._desk.memory.save_learned()


def _put_back(connector: Connector, last: LastHeld, now: datetime, now_s: float, lease_s: float) -> None:
    """What held at a connector when we last lived; a calendar that jumped can only shorten it."""
    # Chargers that only reconnect say neither their status nor that a car is there.
    connector.visit, connector.status = last.visit, last.status
    for order, until in last.orders:
        left_s = min((until - now).total_seconds(), order.lease_s, lease_s)
        if left_s > 0:
            connector.book.restore(order, now_s + left_s)
    if last.limit_a is not None:
        ended_s = (now - last.until).total_seconds() if last.until is not None else 0.0
        connector.past = Past(limit_a=last.limit_a, issuer=last.issuer, until_s=now_s - max(ended_s, 0.0))


def _calendar(now: datetime, in_s: float) -> datetime:
    return now + timedelta(seconds=max(in_s, -1e7))
