"""What a change of contract would break for somebody else's program (rules: contracts/README.md)."""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]


def breaks(old: Schema, new: Schema) -> list[str]:
    """Sentences that name each thing in the new AsyncAPI document which somebody would notice."""
    return list(_breaks(old, new))


def _breaks(old: Schema, new: Schema) -> Iterator[str]:
    addresses = {channel["address"]: key for key, channel in new["channels"].items()}
    for key, channel in old["channels"].items():
        if not channel.get("x-public", True):
            continue
        address = channel["address"]
        if address not in addresses:
            yield f"{address}: gone or moved"
            continue
        sent = old["operations"][key]["action"] == "send"
        if old["operations"][key]["bindings"] != new["operations"][addresses[address]]["bindings"]:
            yield f"{address}: travels differently (QoS or retained)"
        [message] = channel["messages"]
        [renamed] = new["channels"][addresses[address]]["messages"]
        yield from _schema(message, old, new, _of(old, message), _of(new, renamed), sent)


def _of(document: Schema, name: str) -> Schema:
    found: Schema = document["components"]["schemas"].get(name, {})
    return found


def _schema(
    where: str, old_doc: Schema, new_doc: Schema, old: Schema, new: Schema, sent: bool
) -> Iterator[str]:
    old, new = _resolve(old_doc, old), _resolve(new_doc, new)
    for fact in ("type", "format", "x-unit", "const", "pattern"):
        if old.get(fact) != new.get(fact) and not (fact == "pattern" and sent):
            yield f"{where}: {fact} was {old.get(fact)}, is {new.get(fact)}"
    if gone := [value for value in old.get("enum", []) if value not in new.get("enum", [])]:
        yield f"{where}: no longer {gone}"
    if not sent:
        for bound, way in (("minimum", 1), ("maximum", -1)):
            if bound in new and (bound not in old or way * new[bound] > way * old[bound]):
                yield f"{where}: {bound} was {old.get(bound)}, is {new[bound]}"
    yield from _alternatives(where, old_doc, new_doc, old, new, sent)
    yield from _fields(where, old_doc, new_doc, old, new, sent)


def _alternatives(
    where: str, old_doc: Schema, new_doc: Schema, old: Schema, new: Schema, sent: bool
) -> Iterator[str]:
    before, after = old.get("anyOf", []), new.get("anyOf", [])
    for one, other in zip(before, after, strict=False):
        yield from _schema(where, old_doc, new_doc, one, other, sent)
    if len(before) != len(after):
        yield f"{where}: had {len(before)} forms, has {len(after)}"


def _fields(
    where: str, old_doc: Schema, new_doc: Schema, old: Schema, new: Schema, sent: bool
) -> Iterator[str]:
    for name, part in old.get("properties", {}).items():
        if name not in new.get("properties", {}):
            yield f"{where}.{name}: gone"
        else:
            yield from _schema(f"{where}.{name}", old_doc, new_doc, part, new["properties"][name], sent)
    before, after = set(old.get("required", [])), set(new.get("required", []))
    if sent:
        yield from (f"{where}.{name}: no longer promised" for name in sorted(before - after))
    else:
        yield from (f"{where}.{name}: now demanded" for name in sorted(after - before))


def _resolve(document: Schema, schema: Schema) -> Schema:
    if "$ref" in schema:
        return _of(document, schema["$ref"].rsplit("/", 1)[1])
    return schema
