"""A recording: the traffic of a site in one compact file, without its secrets.

The first line is the header, each further line one message: seconds since the start, topic, retained, payload.
Lines are JSON, compressed with gzip.
"""

import base64
import gzip
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from busbar_cli.hiding import HIDDEN, without_secrets
from busbar_contracts import CONTRACT_VERSION
from busbar_shared.bus import RawHeard
from busbar_shared.config.root import Site

FORMAT = 1


class BadRecording(Exception):
    """The file is no recording that can be read."""


class Header(Struct, frozen=True, kw_only=True):
    """What a recording is of."""

    busbar_record: int
    program: str
    contract: str
    at: datetime
    root: str
    site: dict[str, Any]


class Line(Struct, frozen=True, kw_only=True):
    """One message."""

    t: float
    topic: str
    payload: Any = None
    retained: bool = False
    raw: str | None = None
    """Base64 of a payload that is not JSON."""


def header_of(site: Site, program: str, at: datetime, known: tuple[str, ...] = ()) -> Header:
    """The header of a recording that starts now, without secrets and without the values that are known to be some."""
    config = without_secrets(msgspec.to_builtins(site), known=known)
    return Header(
        busbar_record=FORMAT,
        program=program,
        contract=CONTRACT_VERSION,
        at=at,
        root=site.site.topic_root,
        site=config,
    )


def line_of(message: RawHeard, started_s: float, known: tuple[str, ...] = ()) -> Line:
    """One message as a line, without secrets and without the values that are known to be some."""
    t, topic = round(message.at_s - started_s, 4), without_secrets(message.topic, known=known)
    try:
        payload = msgspec.json.decode(message.payload) if message.payload else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        hidden = message.payload
        for one in known:
            hidden = hidden.replace(one.encode(), HIDDEN.encode())
        raw = base64.b64encode(hidden).decode()
        return Line(t=t, topic=topic, retained=message.retained, raw=raw)
    payload = without_secrets(payload, known=known)
    return Line(t=t, topic=topic, payload=payload, retained=message.retained)


class Writer:
    """Writes a recording, line by line."""

    def __init__(self, path: Path, header: Header) -> None:
        self._file = gzip.open(path, "wb")  # noqa: SIM115 -- closed by close()
        self._write(header)
        self.lines = 0

    def add(self, line: Line) -> None:
        """Add one message."""
        self._write(line)
        self.lines += 1

    def _write(self, value: Struct) -> None:
        self._file.write(msgspec.json.encode(value) + b"\n")

    def close(self) -> None:
        """End the file."""
        self._file.close()


def read(path: Path) -> tuple[Header, Iterator[Line]]:
    """The header and the messages of a recording. Raises BadRecording."""
    lines = _lines(path)
    try:
        header = msgspec.json.decode(next(lines), type=Header)
    except (StopIteration, msgspec.DecodeError) as error:
        raise BadRecording(f"{path.name} has no header of a recording") from error
    if header.busbar_record != FORMAT:
        raise BadRecording(f"{path.name} is of format {header.busbar_record}, this program reads {FORMAT}")
    return header, _messages(path, lines)


def _messages(path: Path, lines: Iterator[bytes]) -> Iterator[Line]:
    decoder = msgspec.json.Decoder(Line)
    for number, line in enumerate(lines, start=2):
        try:
            yield decoder.decode(line)
        except msgspec.DecodeError as error:
            raise BadRecording(f"{path.name}, line {number}: {error}") from error


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path, "rb") as file:
            for line in file:
                if line.endswith(b"\n"):  # the last line of a recording that was cut off is half a line
                    yield line
    except EOFError:
        return
    except OSError as error:
        raise BadRecording(f"{path.name} cannot be read: {error}") from error
