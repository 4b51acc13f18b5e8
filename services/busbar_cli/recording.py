"""A recording: the traffic of a site in one compact file, without its secrets.

The first line is the header, each further line one message: seconds since the start, topic, retained, payload.
Lines are JSON, compressed with gzip.
"""

import base64
import gzip
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from busbar_cli.hiding import without_known, without_secrets
from busbar_contracts import CONTRACT_VERSION
from busbar_shared.bus import RawHeard
from busbar_shared.config.root import Site

FORMAT = 1
FLUSH_S = 5.0
"""What was heard is on the disk after this, however the recorder ends."""
GAP_MOST_S = 86400.0
"""A broker may be away for a day; a line further ahead than that is damage, and would be played second by second."""
GZIP = b"\x1f\x8b"
NOT_READ = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class BadRecording(Exception):
    """The file is no recording that can be read."""


class _Format(Struct):
    """What stands in every header, whatever its format."""

    busbar_record: int


class Header(Struct, frozen=True, kw_only=True):
    """What a recording is of."""

    busbar_record: int
    program: str
    contract: str
    at: Annotated[datetime, Meta(tz=True)]
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
        payload = without_secrets(payload, known=known)
    except NOT_READ:
        raw = base64.b64encode(without_known(message.payload, known)).decode()
        return Line(t=t, topic=topic, retained=message.retained, raw=raw)
    return Line(t=t, topic=topic, payload=payload, retained=message.retained)


class Writer:
    """Writes a recording, line by line."""

    def __init__(self, path: Path, header: Header) -> None:
        self._file = gzip.open(path, "wb")  # noqa: SIM115 -- closed by close()
        self._flushed_t = 0.0
        self.lines = 0
        self._write(header)
        self._file.flush()

    def add(self, line: Line) -> None:
        """Add one message."""
        self._write(line)
        self.lines += 1
        if line.t - self._flushed_t >= FLUSH_S:
            self._flushed_t = line.t
            self._file.flush()

    def _write(self, value: Struct) -> None:
        self._file.write(msgspec.json.encode(value) + b"\n")

    def close(self) -> None:
        """End the file."""
        self._file.close()


def read(path: Path) -> tuple[Header, Iterator[Line]]:
    """The header and the messages of a recording. Raises BadRecording."""
    lines = _lines(path)
    try:
        first = next(lines)
        found = msgspec.json.decode(first, type=_Format).busbar_record
        if found != FORMAT:
            raise BadRecording(f"{path.name} is of format {found}, this program reads {FORMAT}")
        header = msgspec.json.decode(first, type=Header)
    except (StopIteration, *NOT_READ) as error:
        raise BadRecording(f"{path.name} has no header of a recording") from error
    if header.contract.partition(".")[0] != CONTRACT_VERSION.partition(".")[0]:
        raise BadRecording(
            f"{path.name} speaks contract {header.contract}, this program {CONTRACT_VERSION}: most would not be heard"
        )
    return header, _messages(path, lines)


def is_something_else(path: Path) -> bool:
    """Whether a file is there that no recorder has written: it must not be lost to a slip of the hand."""
    try:
        with path.open("rb") as file:
            begin = file.read(len(GZIP))
    except OSError:
        return False
    return begin not in (b"", GZIP)


def _messages(path: Path, lines: Iterator[bytes]) -> Iterator[Line]:
    decoder = msgspec.json.Decoder(Line)
    last_t = 0.0
    for number, line in enumerate(lines, start=2):
        try:
            message = decoder.decode(line)
        except NOT_READ as error:
            raise BadRecording(f"{path.name}, line {number}: {error}") from error
        if message.t > last_t + GAP_MOST_S:
            raise BadRecording(f"{path.name}, line {number}: {message.t:g} s after the start cannot be")
        last_t = max(last_t, message.t)
        yield message


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path, "rb") as file:
            for line in file:
                if line.endswith(b"\n"):  # the last line of a recording that was cut off is half a line
                    yield line
    except EOFError:
        return
    except (OSError, zlib.error) as error:
        raise BadRecording(f"{path.name} cannot be read: {error}") from error
