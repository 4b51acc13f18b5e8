"""The wire of a simulated charge point: one WebSocket to the central system, back for ever.

The only file here that imports websockets. Frames are written and read here and in `calls.py`, not by the `ocpp`
package: the central system uses it, and a peer should not.
"""

import asyncio
import base64
import contextlib
import json
import logging
import random
from collections import deque
from datetime import datetime
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection, connect

from .calls import CALL, ERROR, RESULT, Calls
from .dialect.words import Call, Dialect, Json, NotAnswered
from .schemas import violation
from .station.faults import Fault
from .station.notices import Booted, Notice
from .station.station import Station

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 30.0
FIRST_RETRY_S, LAST_RETRY_S = 0.5, 10.0
KEPT = 5000
# 1.6 key TransactionMessageAttempts; 2.0.1 OCPPCommCtrlr.MessageAttempts.
TRIES = 3


class Link:
    """Carries one station's calls out and the central system's calls in."""

    def __init__(
        self, station: Station, dialect: Dialect, url: str, *, password: str | None = None, seed: int = 1,
        answer_within_s: float = ANSWER_WITHIN_S,
    ) -> None:  # fmt: skip
        self.station, self.dialect, self.password = station, dialect, password
        self.url = f"{url.rstrip('/')}/{station.spec.id}"
        self.queue: deque[Call] = deque()
        self.booted = False
        self._to_send = asyncio.Event()
        self._dice = random.Random(f"{seed}/{station.spec.id}/link")
        self._calls = Calls(station, self._dice, answer_within_s)
        self._socket: ClientConnection | None = None
        self._boot_reason = "PowerUp"
        # Until then the network is gone.
        self.away_until_s = 0.0

    @property
    def faults(self) -> frozenset[Fault]:
        """The misbehaviour of this charge point."""
        return self.station.spec.faults

    def tell(self, notices: list[Notice]) -> None:
        """Queue what the firmware says; without a link only what must not be lost."""
        for notice in notices:
            for call in self.dialect.calls(notice):
                if isinstance(notice, Booted) and notice.reason != "Triggered":
                    # After a reboot nothing else is said before it is accepted again.
                    self.booted, self._boot_reason = False, notice.reason
                    continue
                if self.station.online or call.keep:
                    self.queue.append(call)
        while len(self.queue) > KEPT:
            self.queue.popleft()
        self._to_send.set()

    async def run(self) -> None:
        """Connect, serve, and connect again, until cancelled."""
        wait_s = FIRST_RETRY_S
        while True:
            if self.station.off or self.station.now_s < self.away_until_s:
                await asyncio.sleep(0.2)
                continue
            try:
                async with await self._connect() as socket:
                    wait_s = FIRST_RETRY_S
                    await self._serve(socket)
            except (OSError, TimeoutError, websockets.WebSocketException) as lost:
                log.info("charge point %s has no link: %s", self.station.spec.id, lost)
            finally:
                self._lost()
            await asyncio.sleep(wait_s * self._dice.uniform(0.8, 1.2))
            wait_s = min(wait_s * 2, LAST_RETRY_S)

    def drop(self, for_s: float = 0.0) -> None:
        """Cut the link, as a lost mobile network does, and keep it cut for so long."""
        self.away_until_s = self.station.now_s + for_s
        if self._socket is not None:
            self._socket.transport.abort()

    def _connect(self) -> connect:
        headers = {}
        if self.password is not None:
            secret = base64.b64encode(f"{self.station.spec.id}:{self.password}".encode()).decode()
            headers["Authorization"] = f"Basic {secret}"
        # A system proxy is nothing for a charge point in the same house.
        return connect(
            self.url, subprotocols=[websockets.Subprotocol(self.dialect.subprotocol)], additional_headers=headers,
            proxy=None, compression=None, open_timeout=10, ping_interval=20, ping_timeout=20, max_size=2**20,
        )  # fmt: skip

    async def _serve(self, socket: ClientConnection) -> None:
        self._socket = socket
        hear = asyncio.create_task(self._hear(socket))
        talk = asyncio.create_task(self._talk(socket))
        watch = asyncio.create_task(self._watch())
        tasks = (hear, talk, watch)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _lost(self) -> None:
        self.station.online, self._socket = False, None
        if Fault.SILENT_RECONNECT not in self.faults:
            self.booted = False
        self._calls.lost()
        self.queue = deque(call for call in self.queue if call.keep)

    async def _watch(self) -> None:
        """A charge point that reboots drops its link."""
        while not self.station.off:  # noqa: ASYNC110 -- the firmware is pure and knows no events
            await asyncio.sleep(0.1)

    # Out.

    async def _talk(self, socket: ClientConnection) -> None:
        if not self.booted:
            await self._boot(socket)
            for notice in self.dialect.greet():
                self.queue.extend(self.dialect.calls(notice))
        self.station.online = self.booted = True
        while True:
            while not self.queue:
                self._to_send.clear()
                if not self.booted:
                    await self._boot(socket)
                await self._to_send.wait()
            if Fault.FLOODS in self.faults:
                await self._calls.flood(socket)
            # It stays in the queue until it was answered, so that a lost link loses nothing.
            call = self.queue[0]
            for _ in range(TRIES if call.keep else 1):
                answer = await self._calls.ask(socket, call)
                if answer is not None:
                    if call.action == "Heartbeat":
                        self._take_time(answer)
                    break
            if self.queue and self.queue[0] is call:
                self.queue.popleft()

    async def _boot(self, socket: ClientConnection) -> None:
        """Boot until accepted, as often as we are told to."""
        while True:
            [call] = self.dialect.calls(Booted(reason=self._boot_reason, at=self.station.time()))
            if Fault.BACK_TO_BACK in self.faults:
                # Some do not wait for the answer before they go on.
                for notice in self.dialect.greet():
                    await self._calls.send(socket, self.dialect.calls(notice)[0])
            answer = await self._calls.ask(socket, call)
            if answer and answer.get("status") == "Accepted":
                self._take_time(answer)
                if answer.get("interval"):
                    self.station.beat_s = float(answer["interval"])
                self.booted = True
                return
            await asyncio.sleep(min(float((answer or {}).get("interval") or 10), 60.0))

    def _take_time(self, answer: Json) -> None:
        with contextlib.suppress(KeyError, ValueError, TypeError):
            assert self.station.utc is not None
            self.station.clock.set(datetime.fromisoformat(answer["currentTime"]), self.station.utc)

    # In.

    async def _hear(self, socket: ClientConnection) -> None:
        async for frame in socket:
            if Fault.GARBAGE in self.faults and self._dice.random() < 0.2:
                await socket.send(
                    self._dice.choice(["{", "[2]", "[9,1]", '[3,"nobody",{}]', "null", "[2,1,2,3]"])
                )
            try:
                message = json.loads(frame)
            except ValueError:
                continue
            if isinstance(message, list) and len(message) >= 3:
                await self._heard(socket, message)

    async def _heard(self, socket: ClientConnection, message: list[Any]) -> None:
        kind, key = message[0], str(message[1])
        if kind == CALL and len(message) >= 4:
            await self._answer(socket, key, str(message[2]), message[3])
        else:
            self._calls.heard(kind, key, message[2])

    async def _answer(self, socket: ClientConnection, key: str, action: str, payload: Any) -> None:
        if Fault.ANSWERS_NOTHING in self.faults and self._dice.random() < 0.3:
            return
        if Fault.DROPS_BEFORE_ANSWER in self.faults and self._dice.random() < 0.2:
            self.drop()
            return
        if Fault.ANSWERS_LATE in self.faults and self._dice.random() < 0.3:
            await asyncio.sleep(self._dice.uniform(4.0, 12.0))
        try:
            reason = violation(self.dialect.version, action, payload)
            if reason is not None:
                raise NotAnswered("FormationViolation", reason)
            answer: list[Any] = [RESULT, key, self.dialect.answer(action, payload)]
        except (KeyError, ValueError, TypeError, OverflowError) as error:
            answer = [ERROR, key, "InternalError", f"{action}: {error!r}"[:255], {}]
        except NotAnswered as refused:
            answer = [ERROR, key, refused.code, str(refused)[:255], {}]
        await socket.send(json.dumps(answer))
