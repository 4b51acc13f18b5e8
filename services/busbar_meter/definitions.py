"""The official SunSpec model definitions, taken from the models bundled with pysunspec2.

Only the models asked for are read, and only what decoding needs is kept, so memory stays low.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import msgspec
from msgspec import Struct

HEADER = 2  # the registers ID and L


class Symbol(Struct, frozen=True):
    """A named value of an enumeration, or a named bit."""

    name: str
    value: int


class PointText(Struct, frozen=True):
    """A point as the official file words it."""

    name: str
    type: str
    size: int
    sf: str | int | None = None
    units: str = ""
    access: str = "R"
    mandatory: str = "O"
    symbols: tuple[Symbol, ...] = ()


class GroupText(Struct, frozen=True):
    """A group of points as the official file words it."""

    name: str
    points: tuple[PointText, ...]
    groups: tuple["GroupText", ...] = ()
    count: str | int | None = None


class ModelText(Struct, frozen=True):
    """One official model file."""

    id: int
    group: GroupText


class Point(Struct, frozen=True):
    """One point of a model: its place, type and scale factor."""

    name: str
    offset: int
    size: int
    type: str
    sf: str | int | None = None
    units: str = ""
    writable: bool = False
    mandatory: bool = False
    symbols: tuple[Symbol, ...] = ()

    @property
    def end(self) -> int:
        """The offset behind the last register."""
        return self.offset + self.size


class Model(Struct, frozen=True):
    """A model: fixed points by name, and the points of one repetition with offsets from its start."""

    id: int
    points: dict[str, Point]
    length: int
    repeated: dict[str, Point] = {}
    stride: int = 0
    # The point that says how many repetitions there are.
    count: str | None = None

    @property
    def fixed(self) -> int:
        """Registers before the first repetition, header included."""
        return HEADER + self.length


def models_folder() -> Path:
    """Where the official files lie, found without importing the package they come in."""
    spec = find_spec("sunspec2")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("pysunspec2 with the SunSpec model definitions is not installed")
    return Path(next(iter(spec.submodule_search_locations))) / "models" / "json"


@cache
def model(model_id: int) -> Model | None:
    """The definition of a model, or None for one that is not official."""
    try:
        raw = (models_folder() / f"model_{model_id}.json").read_bytes()
    except OSError:
        return None
    return compiled(msgspec.json.decode(raw, type=ModelText))


def compiled(source: ModelText) -> Model:
    """Offsets worked out; a group without a count is flattened to `Group.Point`."""
    points: dict[str, Point] = {}
    end = _place(source.group.points, 0, "", points)
    repeated: dict[str, Point] = {}
    stride, count = 0, None
    for group in source.group.groups:
        if group.count is None:
            end = _place(group.points, end, f"{group.name}.", points)
        elif not repeated:
            stride = _place(group.points, 0, "", repeated)
            # Model 160 leaves its repetitions to the length, and tells them in its one point of type count.
            counts = [point.name for point in points.values() if point.type == "count"]
            count = group.count if isinstance(group.count, str) else next(iter(counts), None)
    return Model(source.id, points, end - HEADER, repeated, stride, count)


def _place(texts: tuple[PointText, ...], offset: int, prefix: str, into: dict[str, Point]) -> int:
    for text in texts:
        into[prefix + text.name] = Point(
            name=prefix + text.name,
            offset=offset,
            size=text.size,
            type=text.type,
            sf=text.sf,
            units=text.units,
            writable=text.access == "RW",
            mandatory=text.mandatory == "M",
            symbols=text.symbols,
        )
        offset += text.size
    return offset
