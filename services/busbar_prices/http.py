"""HTTP for the price sources: the only file here that knows httpx."""

import asyncio
import logging

import httpx

from busbar_prices.sources.asking import Ask

# It writes every address at level info, and an address may carry a token.
logging.getLogger("httpx").setLevel(logging.WARNING)

TIMEOUT_S = 30.0
MOST_BYTES = 8 * 1024 * 1024


class SourceSilent(Exception):
    """No usable answer. Keep the prices known before and ask again later."""


class Http:
    """One pool of connections to all sources."""

    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        # A system proxy leads to the sources, but is nothing for a server on this machine.
        here = dict.fromkeys(("all://127.0.0.1", "all://localhost"))
        self._client = httpx.AsyncClient(timeout=timeout_s, follow_redirects=True, mounts=here)

    async def __call__(self, ask: Ask) -> bytes | None:
        """The body of a good answer, None for "not yet" (204); raises `SourceSilent`."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._answer(ask)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            # A ValueError is a token that no header can carry.
            raise SourceSilent(f"{ask!r}: {type(error).__name__}") from error

    async def _answer(self, ask: Ask) -> bytes | None:
        method = "GET" if ask.body is None else "POST"
        async with self._client.stream(method, ask.url, headers=ask.headers, content=ask.body) as response:
            if response.status_code == 204:
                return None
            if response.status_code != 200:
                raise SourceSilent(f"{ask!r} answers {response.status_code}")
            raw = bytearray()
            async for piece in response.aiter_bytes():
                raw += piece
                if len(raw) > MOST_BYTES:
                    raise SourceSilent(f"{ask!r}: the answer is longer than {MOST_BYTES} bytes")
            return bytes(raw)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
