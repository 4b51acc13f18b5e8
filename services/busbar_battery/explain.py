"""One decision for one line of JSON: the stable entry for support, tests and curious owners."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import IO, Any, Final

import msgspec

from busbar_battery.decide import Refusal, decide
from busbar_battery.inputs import Inputs, from_object
from busbar_battery.legacy import translated

# A snapshot has some twenty short fields; anything longer is not one.
LONGEST_LINE: Final = 20_000
NOTHING_GIVEN: Final = Inputs()


def explained(line: bytes | str) -> dict[str, Any]:
    """The decision for one JSON object, or `{"error": sentence}`; never raises, whatever the line holds."""
    try:
        given = _object(line)
        modern = translated(given, most=_most(given))
        if modern.refusal is not None:
            return {"error": modern.refusal}
        answer = decide(from_object(modern.values))
    except ValueError as error:
        return {"error": str(error)}
    if isinstance(answer, Refusal):
        return {"error": answer.error}
    row: dict[str, Any] = msgspec.to_builtins(answer)
    row["flags"] = list(answer.flags)
    if modern.notes:
        row["notes"] = list(modern.notes)
    return row


def _most(given: dict[str, Any]) -> dict[str, float | None]:
    """What old percentages are taken of: the limits given, else their defaults."""
    limits = {name: given.get(name, getattr(NOTHING_GIVEN, name)) for name in ("charge_max", "discharge_max")}
    return {name: value if isinstance(value, (int, float)) else None for name, value in limits.items()}


def snapshots(opened: IO[bytes]) -> Iterable[bytes]:
    """The snapshots in a file: the whole of it when it is one object over several lines, else its lines."""
    begin = opened.read(LONGEST_LINE + 1)
    if len(begin) <= LONGEST_LINE:
        try:
            whole = isinstance(json.loads(begin), dict)
        except (ValueError, RecursionError):
            whole = False
        return [begin] if whole else begin.splitlines()
    # Longer than one snapshot can be, and perhaps longer than the memory: line by line.
    return _lines(begin, opened)


def _lines(begin: bytes, rest: IO[bytes]) -> Iterator[bytes]:
    *complete, last = begin.split(b"\n")
    yield from complete
    yield last + rest.readline()
    yield from rest


def as_line(row: dict[str, Any]) -> str:
    """The answer as one line of JSON."""
    return json.dumps(row, allow_nan=False)


def _object(line: bytes | str) -> dict[str, Any]:
    if len(line) > LONGEST_LINE:
        raise ValueError(f"the line has {len(line)} characters; at most {LONGEST_LINE} are read")
    try:
        # The standard library, because it knows NaN and Infinity, which broken meters do send.
        given = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(given, dict):
        raise ValueError(f"one JSON object per line is expected, not {type(given).__name__}")
    return given
