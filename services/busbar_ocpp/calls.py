"""Calls to one charge point, one at a time, the most urgent first.

OCPP allows one CALL in flight, so a cut may stand behind another call. The queue has four classes; a newer
value for the same connector and drawer takes the place of an older one that still waits.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from msgspec import Struct

from busbar_ocpp import frames
from busbar_ocpp.standing import Urgency
from busbar_shared.clock import Clock

log = logging.getLogger(__name__)

Payload = dict[str, Any]

PROFILE_TIMEOUT_S = 5.0
OTHER_TIMEOUT_S = 10.0
MOST_WAITING = 200


class Silent(Exception):
    """No answer, or no link. What was asked may or may not be in force; ask again later."""


class Refused(Exception):
    """An answer, and it is an error. Asking the same again will not help."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}" if text else code)
        self.code = code


class Superseded(Exception):
    """A newer value took this one's place before it was sent."""


class _Waiting(Struct):
    urgency: Urgency
    action: str
    payload: Payload
    key: object
    since_s: float
    answer: asyncio.Future[Payload]


class Calls:
    """The queue of one charge point; lives as long as its connection."""

    def __init__(self, send: Callable[[str], Awaitable[None]], version: str, clock: Clock) -> None:
        self._send, self._version, self._clock = send, version, clock
        self._waiting: list[_Waiting] = []
        self._filled = asyncio.Event()
        self._in_flight: tuple[str, asyncio.Future[frames.Result | frames.Error]] | None = None
        self._closed = False
        self.answer_s: float | None = None
        """How long the charger takes to answer, smoothed."""
        self.worst_wait_s = 0.0
        """The longest a call stood in the queue before it was sent."""

    async def ask(
        self, action: str, payload: Payload, urgency: Urgency = Urgency.OTHER, key: object = None
    ) -> Payload:
        """The answer to this call, or `Silent`, `Refused`, `Superseded`."""
        if self._closed:
            raise Silent("no link")
        if key is not None:
            self._drop(key)
        if len(self._waiting) >= MOST_WAITING:
            raise Silent("too many calls are waiting")
        answer: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(urgency, action, payload, key, self._clock.monotonic(), answer))
        self._filled.set()
        return await answer

    def hear(self, answer: frames.Result | frames.Error) -> bool:
        """Give an answer to the call it belongs to; False for one that nobody asked for (or asks for no more)."""
        if self._in_flight is None or self._in_flight[0] != answer.id or self._in_flight[1].done():
            return False
        self._in_flight[1].set_result(answer)
        return True

    def close(self) -> None:
        """The link is gone: whoever waits learns it now."""
        self._closed = True
        if self._in_flight is not None and not self._in_flight[1].done():
            self._in_flight[1].set_exception(Silent("the link was lost"))
        for waiting in self._waiting:
            if not waiting.answer.done():
                waiting.answer.set_exception(Silent("the link was lost"))
        self._waiting.clear()

    async def run(self) -> None:
        """Send what waits, one call after the other, until cancelled."""
        while True:
            while not self._waiting:
                self._filled.clear()
                await self._filled.wait()
            turn = min(self._waiting, key=lambda one: (one.urgency, one.since_s))
            self._waiting.remove(turn)
            if turn.answer.cancelled():
                continue
            self.worst_wait_s = max(self.worst_wait_s, self._clock.monotonic() - turn.since_s)
            try:
                payload = await self._exchange(turn)
            except (Silent, Refused) as error:
                if not turn.answer.done():
                    turn.answer.set_exception(error)
            else:
                if not turn.answer.done():
                    turn.answer.set_result(payload)

    def _drop(self, key: object) -> None:
        for waiting in [one for one in self._waiting if one.key == key]:
            self._waiting.remove(waiting)
            if not waiting.answer.done():
                waiting.answer.set_exception(Superseded())

    async def _exchange(self, turn: _Waiting) -> Payload:
        id = str(uuid4())
        try:
            text = await frames.call(id, turn.action, turn.payload, self._version)
        except frames.OffSchema as error:
            log.error("not sent, the schema forbids it: %s", error)
            raise Refused("OffSchema", str(error)[:200]) from error
        answer: asyncio.Future[frames.Result | frames.Error] = asyncio.get_running_loop().create_future()
        self._in_flight = id, answer
        sent_s = self._clock.monotonic()
        patience_s = PROFILE_TIMEOUT_S if turn.action == "SetChargingProfile" else OTHER_TIMEOUT_S
        try:
            async with asyncio.timeout(patience_s):
                await self._send(text)
                said = await answer
        except TimeoutError as error:
            raise Silent(f"no answer to {turn.action} within {patience_s:g} s") from error
        finally:
            self._in_flight = None
            with contextlib.suppress(asyncio.InvalidStateError):
                answer.cancel()
        took_s = self._clock.monotonic() - sent_s
        self.answer_s = took_s if self.answer_s is None else 0.7 * self.answer_s + 0.3 * took_s
        if isinstance(said, frames.Error):
            raise Refused(said.code, said.text)
        return said.payload
