"""The configuration described for editors (JSON Schema) and for people (an example), from the structs themselves."""

import typing
from typing import Any

import msgspec

from busbar_shared.config.root import Site

SAMPLE: dict[str, dict[str, dict[str, Any]]] = {
    "circuits": {
        "main": {"limit_a": 25, "meter": "grid", "assumed_background_a": 15},
        "garage": {"limit_a": 20, "parent": "main", "background_a": 0},
    },
    "meters": {"grid": {"modbus": {"host": "192.168.1.20", "unit": 200}}},
    "inverters": {"roof": {"modbus": {"host": "192.168.1.20"}, "hybrid": True}},
    "batteries": {"house": {"modbus": {"host": "192.168.1.20"}, "inverter": "roof"}},
    "chargers": {"left": {"circuit": "garage", "mode": "solar_priority"}},
    "plugs": {"pump": {"topic": "shellyplugsg3-aabbccddeeff", "rating_w": 900, "mode": "solar_only"}},
    "heaters": {"tank": {"plug": "pump", "mode": "excess"}},
}
"""What the example fills in where there is no default that would be true anywhere."""

SHOWN = ("site", "broker", "circuits", "meters", "inverters", "batteries", "ocpp", "chargers", "plugs", "heaters",
         "battery_flow", "prices", "log")  # fmt: skip


def schema_text() -> str:
    """The JSON Schema of busbar.toml."""
    schema = msgspec.json.schema(Site)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "busbar.toml"
    return msgspec.json.format(msgspec.json.encode(schema, order="sorted"), indent=1).decode() + "\n"


def example_text() -> str:
    """An example of busbar.toml: what is often changed is written, the rest stands as comments with its default."""
    lines = ["# busbar.toml: one house. `busbar config check` says what is wrong with it.", ""]
    kinds = typing.get_type_hints(Site, include_extras=True)
    for section in SHOWN:
        kind, description = _plain(kinds[section])
        if section in SAMPLE:
            entry = typing.get_args(kind)[1]
            for name, values in SAMPLE[section].items():
                lines += [f"[{section}.{name}]", *_fields(entry, values), ""]
        else:
            struct = next(
                one for one in (*typing.get_args(kind), kind) if isinstance(one, type) and _is_struct(one)
            )
            lines += [f"[{section}]  # {description}", *_fields(struct, {}), ""]
    return "\n".join(lines)


def _is_struct(kind: type) -> bool:
    return issubclass(kind, msgspec.Struct)


def _fields(struct: type, values: dict[str, Any]) -> list[str]:
    lines = []
    hints = typing.get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        _, description = _plain(hints[field.name])
        if field.name in values:
            lines.append(f"{field.name} = {_toml(values[field.name])}  # {description}")
        else:
            default = None if field.default is msgspec.NODEFAULT else field.default
            shown = "" if default is None or default == {} else f"{_toml(default)}"
            lines.append(f"# {field.name} = {shown}  # {description}")
    return lines


def _plain(hint: Any) -> tuple[Any, str]:
    """The type without its annotations, and its description."""
    if typing.get_origin(hint) is typing.Annotated:
        kind, *notes = typing.get_args(hint)
        text = next(
            (note.description for note in notes if isinstance(note, msgspec.Meta) and note.description), ""
        )
        return kind, text.replace("null:", "left out:")
    return hint, ""


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    return f"{value:g}" if isinstance(value, float) else str(value)
