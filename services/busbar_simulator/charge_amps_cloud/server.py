"""The cloud on a real socket: HTTP/1.1 by hand over asyncio, loopback only, as much as a client needs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlsplit

from busbar_simulator.charge_amps_cloud.cloud import Cloud, Reply, Request
from busbar_simulator.charge_amps_cloud.gate import answer

MOST_BYTES = 1024 * 1024
LOST_S = 60.0


@contextlib.asynccontextmanager
async def serving(cloud: Cloud, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """Serve the cloud; gives the port. The web interface is under /api, the other under /api/v5."""

    open_now: set[asyncio.StreamWriter] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        try:
            while await _one(cloud, reader, writer):
                pass
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        except asyncio.CancelledError:
            # The cloud goes down; asyncio would report each open connection as an error.
            pass
        finally:
            open_now.discard(writer)
            writer.close()

    server = await asyncio.start_server(connected, host, port)
    async with server:
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            for writer in open_now:
                writer.transport.abort()


async def _one(cloud: Cloud, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answer one request; False when the connection is over."""
    request = await _request(reader)
    if request is None:
        return False
    reply = answer(cloud, request)
    if reply.lost:
        await asyncio.sleep(LOST_S)
        return False
    writer.write(_written(reply))
    await writer.drain()
    return True


async def _request(reader: asyncio.StreamReader) -> Request | None:
    line = await reader.readline()
    if not line.strip():
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (raw := await reader.readline()).strip():
        name, _, value = raw.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= MOST_BYTES:
        return None
    return made(method, target, headers, await reader.readexactly(length))


def made(method: str, target: str, headers: dict[str, str], body: bytes) -> Request:
    """A request from its first line; the target may carry a query."""
    parts = urlsplit(target)
    return Request(method, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers, body)


def _written(reply: Reply) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} Said"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    lines += [f"content-length: {len(reply.body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + reply.body
