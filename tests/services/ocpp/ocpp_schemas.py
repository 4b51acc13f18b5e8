"""Payloads made from the official JSON schemas, by nobody who knows what the service wants to read."""

import json
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import ocpp

FOLDERS = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
MOMENT = "2026-03-01T18:00:00.000Z"

Schema = dict[str, Any]


@cache
def schemas(version: str) -> dict[str, Schema]:
    """Every schema of a version by its name; requests of 2.x end with Request, those of 1.6 with nothing."""
    folder = Path(str(ocpp.__file__)).parent / FOLDERS[version] / "schemas"
    return {file.stem: json.loads(file.read_text("utf-8-sig")) for file in sorted(folder.glob("*.json"))}


def actions(version: str) -> list[str]:
    """Every action the version knows that is answered, whoever may send it."""
    names = {name.removesuffix("Request") for name in schemas(version) if not name.endswith("Response")}
    return sorted(name for name in names if f"{name}Response" in schemas(version))


def request(version: str, action: str, dice: Random, fullness: float) -> Any:
    """A request that the schema allows: 0 the barest, 1 with all it may have."""
    known = schemas(version)
    schema = known.get(f"{action}Request", known.get(action))
    assert schema is not None
    return _made(schema, schema.get("definitions", {}), dice, fullness)


def response(version: str, action: str, dice: Random, fullness: float) -> Any:
    """An answer that the schema allows."""
    schema = schemas(version)[f"{action}Response"]
    return _made(schema, schema.get("definitions", {}), dice, fullness)


def _made(schema: Schema, shared: dict[str, Schema], dice: Random, fullness: float) -> Any:
    if "$ref" in schema:
        return _made(shared[schema["$ref"].rpartition("/")[2]], shared, dice, fullness)
    if "enum" in schema:
        return dice.choice(schema["enum"])
    kind = schema.get("type", "object")
    if kind == "object":
        needed = set(schema.get("required", ()))
        return {
            name: _made(one, shared, dice, fullness)
            for name, one in schema.get("properties", {}).items()
            if name in needed or dice.random() < fullness
        }
    if kind == "array":
        least, most = schema.get("minItems", 0), schema.get("maxItems", 3)
        return [
            _made(schema["items"], shared, dice, fullness)
            for _ in range(dice.randint(least, max(least, min(most, 3))))
        ]
    return _leaf(kind, schema, dice)


def _leaf(kind: str, schema: Schema, dice: Random) -> Any:
    if kind == "string":
        if schema.get("format") == "date-time":
            return MOMENT
        if schema.get("format") == "uri":
            return "https://example.org/x"
        return (
            dice.choice(["1", "7", "A", "true", "äöü", "x" * 400, ""])[: schema.get("maxLength", 400)] or "0"
        )
    if kind == "boolean":
        return dice.random() < 0.5
    least, most = schema.get("minimum", -5), schema.get("maximum", 40)
    if kind == "integer":
        return dice.randint(int(least), int(max(most, least)))
    return round(dice.uniform(least, max(most, least)) * 2) / 2
