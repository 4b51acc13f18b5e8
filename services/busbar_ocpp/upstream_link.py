"""The WebSocket to a charger's own back office. Beside `link.py` the only file that imports `websockets`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI
from websockets.typing import Subprotocol

SUBPROTOCOLS = {"1.6": "ocpp1.6", "2.0.1": "ocpp2.0.1", "2.1": "ocpp2.1"}


class NoUpstream(Exception):
    """The back office cannot be reached. Nothing changes at home; try again later."""


class UpstreamLink:
    """An open connection to a back office."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, text: str) -> None:
        """Put a frame on the wire, or `NoUpstream`."""
        try:
            await self._connection.send(text)
        except ConnectionClosed as error:
            raise NoUpstream(str(error)) from error

    async def messages(self) -> AsyncIterator[str | bytes]:
        """Frames as they come, until the connection ends."""
        with suppress(ConnectionClosed):
            async for message in self._connection:
                yield message


@asynccontextmanager
async def upstream(url: str, identity: str, version: str) -> AsyncIterator[UpstreamLink]:
    """A connection as this charge point, or `NoUpstream`. The URL may carry user and password."""
    try:
        async with connect(
            f"{url.rstrip('/')}/{quote(identity, safe='')}",
            subprotocols=[Subprotocol(SUBPROTOCOLS[version])],
            compression=None,
            proxy=None,
            ping_interval=30,
            ping_timeout=15,
            open_timeout=10,
            max_size=256 * 1024,
        ) as connection:
            yield UpstreamLink(connection)
    except InvalidURI as error:
        # Its text quotes the address, and that may hold a password.
        raise NoUpstream("upstream_url is no ws:// or wss:// address") from error
    except (OSError, InvalidHandshake, ConnectionClosed, TimeoutError) as error:
        raise NoUpstream(f"{type(error).__name__}: {str(error)[:200]}") from error
