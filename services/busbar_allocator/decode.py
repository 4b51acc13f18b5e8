"""A snapshot read from JSON, or a sentence that names the field and the value that are wrong."""

import json
import re
from typing import Any

import msgspec

from busbar_allocator.snapshot import BadSnapshot, Snapshot

MOST_BYTES = 32 * 1024 * 1024
_UNREADABLE = object()
_DECODER = msgspec.json.Decoder(Snapshot)
_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `(?P<key>key in )?\$(?P<path>.*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_FIELD = re.compile(r"^Object (contains unknown|missing required) field `(.*)`$")


def read_snapshot(text: bytes) -> Snapshot:
    """The snapshot in this JSON; anything else raises `BadSnapshot`. Whether it can be true is `check`'s."""
    if len(text) > MOST_BYTES:
        raise BadSnapshot(f"the snapshot has {len(text)} bytes, more than {MOST_BYTES}")
    try:
        return _DECODER.decode(text)
    except msgspec.ValidationError as error:
        raise BadSnapshot(_sentence(str(error), _loosely(text))) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return _second_look(text, error)


def _second_look(text: bytes, error: Exception) -> Snapshot:
    """NaN and Infinity are no JSON, but many programs write them; then `check` can name the field."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as again:
        reason = "it is nested too deeply" if isinstance(again, RecursionError) else str(error)
        raise BadSnapshot(f"the snapshot is not JSON: {reason}") from error
    try:
        return msgspec.convert(raw, Snapshot)
    except (msgspec.ValidationError, RecursionError) as wrong:
        raise BadSnapshot(_sentence(str(wrong), raw)) from wrong


def _loosely(text: bytes) -> Any:
    """The values, for showing; `_UNREADABLE` where the text ends too soon."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _UNREADABLE


def _sentence(message: str, raw: Any) -> str:
    """msgspec's objection with the place spelled out and the value beside it."""
    found = _PLACE.match(message)
    if found is None:
        return message
    what = found["what"]
    place = _spelled_out(message, _STEP.findall(found["path"] or ""), raw)
    field = _FIELD.match(what)
    if field is not None:
        name = ".".join([*place, field[2]])
        return f"{name}: missing" if field[1].startswith("missing") else f"{name}: there is no such field"
    if raw is _UNREADABLE:
        return f"{'.'.join(place) or 'snapshot'}: {what[0].lower()}{what[1:]}"
    value = _at(raw, place)
    shown = json.dumps(value, default=str)
    if len(shown) > 80:
        shown = shown[:77] + "..."
    return f"{'.'.join(place) or 'snapshot'}: {shown} is refused: {what[0].lower()}{what[1:]}"


def _spelled_out(message: str, steps: list[tuple[str, str]], raw: Any) -> list[str]:
    """The path with the key in place of msgspec's `[...]`, found by trying each alone."""
    place: list[str] = []
    for name, index in steps:
        at = _at(raw, place)
        if index == "..." and isinstance(at, dict):
            place.append(next((key for key in at if _alone(raw, place, key) == message), "?"))
        else:
            place.append(name or index)
    return place


def _alone(raw: Any, place: list[str], key: str) -> str:
    """What msgspec says when only this key of the object at `place` is left."""
    try:
        msgspec.convert(_with_only(raw, place, key), Snapshot)
    except (msgspec.ValidationError, RecursionError) as error:
        return str(error)
    return ""


def _with_only(raw: Any, place: list[str], key: str) -> Any:
    if not place:
        return {key: raw[key]}
    return {**raw, place[0]: _with_only(raw[place[0]], place[1:], key)}


def _at(raw: Any, place: list[str]) -> Any:
    for step in place:
        if isinstance(raw, dict):
            raw = raw.get(step)
        elif isinstance(raw, list) and step.isdigit() and int(step) < len(raw):
            raw = raw[int(step)]
        else:
            return None
    return raw
