"""The official model definitions, as shipped with pysunspec2: no register is typed by hand here."""

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Point:
    """One point of a model: where it is and how it is encoded. `offset` 0 is the model's ID register."""

    name: str
    kind: str
    offset: int
    size: int
    scale: str | None
    writable: bool


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The points of one model by name; those of repeated groups are called `name.1`, `name.2`, and so on."""

    model: int
    points: dict[str, Point]

    @property
    def length(self) -> int:
        """The model's L: registers behind ID and L."""
        return max(point.offset + point.size for point in self.points.values()) - 2


@lru_cache(maxsize=64)
def layout(model: int, repeats: int = 0) -> Layout:
    """The layout of a model with its repeating group that many times."""
    source = files("sunspec2").joinpath(f"models/json/model_{model}.json")
    group = json.loads(source.read_text(encoding="utf-8"))["group"]
    points, offset = _points(group, 0, "")
    for inner in group.get("groups", ()):
        # A group with a count repeats; one without is there once and lends its points its name.
        places = (
            [("", f".{n}") for n in range(1, repeats + 1)]
            if "count" in inner
            else [(f"{inner['name']}.", "")]
        )
        for prefix, suffix in places:
            more, offset = _points(inner, offset, suffix, prefix)
            points |= more
    return Layout(model=model, points=points)


def _points(
    group: dict[str, Any], offset: int, suffix: str, prefix: str = ""
) -> tuple[dict[str, Point], int]:
    points: dict[str, Point] = {}
    for entry in group["points"]:
        size = int(entry.get("size", 1))
        # A scale factor is either another point's name or a fixed number (700 models); only names occur here.
        scale = entry.get("sf")
        name = prefix + entry["name"] + suffix
        points[name] = Point(
            name=name,
            kind=entry["type"],
            offset=offset,
            size=size,
            scale=scale if isinstance(scale, str) else None,
            writable=entry.get("access") == "RW",
        )
        offset += size
    return points, offset
