"""The WebSocket a charge point comes in by. The only file that imports `websockets`.

Admission is decided during the handshake (path, password, certificate), the version by the subprotocol.
"""

import asyncio
import base64
import binascii
import http
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from urllib.parse import unquote, urlsplit

from msgspec import Struct
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from busbar_shared.clock import Clock

log = logging.getLogger(__name__)

# The newest first: the best common one is chosen.
VERSIONS = {"ocpp2.1": "2.1", "ocpp2.0.1": "2.0.1", "ocpp1.6": "1.6"}

LARGEST_FRAME = 256 * 1024
LONGEST_ID = 48
# A charger that floods is read more slowly, which its own TCP window then feels; nothing is dropped.
# A fleet that comes back at once is let in at this pace, so that those inside are answered meanwhile.
ADMISSIONS_PER_S = 150.0
ADMISSIONS_AT_ONCE = 20.0
MESSAGES_PER_S = 1000.0
MESSAGES_AT_ONCE = 2000.0


class Lost(Exception):
    """The connection is gone. What was not answered may or may not be in force."""


class Credentials(Struct, frozen=True, kw_only=True):
    """What a charge point showed when it knocked."""

    id: str
    user: str | None = None
    password: str | None = None
    remote: str = ""
    encrypted: bool = False
    certificate_names: tuple[str, ...] = ()


class Admission(Struct, frozen=True):
    """Whether it may come in: status 101, or the HTTP status and the sentence it gets instead."""

    status: int = 101
    text: str = ""


class Pace:
    """Lets so many pass a second, and a few at once."""

    def __init__(self, per_s: float, at_once: float, clock: Clock) -> None:
        self._per_s, self._at_once, self._clock = per_s, at_once, clock
        self._budget, self._at_s = at_once, clock.monotonic()

    async def turn(self) -> None:
        """Wait for the next turn."""
        now_s = self._clock.monotonic()
        self._budget = min(self._at_once, self._budget + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        self._budget -= 1
        if self._budget < 0:
            await self._clock.sleep(-self._budget / self._per_s)


class Link:
    """An open connection to one charge point."""

    def __init__(
        self, connection: ServerConnection, version: str, credentials: Credentials, clock: Clock
    ) -> None:
        self._connection, self.version, self.credentials = connection, version, credentials
        self._pace = Pace(MESSAGES_PER_S, MESSAGES_AT_ONCE, clock)

    async def send(self, text: str) -> None:
        """Put a frame on the wire, or `Lost`."""
        try:
            await self._connection.send(text)
        except ConnectionClosed as error:
            raise Lost(str(error)) from error

    async def messages(self) -> AsyncIterator[str | bytes]:
        """Frames as they come, until the connection ends."""
        with suppress(ConnectionClosed):
            async for message in self._connection:
                await self._pace.turn()
                yield message

    async def answers_ping(self, patience_s: float) -> bool:
        """Whether the other end still lives."""
        try:
            pong = await self._connection.ping()
            # Not wait_for: in Python 3.11 it swallows a cancellation that meets the pong, and a stop would hang.
            async with asyncio.timeout(patience_s):
                await pong
        except (TimeoutError, ConnectionClosed):
            return False
        return True

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """End the connection with a sentence of at most 120 bytes."""
        await self._connection.close(code, reason[:120])


class Door(Struct, frozen=True, kw_only=True):
    """Where charge points knock, and how long a silent one is waited for."""

    host: str | None = None
    port: int = 9000
    prefix: str = "/"
    ping_every_s: float = 10.0
    ping_patience_s: float = 5.0
    tls: ssl.SSLContext | None = None
    versions: Sequence[str] = ("2.1", "2.0.1", "1.6")


@asynccontextmanager
async def opened(
    door: Door,
    admit: Callable[[Credentials], Awaitable[Admission]],
    serve_link: Callable[[Link], Awaitable[None]],
    clock: Clock,
) -> AsyncIterator[int]:
    """Let charge points in while the context lasts; gives the port it listens on."""
    door_pace = Pace(ADMISSIONS_PER_S, ADMISSIONS_AT_ONCE, clock)
    spoken = [name for name, version in VERSIONS.items() if version in door.versions]

    def choose(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        return next((Subprotocol(name) for name in spoken if name in offered), None)

    async def knock(connection: ServerConnection, request: Request) -> Response | None:
        shown = _credentials(connection, request, door.prefix)
        if shown is None:
            return _response(connection, 404, f"charge points connect to {door.prefix}their-id")
        admission = await admit(shown)
        if admission.status == 101:
            # Only those who may come in wait for a turn: nobody else can take it from them.
            await door_pace.turn()
            return None
        log.warning("charge point %r from %s is not let in: %s", shown.id, shown.remote, admission.text)
        return _response(connection, admission.status, admission.text)

    async def handle(connection: ServerConnection) -> None:
        _no_delay(connection)
        if connection.subprotocol is None:
            await connection.close(1002, f"no common subprotocol: {', '.join(spoken)} are spoken here")
            return
        assert connection.request is not None
        shown = _credentials(connection, connection.request, door.prefix)
        assert shown is not None
        await serve_link(Link(connection, VERSIONS[connection.subprotocol], shown, clock))

    server: Server = await serve(
        handle,
        door.host,
        door.port,
        subprotocols=[Subprotocol(name) for name in spoken],
        select_subprotocol=choose,
        process_request=knock,
        compression=None,  # a window of 64 KiB for each charger would buy nothing
        ping_interval=door.ping_every_s,
        ping_timeout=door.ping_patience_s,
        close_timeout=1,
        max_size=LARGEST_FRAME,
        max_queue=16,
        server_header=None,
        ssl=door.tls,
    )
    try:
        yield server.sockets[0].getsockname()[1] if server.sockets else door.port
    finally:
        server.close()
        await server.wait_closed()


def _credentials(connection: ServerConnection, request: Request, prefix: str) -> Credentials | None:
    path = urlsplit(request.path).path
    if not path.startswith(prefix):
        return None
    # Some charge points put a path of their own before the id, or a slash behind it.
    id = unquote(path[len(prefix) :].rstrip("/").rpartition("/")[2])
    if not 0 < len(id) <= LONGEST_ID or not id.isprintable():
        return None
    user, password = _basic(request.headers)
    address = connection.remote_address
    transport = connection.transport.get_extra_info("ssl_object")
    return Credentials(
        id=id,
        user=user,
        password=password,
        remote=str(address[0]) if address else "",
        encrypted=transport is not None,
        certificate_names=_names(transport.getpeercert()) if transport is not None else (),
    )


def _basic(headers: Headers) -> tuple[str | None, str | None]:
    """User and password of HTTP Basic; the password may be any bytes (OCPP security whitepaper, A00.FR.205)."""
    written = headers.get_all("Authorization")
    kind, _, encoded = (written[0] if len(written) == 1 else "").partition(" ")
    if kind.lower() != "basic":
        return None, None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None, None
    if not colon:
        return None, None
    return user.decode("utf-8", "replace"), password.decode("utf-8", "surrogateescape")


def _names(certificate: object) -> tuple[str, ...]:
    """The common names of a client certificate."""
    if not isinstance(certificate, dict):
        return ()
    pairs = [pair for rdn in certificate.get("subject", ()) for pair in rdn]
    return tuple(value for key, value in pairs if key == "commonName")


def _response(connection: ServerConnection, status: int, text: str) -> Response:
    response = connection.respond(http.HTTPStatus(status), text + "\n")
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="busbar"'
    return response


def _no_delay(connection: ServerConnection) -> None:
    """A cut must not wait for Nagle's algorithm."""
    wire = connection.transport.get_extra_info("socket")
    if wire is not None:
        with suppress(OSError):
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
