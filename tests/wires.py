"""TCP lines that can be cut, so that a part of a house is alone in the network while its process is well."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager


class Wire:
    """A line to a port on loopback. While it is cut nothing passes and nobody is told, as where a network parts.

    What was sent meanwhile arrives when it is whole again, as TCP repeats it.
    """

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._whole = asyncio.Event()
        self._whole.set()
        self._server: asyncio.Server | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self) -> None:
        """Take a free port and listen."""
        self._server = await asyncio.start_server(self._call, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Let nothing pass from now on."""
        self._whole.clear()

    def mend(self) -> None:
        """Let everything pass again."""
        self._whole.set()

    async def stop(self) -> None:
        """Close everything."""
        assert self._server is not None
        self._server.close()
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._calls.add(task)
        try:
            await self._whole.wait()
            # Nobody may listen there: then this call ends, as it would without us.
            with contextlib.suppress(OSError):
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
                await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))
        finally:
            self._calls.discard(task)
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                await self._whole.wait()
                writer.write(data)
                await writer.drain()
            await self._whole.wait()
        except OSError:
            await self._whole.wait()
        finally:
            writer.close()


@asynccontextmanager
async def wires(to: Iterable[tuple[str, int]]) -> AsyncIterator[dict[str, Wire]]:
    """Lines by name, each to its port; closed afterwards."""
    made = {name: Wire(port) for name, port in to}
    for wire in made.values():
        await wire.start()
    try:
        yield made
    finally:
        for wire in made.values():
            await wire.stop()
