"""A register image from a bug report, served as if it were the device it was taken from.

The file is what `busbar meter dump` writes: units with runs of neighbouring registers.
Registers that are not in it are refused with exception 2, writes too: the device did not say what it would do.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from .device import Refused

Register = Annotated[int, Meta(ge=0, le=65535)]


class BadDump(Exception):
    """The file is no register image; the message says where. Correct the file."""


class Run(Struct, frozen=True):
    """Neighbouring registers."""

    start: Register
    values: tuple[Register, ...]


class Image(Struct, frozen=True):
    """The registers of one unit."""

    unit: Annotated[int, Meta(ge=0, le=255)]
    runs: tuple[Run, ...]


class Images(Struct, frozen=True):
    """A dump file; what else is in it is for people."""

    units: tuple[Image, ...]


class Replay:
    """One unit that says what it once said."""

    asleep = False

    def __init__(self, image: Image) -> None:
        self._registers = {run.start + at: value for run in image.runs for at, value in enumerate(run.values)}

    def read(self, address: int, count: int) -> list[int]:
        """Registers as they were, or Refused with code 2."""
        wanted = range(address, address + count)
        if any(one not in self._registers for one in wanted):
            raise Refused(2, f"registers {address} to {address + count - 1} are not in the image")
        return [self._registers[one] for one in wanted]

    def write(self, function: int, address: int, values: Sequence[int]) -> None:
        """Nothing is written to an image."""
        raise Refused(2, f"register {address} of an image")


def replays(text: bytes) -> dict[int, Replay]:
    """The units of a dump file by id, or BadDump."""
    try:
        images = msgspec.json.decode(text, type=Images)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadDump(str(error)) from error
    return {image.unit: Replay(image) for image in images.units}
