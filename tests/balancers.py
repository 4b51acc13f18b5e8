"""Other people's programs in front of a fleet: nginx and HAProxy as processes, and a name server that they ask."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import which
from typing import cast

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
A, NO_SUCH_NAME = 1, 3


def program(name: str) -> str | None:
    """Where it is; Debian puts servers where only root's PATH looks."""
    return which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def documented(kind: str) -> list[str]:
    """The blocks of this kind on the page about many sites, as a reader would copy them."""
    return re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def put(text: str, changes: Mapping[str, str]) -> str:
    """The text with what is of this machine in the place of what is documented; all of it must be there."""
    for place, here in changes.items():
        assert place in text, f"{place!r} is not in the documented configuration"
        text = text.replace(place, here)
    return text


class Program:
    """A server of somebody else, started in the foreground, that can be killed and started again."""

    def __init__(self, command: list[str], folder: Path, listens: tuple[str, int]) -> None:
        self._command, self._log, self._listens = command, folder / "program.log", listens
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        with open(self._log, "ab") as log:
            self.process = subprocess.Popen(
                self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        until = time.monotonic() + 30
        while not _answers(*self._listens):
            assert self.process.poll() is None, self._log.read_text(errors="replace")
            assert time.monotonic() < until, self._log.read_text(errors="replace")
            time.sleep(0.05)

    def reload(self) -> None:
        """Let it read its files again."""
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        """End it with all its workers, as a power cut would."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def _answers(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


class _Names(asyncio.DatagramProtocol):
    """Answers for addresses by RFC 1035, section 4: the names it knows, and that there are no others."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1 : at + 1 + data[at]].decode())
            at += 1 + data[at]
        question, kind = data[12 : at + 5], int.from_bytes(data[at + 1 : at + 3], "big")
        found = self._known.get(".".join(labels).lower())
        answer = b""
        if found is not None and kind == A:
            answer = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01\x00\x04" + socket.inet_aton(found)
        flags = 0x8180 | (0 if found is not None else NO_SUCH_NAME)
        counts = b"\x00\x01" + (b"\x00\x01" if answer else b"\x00\x00") + b"\x00\x00\x00\x00"
        self._transport.sendto(data[:2] + flags.to_bytes(2, "big") + counts + question + answer, addr)


@asynccontextmanager
async def names(known: Mapping[str, str]) -> AsyncIterator[int]:
    """A name server on loopback that knows these names; gives its port."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Names(known), local_addr=("127.0.0.1", 0)
    )
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
