"""HTTP for the Charge Amps clouds: the only file here that knows httpx."""

import asyncio
import logging

import httpx

from busbar_chargeamps.cloud import TIMEOUT_S, Answer, CloudSilent

# It writes every address at level info, and an address names the owner's charger.
logging.getLogger("httpx").setLevel(logging.WARNING)

MOST_BYTES = 4 * 1024 * 1024


class Http:
    """One pool of connections; an address, a header or a body never reaches a log from here."""

    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        # A system proxy leads to the cloud, but is nothing for a cloud on this machine.
        here = dict.fromkeys(("all://127.0.0.1", "all://localhost"))
        self._client = httpx.AsyncClient(timeout=timeout_s, follow_redirects=False, mounts=here)

    async def __call__(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Answer:
        """The answer, or `CloudSilent` when none comes within the time or it is absurdly long."""
        try:
            # httpx counts its time anew with each piece; an answer that drips would never end.
            async with asyncio.timeout(self._timeout_s):
                return await self._answer(method, url, headers, body)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            # A ValueError is a token or an address that cannot be put on the line.
            raise CloudSilent(f"{method}: {type(error).__name__}") from error

    async def _answer(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Answer:
        async with self._client.stream(method, url, headers=headers, content=body) as response:
            raw = bytearray()
            async for piece in response.aiter_bytes():
                raw += piece
                if len(raw) > MOST_BYTES:
                    raise CloudSilent(f"{method}: the answer is longer than {MOST_BYTES} bytes")
            found = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, found, bytes(raw))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()
