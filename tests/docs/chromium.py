"""A headless Chromium that shows one page and gives its picture, spoken to by its DevTools protocol."""

import asyncio
import base64
import itertools
import json
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from busbar_cli.broker import free_port

PATIENCE_S = 60.0


def found() -> str | None:
    """The command, where there is one."""
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))),
        None,
    )


class Page:
    """One page of the browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._numbers = socket, itertools.count(1)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol, and its answer."""
        number = next(self._numbers)
        await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        async with asyncio.timeout(PATIENCE_S):
            while True:
                answer = json.loads(await self._socket.recv())
                if answer.get("id") == number:
                    assert "error" not in answer, answer["error"]
                    return dict(answer["result"])

    async def picture(self) -> bytes:
        """What is seen, as PNG."""
        return base64.b64decode((await self.ask("Page.captureScreenshot", format="png"))["data"])


@asynccontextmanager
async def page(width: int, height: int) -> AsyncIterator[Page]:
    """An empty page of this size; the browser is ended afterwards."""
    command, port = found(), free_port()
    assert command is not None, "there is no chromium"
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [
                command, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-proxy-server",
                f"--remote-debugging-port={port}", f"--user-data-dir={folder}", f"--window-size={width},{height}",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with connect(await _target(port), max_size=None, proxy=None) as socket:
                shown = Page(socket)
                await shown.ask("Page.enable")
                yield shown
        finally:
            process.terminate()
            process.wait(20)


async def _target(port: int) -> str:
    """Where its only page listens."""
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(PATIENCE_S):
        while True:
            try:
                pages = (await client.get(f"http://127.0.0.1:{port}/json")).json()
            except httpx.HTTPError:
                pages = []
            for one in pages:
                if one["type"] == "page":
                    return str(one["webSocketDebuggerUrl"])
            await asyncio.sleep(0.2)
