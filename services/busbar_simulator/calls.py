"""The calls of a simulated charge point: one at a time, each with an id of its own, each answered or given up."""

import asyncio
import json
import logging
import random
import uuid
from typing import Any, Protocol

from .dialect.words import Call, Json
from .station.faults import Fault
from .station.station import Station

log = logging.getLogger(__name__)

CALL, RESULT, ERROR = 2, 3, 4


class Wire(Protocol):
    """Something that carries frames to the central system."""

    async def send(self, frame: str, /) -> None:
        """Carry one out."""


class Calls:
    """What one station has asked and waits for."""

    def __init__(self, station: Station, dice: random.Random, answer_within_s: float) -> None:
        self._station, self._dice, self._answer_within_s = station, dice, answer_within_s
        self._waiting: tuple[str, asyncio.Future[Json]] | None = None

    async def ask(self, wire: Wire, call: Call) -> Json | None:
        """Call and wait for the answer; None when there was none, empty when it was an error."""
        answered: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        # Registered before it is sent: the answer may come before the sending returns.
        key = self._new_id()
        self._waiting = (key, answered)
        await self.send(wire, call, key)
        try:
            # Not wait_for: in Python 3.11 it swallows a cancellation that meets the answer, and the link would hang.
            async with asyncio.timeout(self._answer_within_s):
                answer = await answered
        except TimeoutError:
            log.warning("%s: %s was not answered", self._station.spec.id, call.action)
            return None
        except _Refused:
            answer = {}
        finally:
            self._waiting = None
        try:
            call.answered(answer)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            log.warning("%s: %s was answered with %r: %r", self._station.spec.id, call.action, answer, error)
        return answer

    async def send(self, wire: Wire, call: Call, key: str | None = None) -> None:
        """Send it without waiting for the answer, which nobody will miss."""
        await wire.send(json.dumps([CALL, key or self._new_id(), call.action, call.payload()]))

    def _new_id(self) -> str:
        if Fault.REPEATS_IDS in self._station.spec.faults:
            return "1"
        return str(uuid.UUID(int=self._dice.getrandbits(128), version=4))

    async def flood(self, wire: Wire) -> None:
        """Heartbeats, far more than anybody asked for."""
        for _ in range(50):
            await wire.send(json.dumps([CALL, self._new_id(), "Heartbeat", {}]))

    def heard(self, kind: int, key: str, content: Any) -> None:
        """An answer came; only the call that waits for it takes it."""
        if self._waiting is None or key != self._waiting[0] or self._waiting[1].done():
            return
        if kind == RESULT:
            self._waiting[1].set_result(content if isinstance(content, dict) else {})
        elif kind == ERROR:
            self._waiting[1].set_exception(_Refused(str(content)))

    def lost(self) -> None:
        """The link is gone: nobody will answer any more."""
        if self._waiting is not None:
            self._waiting[1].cancel()
            self._waiting = None


class _Refused(Exception):
    """The central system answered with CALLERROR. Go on with the next."""
