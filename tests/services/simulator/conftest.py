"""A small house, and a central system that fits on a page."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import websockets
from ocpp.messages import get_validator
from websockets.asyncio.server import Server, ServerConnection, serve

Json = dict[str, Any]


class CentralSystem:
    """Accepts everything, remembers everything, checks every frame against the official schemas."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.heard: list[tuple[str, Json]] = []
        self.wrong: list[str] = []
        self.answers: dict[str, Callable[[Json], Json]] = {}
        self.port = 0
        self.headers: list[Any] = []
        self._server: Server | None = None
        self._socket: ServerConnection | None = None
        self._pending: dict[str, tuple[str, asyncio.Future[Any]]] = {}
        self._numbers = 100
        self._changed = asyncio.Event()

    async def start(self, port: int = 0) -> None:
        """Listen."""
        self._server = await serve(
            self._serve, "127.0.0.1", port, subprotocols=[websockets.Subprotocol(f"ocpp{self.version}")]
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Die without a word."""
        if self._socket is not None:
            self._socket.transport.abort()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    @property
    def url(self) -> str:
        """Where charge points connect."""
        return f"ws://127.0.0.1:{self.port}/"

    async def call(self, action: str, payload: Json) -> Any:
        """Call the charge point; its answer, or the code of its error."""
        assert self._socket is not None
        key = f"c{len(self._pending)}"
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending[key] = (action, answered)
        self._check(2, action, payload)
        await self._socket.send(json.dumps([2, key, action, payload]))
        return await asyncio.wait_for(answered, 30)

    async def until(
        self, action: str, match: Callable[[Json], bool] = lambda payload: True, since: int = 0
    ) -> Json:
        """The first such call heard."""
        async with asyncio.timeout(30):
            while True:
                for name, payload in self.heard[since:]:
                    if name == action and match(payload):
                        return payload
                self._changed.clear()
                await self._changed.wait()

    async def _serve(self, socket: ServerConnection) -> None:
        self._socket = socket
        assert socket.request is not None
        self.headers.append(socket.request.headers)
        with contextlib.suppress(websockets.ConnectionClosed):
            async for frame in socket:
                await self._take(socket, json.loads(frame))

    async def _take(self, socket: ServerConnection, message: list[Any]) -> None:
        if message[0] == 2:
            _, key, action, payload = message
            self._check(2, action, payload)
            self.heard.append((action, payload))
            answer = self.answers.get(action, self._usual(action))(payload)
            await socket.send(json.dumps([3, key, answer]))
            self._changed.set()
            return
        action, answered = self._pending[message[1]]
        if message[0] == 3:
            self._check(3, action, message[2])
        answered.set_result(message[2])

    def _usual(self, action: str) -> Callable[[Json], Json]:
        accepted = {"status": "Accepted"}
        now = datetime.now(UTC).isoformat()
        self._numbers += action == "StartTransaction"
        usual: dict[str, Json] = {
            "BootNotification": {"currentTime": now, "interval": 300, "status": "Accepted"},
            "Heartbeat": {"currentTime": now},
            "Authorize": {"idTagInfo": accepted, "idTokenInfo": accepted},
            "StartTransaction": {"idTagInfo": accepted, "transactionId": self._numbers},
        }
        return lambda payload: usual.get(action, {})

    def _check(self, kind: int, action: str, payload: Json) -> None:
        validator = get_validator(kind, action, self.version, parse_float=Decimal)
        exact = json.loads(json.dumps(payload), parse_float=Decimal)
        self.wrong += [f"{action}: {error.message}" for error in validator.iter_errors(exact)]


@pytest.fixture
async def central_16() -> AsyncIterator[CentralSystem]:
    """A 1.6 central system on a free port."""
    central = CentralSystem("1.6")
    await central.start()
    yield central
    await central.stop()


@pytest.fixture
async def central_201() -> AsyncIterator[CentralSystem]:
    """A 2.0.1 central system on a free port."""
    central = CentralSystem("2.0.1")
    await central.start()
    yield central
    await central.stop()
