"""The reference of busbar.toml as a page for people, from the same structs that read the file."""

from typing import Any

import msgspec

from busbar_shared.config.root import Site

Schema = dict[str, Any]

HEAD = """# Configuration reference

Generated from the structs that read the file, by `busbar config reference`; do not edit.
Every key of `busbar.toml`, with its type, bounds, default and meaning.
[quick-start.md](quick-start.md) makes a first file; `busbar config check` says what is wrong with one.

* A key that is not on this page is an error, and so is a value outside its bounds; the message names the key and the value.
* `<id>` is a name you choose: lower case letters, digits, `-` and `_`, at most 63. It becomes part of topics and entities.
* "left out" in the column Default means that nothing is assumed; what that means stands beside it.
* Secrets are never in the file: a key that names an environment variable `NAME` also takes the file named by `NAME_FILE`.
* The file gives first values and hard bounds. A setting that is changed at run time wins until its value in the file changes."""

OTHERS = """## Environment variables

| Name | Meaning |
|---|---|
| `BUSBAR_CONFIG` | the file, instead of `busbar.toml` in this folder |
| `BUSBAR_STATE_DIR` | where services remember things, instead of the usual place on this system |
| what `broker.password`, `chargeamps.*` and `token` name | secrets; `<NAME>_FILE` names a file that holds one |"""


def reference_page() -> str:
    """Every section and key of busbar.toml, as Markdown."""
    _, schemas = msgspec.json.schema_components([Site], ref_template="{name}")
    parts = [HEAD]
    told: dict[str, str] = {}
    for section, part in schemas["Site"]["properties"].items():
        parts += _section(section, part, schemas, told)
    return "\n\n".join([*parts, OTHERS]) + "\n"


def _section(path: str, part: Schema, schemas: dict[str, Schema], told: dict[str, str]) -> list[str]:
    """One section with its table, and the sections inside it; a table that was told before is named only."""
    name = _struct(part, schemas)
    if name is None:
        return []
    where = f"{path}.<id>" if "additionalProperties" in part else path
    title = f"{'##' if path.count('.') == 0 else '###'} `[{where}]`"
    if name in told:
        return [title, f"As `[{told[name]}]`."]
    told[name] = where
    struct = schemas[name]
    said = [_plain(struct.get("description", "")), _plain(part.get("description", ""))]
    if said[1].startswith(said[0].rstrip(".")) or said[1] == "By id.":
        said = [max(said, key=len)]
    rows = ["| Key | Type | Default | Meaning |", "|---|---|---|---|"]
    required = struct.get("required", [])
    inner: list[str] = []
    for key, field in struct["properties"].items():
        default = "**required**" if key in required else _default(field, schemas)
        rows.append(
            f"| `{key}` | {_kind(field, schemas)} | {default} | {_plain(_find(field, 'description'))} |"
        )
        inner += _section(f"{where}.{key}", field, schemas, told)
    return [title, "\n".join(one for one in said if one), "\n".join(rows), *inner]


def _struct(part: Schema, schemas: dict[str, Schema]) -> str | None:
    """The struct that makes this field a section of its own; None for a plain value."""
    for one in (part, part.get("additionalProperties"), *part.get("anyOf", [])):
        found = one.get("$ref") if isinstance(one, dict) else None
        # A struct that may also be one number is written in line.
        if found and "properties" in schemas[found] and not _plain_too(part):
            return str(found)
    return None


def _plain_too(part: Schema) -> bool:
    return any("$ref" not in one and one.get("type") != "null" for one in part.get("anyOf", []))


def _default(part: Schema, schemas: dict[str, Schema]) -> str:
    value = part.get("default")
    if value is None or (value in ({}, []) and _struct(part, schemas)):
        return "left out"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"`{msgspec.json.encode(value).decode()}`"


def _kind(part: Schema, schemas: dict[str, Schema]) -> str:
    """The type of a value in words, with its unit and bounds."""
    if "anyOf" in part:
        return " or ".join(_kind(one, schemas) for one in part["anyOf"] if one.get("type") != "null")
    if "$ref" in part:
        struct = schemas[part["$ref"]]
        if "enum" in struct:
            return _one_of(struct["enum"])
        return f"{{ {', '.join(struct['properties'])} }}" if "properties" in struct else "table"
    if "enum" in part:
        return _one_of(part["enum"])
    if part.get("type") == "array":
        return f"list of {_kind(part.get('items', {}), schemas)}{_count(part)}"
    if part.get("type") == "object":
        return "table"
    words = {"string": "text", "integer": "whole number", "boolean": "`true` or `false`"}
    word = words.get(str(part.get("type")), str(part.get("type", "any")))
    unit = f", {part['x-unit']}" if "x-unit" in part else ""
    pattern = f" like `{part['pattern']}`".replace("|", "\\|") if "pattern" in part else ""
    return f"{word}{unit}{_bounds(part)}{pattern}"


def _one_of(values: list[Any]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _count(part: Schema) -> str:
    least, most = part.get("minItems"), part.get("maxItems")
    return f", {least or 0} to {most}" if most is not None else ""


def _bounds(part: Schema) -> str:
    """The bounds that say something: those of physics alone (a million amperes) are left out."""
    least = part.get("minimum", part.get("exclusiveMinimum"))
    most = part.get("maximum", part.get("exclusiveMaximum"))
    above = "above " if "exclusiveMinimum" in part else ""
    if most is not None and most < 100_000:
        return f", {above}{least or 0:g} to {most:g}"
    return f", at least {least:g}" if least and not above else f", {above}{least:g}" if above else ""


def _find(part: Schema, what: str) -> str:
    if what in part:
        return str(part[what])
    return next((found for one in part.get("anyOf", []) if (found := _find(one, what))), "")


def _plain(text: str) -> str:
    """In a file nobody writes null: it is left out."""
    text = text.replace("null:", "left out:").replace("null with", "left out with")
    return text.replace("|", "\\|").replace("<", "&lt;")
