"""The contract for outsiders, made from the structs: AsyncAPI 3.0, and one page for people."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from busbar_contracts import CONTRACT_VERSION
from busbar_contracts.topic import Topic
from busbar_contracts.topics import TOPICS

REF = "#/components/schemas/{name}"


def asyncapi() -> dict[str, Any]:
    """The contract as one AsyncAPI 3.0 document."""
    messages = sorted({topic.message for topic in TOPICS}, key=lambda kind: kind.__name__)
    _, schemas = msgspec.json.schema_components(messages, ref_template=REF)
    schemas["str"] = {"type": "string"}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Busbar",
            "version": CONTRACT_VERSION,
            "description": "Topics and messages of Busbar, a home energy manager. Units stand in `x-unit`. "
            "Ignore fields and enum values you do not know.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {key(topic): channel(topic) for topic in TOPICS},
        "operations": {key(topic): operation(topic) for topic in TOPICS},
        "components": {
            "schemas": without_discriminators(schemas),
            "messages": {
                kind.__name__: {
                    "name": kind.__name__,
                    "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
                }
                for kind in messages
            },
        },
    }


def key(topic: Topic) -> str:
    """A name for tools: the address without slashes and braces."""
    return re.sub(r"[^A-Za-z0-9]+", "_", topic.address).strip("_")


def channel(topic: Topic) -> dict[str, Any]:
    """One address with its message, and how it travels."""
    made: dict[str, Any] = {
        "address": topic.address,
        "summary": topic.summary,
        "messages": {topic.message.__name__: {"$ref": f"#/components/messages/{topic.message.__name__}"}},
        "x-writer": topic.writer,
        "x-max-bytes": topic.max_bytes,
        "x-max-per-s": topic.max_per_s,
        "x-public": topic.public,
    }
    if topic.parameters:
        made["parameters"] = {
            name: {"description": f"Id of the {name.replace('_', ' ')}."} for name in topic.parameters
        }
    return made


def operation(topic: Topic) -> dict[str, Any]:
    """What Busbar does with the address."""
    return {
        "action": topic.direction,
        "channel": {"$ref": f"#/channels/{key(topic)}"},
        "summary": topic.summary,
        "bindings": {"mqtt": {"qos": topic.qos, "retain": topic.retain, "bindingVersion": "0.2.0"}},
    }


def without_discriminators(schemas: Any) -> Any:
    """The same schemas, less the OpenAPI discriminator objects that AsyncAPI does not allow."""
    if isinstance(schemas, Mapping):
        return {
            name: without_discriminators(part) for name, part in schemas.items() if name != "discriminator"
        }
    if isinstance(schemas, list):
        return [without_discriminators(part) for part in schemas]
    return schemas


def as_json(document: dict[str, Any]) -> str:
    """The document as committed: sorted, so that a diff shows only what changed."""
    return msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=1).decode() + "\n"


def topics_page() -> str:
    """Every topic on one page, for people."""
    lines = [
        "# Topics",
        "",
        "Generated from `busbar_contracts/topics.py` by `make contracts`; do not edit.",
        "`hems` is the root topic and configurable. How to read this: [README.md](README.md).",
        "",
        "| Topic | Writer | Message | QoS | Retained | At most | Summary |",
        "|---|---|---|---|---|---|---|",
    ]
    for topic in TOPICS:
        name = "text" if topic.message is str else topic.message.__name__
        lines.append(
            f"| `{topic.address}` | {topic.writer} | {name if name == 'text' else f'[{name}](#{name.lower()})'} "
            f"| {topic.qos} | {'yes' if topic.retain else 'no'} | {topic.max_per_s:g}/s, {topic.max_bytes // 1024 or 1} KiB "
            f"| {topic.summary}{'' if topic.public else ' (internal)'} |"
        )
    _, schemas = msgspec.json.schema_components(
        [topic.message for topic in TOPICS if topic.message is not str], ref_template="{name}"
    )
    for name in sorted(schemas):
        lines += ["", f"## {name}", "", schemas[name].get("description", "")]
        if schemas[name].get("properties"):
            lines += ["", "| Field | Type | Unit | Always there | Meaning |", "|---|---|---|---|---|"]
            required = schemas[name].get("required", [])
            for field, part in schemas[name]["properties"].items():
                lines.append(
                    f"| `{field}` | {_kind(part)} | {_find(part, 'x-unit')} | "
                    f"{'yes' if field in required else 'default ' + _default(part)} | {_find(part, 'description')} |"
                )
        if schemas[name].get("enum"):
            lines += ["", "One of " + ", ".join(f"`{value}`" for value in schemas[name]["enum"]) + "."]
    return "\n".join(lines) + "\n"


def _default(part: dict[str, Any]) -> str:
    value = part.get("default", "unset" if "default" not in part else None)
    text = msgspec.json.encode(value).decode() if not isinstance(value, str) else value or '""'
    return f"`{text if len(text) <= 24 else '…'}`"


def _kind(part: dict[str, Any]) -> str:
    if "$ref" in part:
        return f"[{part['$ref']}](#{part['$ref'].lower()})"
    if "anyOf" in part:
        return " or ".join(_kind(one) for one in part["anyOf"])
    if "enum" in part:
        return " or ".join(f"`{value}`" for value in part["enum"])
    if part.get("type") == "array":
        return f"list of {_kind(part['items'])}" if isinstance(part.get("items"), dict) else "list"
    if part.get("type") == "object" and isinstance(part.get("additionalProperties"), dict):
        return f"map to {_kind(part['additionalProperties'])}"
    return str(part.get("format", part.get("type", "any")))


def _find(part: dict[str, Any], what: str) -> str:
    if what in part:
        return str(part[what])
    return next((found for one in part.get("anyOf", []) if (found := _find(one, what))), "")
