"""The price sources over a real socket: good, not yet, no, cut off, and never ending."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from busbar_prices.http import Http, SourceSilent
from busbar_prices.sources.asking import Ask

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]"


@asynccontextmanager
async def saying(reply: bytes, *, hang: bool = False) -> AsyncIterator[str]:
    """A server that says one thing, whatever it is asked."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(reply)
        await writer.drain()
        if not hang:
            writer.close()
        else:
            await reader.read()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/?securityToken=top-secret"


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        pytest.param(OK, b"[]", id="an answer"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", None, id="not published yet"),
    ],
)
async def test_an_answer_is_its_body(reply: bytes, found: bytes | None) -> None:
    http = Http()
    async with saying(reply) as url:
        assert await http(Ask(url)) == found
    await http.aclose()


@pytest.mark.parametrize(
    ("reply", "hang"),
    [
        pytest.param(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n", False, id="busy"),
        pytest.param(b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n", False, id="a bad token"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n[", False, id="half an answer"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n[", True, id="an answer that stops"),
        pytest.param(b"nonsense\r\n\r\n", False, id="no HTTP"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n" + b"x" * 9_000_000, False, id="too much"
        ),
    ],
)
async def test_anything_else_is_silence_and_names_no_token(reply: bytes, hang: bool) -> None:
    http = Http(timeout_s=0.5)
    async with saying(reply, hang=hang) as url:
        with pytest.raises(SourceSilent) as found:
            await http(Ask(url))
    assert "top-secret" not in str(found.value)
    await http.aclose()
