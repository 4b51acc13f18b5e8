"""What a change of contract would break for somebody else's program (rules: contracts/README.md)."""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

FACTS = ("format", "x-unit", "const")
"""What must stay as it was, whoever writes."""
LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")


def breaks(old: Schema, new: Schema) -> list[str]:
    """Sentences that name each thing in the new AsyncAPI document which somebody would notice."""
    return list(dict.fromkeys(_channels(old, new)))


def _channels(old: Schema, new: Schema) -> Iterator[str]:
    by_address = {channel["address"]: key for key, channel in new["channels"].items()}
    for key, channel in old["channels"].items():
        if not channel.get("x-public", True):
            continue
        address = channel["address"]
        if address not in by_address:
            yield f"{address}: gone or moved"
            continue
        yield from _topic(old, new, key, by_address[address])


def _topic(old: Schema, new: Schema, key: str, now: str) -> Iterator[str]:
    before, after = old["channels"][key], new["channels"][now]
    address, sent = before["address"], old["operations"][key]["action"] == "send"
    if not after.get("x-public", True):
        yield f"{address}: no longer promised"
    if old["operations"][key]["action"] != new["operations"][now]["action"]:
        yield f"{address}: it is written by another side"
    if old["operations"][key]["bindings"] != new["operations"][now]["bindings"]:
        yield f"{address}: travels differently (QoS or retained)"
    for bound in ("x-max-bytes", "x-max-per-s"):
        if not sent and after.get(bound, 0) < before.get(bound, 0):
            yield f"{address}: {bound[2:]} was {before[bound]:g}, is {after[bound]:g}"
    [message], [renamed] = before["messages"], after["messages"]
    yield from _Comparison(old, new, sent).part(message, _of(old, message), _of(new, renamed))


def _of(document: Schema, name: str) -> Schema:
    found: Schema = document["components"]["schemas"].get(name, {})
    return found


class _Comparison:
    """Of one message; each pair of named types is looked at once, so that types may contain themselves."""

    def __init__(self, old: Schema, new: Schema, sent: bool) -> None:
        self._old, self._new, self._sent = old, new, sent
        self._seen: set[tuple[str, str]] = set()

    def part(self, where: str, old: Schema, new: Schema) -> Iterator[str]:
        """Everything that breaks in a part of a message."""
        pair = (old.get("$ref", ""), new.get("$ref", ""))
        if all(pair):
            if pair in self._seen:
                return
            self._seen.add(pair)
        before, after = _forms(self._old, old), _forms(self._new, new)
        if len(before) == len(after) == 1:
            yield from self._form(where, *before.values(), *after.values())
            return
        for kind, form in before.items():
            if kind in after:
                yield from self._form(where, form, after[kind])
            else:
                yield f"{where}: may no longer be {kind}"
        if self._sent:
            yield from (f"{where}: may now be {kind}" for kind in after if kind not in before)

    def _form(self, where: str, old: Schema, new: Schema) -> Iterator[str]:
        if old.get("type") != new.get("type"):
            yield f"{where}: type was {old.get('type')}, is {new.get('type')}"
            return
        for fact in FACTS:
            if old.get(fact) != new.get(fact):
                yield f"{where}: {fact} was {old.get(fact)}, is {new.get(fact)}"
        if gone := [value for value in old.get("enum", []) if value not in new.get("enum", [])]:
            yield f"{where}: no longer {gone}"
        if not self._sent:
            yield from _stricter(where, old, new)
        yield from self._inside(where, old, new)
        yield from self._fields(where, old, new)

    def _inside(self, where: str, old: Schema, new: Schema) -> Iterator[str]:
        """The values of a map and the items of a list."""
        for name, mark in (("additionalProperties", ".*"), ("items", "[]")):
            before, after = old.get(name), new.get(name)
            if isinstance(before, dict) and isinstance(after, dict):
                yield from self.part(where + mark, before, after)

    def _fields(self, where: str, old: Schema, new: Schema) -> Iterator[str]:
        for name, part in old.get("properties", {}).items():
            if name not in new.get("properties", {}):
                yield f"{where}.{name}: gone"
            else:
                yield from self.part(f"{where}.{name}", part, new["properties"][name])
        before, after = set(old.get("required", [])), set(new.get("required", []))
        if self._sent:
            yield from (f"{where}.{name}: no longer promised" for name in sorted(before - after))
        else:
            yield from (f"{where}.{name}: now demanded" for name in sorted(after - before))


def _stricter(where: str, old: Schema, new: Schema) -> Iterator[str]:
    for bounds, way in ((LOWER, 1), (UPPER, -1)):
        for bound in bounds:
            if bound in new and (bound not in old or way * new[bound] > way * old[bound]):
                yield f"{where}: {bound} was {old.get(bound)}, is {new[bound]}"
    if new.get("pattern") not in (None, old.get("pattern")):
        yield f"{where}: pattern was {old.get('pattern')}, is {new['pattern']}"
    if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
        yield f"{where}: unknown fields are no longer taken"


def _forms(document: Schema, schema: Schema) -> dict[str, Schema]:
    """The forms a value may have, by what tells them apart: null, a type, or the name of a type."""
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    schema = _of(document, name) if name else schema
    if "anyOf" not in schema:
        return {name or str(schema.get("type", "anything")): schema}
    found: dict[str, Schema] = {}
    for one in schema["anyOf"]:
        found |= _forms(document, one)
    return found
