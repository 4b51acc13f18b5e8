"""A change of contract is breaking or not by the table in contracts/README.md, for readers and for writers."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from busbar_cli.contract_commands import app
from busbar_contracts.compat import breaks

CONTRACTS = Path(__file__).parents[2] / "contracts"


def document(schema: dict[str, Any], action: str = "send", **channel: Any) -> dict[str, Any]:
    """A contract with one topic, whose message is this schema, and a type beside it."""
    return {
        "channels": {"t": {"address": "hems/t", "messages": {"Word": {}}, **channel}},
        "operations": {"t": {"action": action, "bindings": {"mqtt": {"qos": 1}}}},
        "components": {"schemas": {"Word": schema, "Part": PART}},
    }


PART = {"type": "object", "properties": {"x": {"type": "number", "x-unit": "W"}}, "required": ["x"]}
NUMBER = {"type": "number", "minimum": 0, "maximum": 10, "x-unit": "A"}
REF = {"$ref": "#/components/schemas/Part"}
NULL = {"type": "null"}


def fields(required: tuple[str, ...] = (), **parts: Any) -> dict[str, Any]:
    return {"type": "object", "properties": parts, "required": list(required)}


@pytest.mark.parametrize(
    ("old", "new", "readers", "writers"),
    [
        pytest.param(fields(a=NUMBER), fields(), ["Word.a: gone"], ["Word.a: gone"], id="a field is removed"),
        pytest.param(fields(), fields(a=NUMBER), [], [], id="a field is added that nobody must give"),
        pytest.param(
            fields(), fields(("a",), a=NUMBER), [], ["Word.a: now demanded"], id="a field is added and demanded"
        ),
        pytest.param(
            fields(("a",), a=NUMBER), fields(a=NUMBER), ["Word.a: no longer promised"], [],
            id="a field is no longer promised",
        ),
        pytest.param(
            fields(a=NUMBER), fields(a={**NUMBER, "x-unit": "mA"}), ["Word.a: x-unit was A, is mA"],
            ["Word.a: x-unit was A, is mA"], id="another unit",
        ),
        pytest.param(
            fields(a=NUMBER), fields(a={"type": "string"}), ["Word.a: type was number, is string"],
            ["Word.a: type was number, is string"], id="another type",
        ),
        pytest.param(
            fields(a={"enum": ["on", "off"]}), fields(a={"enum": ["on"]}), ["Word.a: no longer ['off']"],
            ["Word.a: no longer ['off']"], id="an allowed value is removed",
        ),
        pytest.param(fields(a={"enum": ["on"]}), fields(a={"enum": ["on", "auto"]}), [], [], id="a value is added"),
        pytest.param(
            fields(a=NUMBER), fields(a={**NUMBER, "maximum": 5}), [], ["Word.a: maximum was 10, is 5"],
            id="a smaller maximum",
        ),
        pytest.param(fields(a=NUMBER), fields(a={**NUMBER, "maximum": 50}), [], [], id="a larger maximum"),
        pytest.param(
            fields(a={"type": "string"}), fields(a={"type": "string", "maxLength": 9}), [],
            ["Word.a: maxLength was None, is 9"], id="a text may no longer be long",
        ),
        pytest.param(
            fields(a={"type": "string"}), fields(a={"type": "string", "pattern": "^x"}), [],
            ["Word.a: pattern was None, is ^x"], id="a text must look so",
        ),
        pytest.param(
            fields(a=NUMBER), fields(a={"anyOf": [NUMBER, NULL]}), ["Word.a: may now be null"], [],
            id="a figure may be unknown from now on",
        ),
        pytest.param(
            fields(a={"anyOf": [NUMBER, NULL]}), fields(a=NUMBER), ["Word.a: may no longer be null"],
            ["Word.a: may no longer be null"], id="a figure may no longer be unknown",
        ),
        pytest.param(
            fields(a={"anyOf": [NUMBER, NULL]}), fields(a={"anyOf": [NULL, NUMBER]}), [], [],
            id="the order of alternatives means nothing",
        ),
        pytest.param(
            fields(a={"anyOf": [{**NUMBER, "x-unit": "A"}, NULL]}), fields(a={"anyOf": [{**NUMBER, "x-unit": "W"}, NULL]}),
            ["Word.a: x-unit was A, is W"], ["Word.a: x-unit was A, is W"], id="another unit of what may be unknown",
        ),
        pytest.param(
            fields(a={"type": "object"}), fields(a={"type": "object", "additionalProperties": False}), [],
            ["Word.a: unknown fields are no longer taken"], id="unknown fields are an error from now on",
        ),
    ],
)  # fmt: skip
def test_what_a_change_breaks_for_readers_and_for_writers(
    old: dict[str, Any], new: dict[str, Any], readers: list[str], writers: list[str]
) -> None:
    assert breaks(document(old), document(new)) == readers
    assert breaks(document(old, "receive"), document(new, "receive")) == writers


@pytest.mark.parametrize(
    ("schema", "where"),
    [
        pytest.param(fields(a=REF), "Word.a.x", id="in a part"),
        pytest.param(
            fields(a={"type": "object", "additionalProperties": REF}),
            "Word.a.*.x",
            id="in the values of a map",
        ),
        pytest.param(fields(a={"type": "array", "items": REF}), "Word.a[].x", id="in the items of a list"),
        pytest.param(fields(a={"anyOf": [REF, NULL]}), "Word.a.x", id="in a part that may be missing"),
    ],
)
def test_a_change_deep_inside_is_found(schema: dict[str, Any], where: str) -> None:
    changed = copy.deepcopy(document(schema))
    changed["components"]["schemas"]["Part"]["properties"]["x"]["x-unit"] = "kW"

    assert breaks(document(schema), changed) == [f"{where}: x-unit was W, is kW"]


def test_a_type_that_contains_itself_comes_to_an_end() -> None:
    loop = document(fields(a=REF))
    loop["components"]["schemas"]["Part"] = fields(again=REF, x={"type": "number"})
    changed = copy.deepcopy(loop)
    del changed["components"]["schemas"]["Part"]["properties"]["x"]

    assert breaks(loop, changed) == ["Word.a.x: gone"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param({"address": "hems/u"}, "hems/t: gone or moved", id="moved"),
        pytest.param({"x-public": False}, "hems/t: no longer promised", id="internal from now on"),
        pytest.param({"x-max-bytes": 10}, "hems/t: max-bytes was 20, is 10", id="less is taken"),
    ],
)
def test_a_topic_that_changes_is_named(change: dict[str, Any], sentence: str) -> None:
    facts = {"x-max-bytes": 20, "x-public": True}
    old = document(fields(), "receive", **facts)
    new = document(fields(), "receive", **{**facts, **change})

    assert breaks(old, new) == [sentence]


def test_an_internal_topic_may_go() -> None:
    old = document(fields(), **{"x-public": False})

    assert breaks(old, {"channels": {}, "operations": {}, "components": {"schemas": {}}}) == []


def test_a_message_that_is_retained_from_now_on_breaks() -> None:
    new = document(fields())
    new["operations"]["t"]["bindings"]["mqtt"]["retain"] = True

    assert breaks(document(fields()), new) == ["hems/t: travels differently (QoS or retained)"]


@pytest.mark.parametrize(
    ("text", "code", "sentence"),
    [
        pytest.param(
            json.dumps(document(fields(a=NUMBER))), 1, "hems/t: gone or moved", id="a contract of others"
        ),
        pytest.param((CONTRACTS / "asyncapi.json").read_text(), 0, "0 changes", id="our own"),
        pytest.param("{", 2, "old.json", id="half a file"),
        pytest.param('{"a": 1}', 2, "not asyncapi.json", id="another file"),
    ],
)
def test_the_command_says_what_would_break_and_how_it_ended(
    tmp_path: Path, text: str, code: int, sentence: str
) -> None:
    file = tmp_path / "old.json"
    file.write_text(text, encoding="utf-8")

    done = CliRunner().invoke(app, ["compare", str(file)])

    assert done.exit_code == code
    assert sentence in done.output
