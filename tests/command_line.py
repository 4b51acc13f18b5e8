"""A command against a live bus: the broker is real, and services answer as they would."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import typer
from typer.testing import CliRunner

from busbar_shared.bus import MqttBus
from busbar_shared.config.load import read
from busbar_shared.life import connect


class Result(Protocol):
    """What typer's runner, which brings its own click or none, tells of a command that ended."""

    exit_code: int

    @property
    def stdout(self) -> str: ...
    @property
    def stderr(self) -> str: ...


class Shell:
    """Somebody who types commands in a house with this configuration."""

    def __init__(self, app: typer.Typer, path: Path, bus: MqttBus) -> None:
        self.app, self.path, self.bus = app, path, bus

    async def types(self, *words: str) -> Result:
        """The outcome of one command."""
        return await asyncio.to_thread(
            CliRunner(env={"COLUMNS": "160"}).invoke, self.app, [*words, "--config", str(self.path)]
        )

    async def says(self, message: Any, **ids: str) -> None:
        """A service says something, and the broker has it."""
        await self.bus.say(message, **ids)
        assert await self.bus.drain()

    @asynccontextmanager
    async def while_(self, service: Callable[[MqttBus], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
        """A service at work meanwhile."""
        working = asyncio.create_task(service(self.bus))
        await asyncio.sleep(0)
        assert await self.bus.drain()
        try:
            yield
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)


@asynccontextmanager
async def shell(app: typer.Typer, folder: Path, text: str) -> AsyncIterator[Shell]:
    """A shell beside a house with this configuration."""
    path = folder / "busbar.toml"
    path.write_text(text, encoding="utf-8")
    async with connect(read(text), "services", {}) as bus:
        await bus.connected.wait()
        yield Shell(app, path, bus)


def rows(table: str) -> dict[str, str]:
    """The lines of a printed table by their first word, frames and spaces left out."""
    words = [[word for word in line.split() if word.isascii() or "°" in word] for line in table.splitlines()]
    return {line[0]: " ".join(line) for line in words if line}
