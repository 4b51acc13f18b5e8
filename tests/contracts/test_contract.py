"""The contract for outsiders is what the code says, and nobody's program breaks by accident."""

import copy
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from busbar_contracts.compat import breaks
from busbar_contracts.export import as_json, asyncapi, topics_page
from busbar_contracts.topics import TOPICS, match
from busbar_shared.config.describe import schema_text
from busbar_shared.judge import decode

ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / "contracts"
EXAMPLES = sorted((CONTRACTS / "examples").glob("*/*.json"))
MESSAGES = [topic for topic in TOPICS if topic.message is not str]
DOCUMENT = asyncapi()


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("asyncapi.json", lambda: as_json(DOCUMENT)),
        ("TOPICS.md", topics_page),
        ("config.schema.json", schema_text),
    ],
)
def test_published_file_is_current(name: str, made: Any) -> None:
    assert (CONTRACTS / name).read_text(encoding="utf-8") == made(), (
        "run `make contracts` and commit the result"
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_example_is_still_understood(path: Path) -> None:
    [topic] = [one for one in MESSAGES if one.message.__name__ == path.parent.name]

    understood = decode(topic, path.read_bytes())

    assert isinstance(understood, topic.message)
    schema = {"$ref": f"#/components/schemas/{path.parent.name}", "components": DOCUMENT["components"]}
    jsonschema.validate(msgspec.json.decode(path.read_bytes()), schema)


@pytest.mark.parametrize("topic", MESSAGES, ids=lambda topic: topic.message.__name__)
def test_every_message_has_an_example(topic: Any) -> None:
    if topic.message.__name__ == "ScheduleClear":
        pytest.skip("its payload is empty or anything, and is not interpreted")
    assert list((CONTRACTS / "examples" / topic.message.__name__).glob("*.json"))


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"]))
def test_every_field_says_what_it_means(name: str) -> None:
    schema = DOCUMENT["components"]["schemas"][name]
    if name != "str":
        assert schema.get("description"), f"{name} has no sentence of its own"
    mute = [field for field, part in schema.get("properties", {}).items() if not says_something(part)]
    assert mute == []


def says_something(part: dict[str, Any]) -> bool:
    return bool(part.get("description")) or any(says_something(one) for one in part.get("anyOf", []))


def test_names_of_messages_are_unique() -> None:
    assert [name for name in DOCUMENT["components"]["schemas"] if "." in name] == []


def test_one_address_has_one_message_and_one_message_one_address() -> None:
    assert len({topic.address for topic in TOPICS}) == len(TOPICS)
    assert len({topic.message for topic in MESSAGES}) == len(MESSAGES)


@pytest.mark.parametrize(
    "topic", [one for one in TOPICS if one.address.endswith("/set")], ids=lambda one: one.address
)
def test_no_command_is_ever_retained(topic: Any) -> None:
    assert topic.retain is False
    assert topic.qos == 1


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("hems/meter/grid/reading", "hems/meter/{meter}/reading"),
        ("hems/charger/left/1/limit/set", "hems/charger/{charger}/{connector}/limit/set"),
        ("hems/prices/availability", "hems/prices/availability"),
        ("hems/prices/import", "hems/prices/{series}"),
        ("hems/charge-amps/1/schedule/set", "hems/charge-amps/{connector_id}/schedule/set"),
        ("hems/meter/reading", None),
        ("hems/meter/a/b/reading", None),
        ("other/meter/grid/reading", None),
    ],
)
def test_a_topic_is_recognised(name: str, address: str | None) -> None:
    found = match(name)
    assert (found[0].address if found else None) == address


def test_nothing_published_is_broken() -> None:
    tags = subprocess.run(
        ["git", "tag", "--list", "v*", "--sort=-v:refname"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    if not tags:
        pytest.skip("nothing has been released yet")
    old = subprocess.run(
        ["git", "show", f"{tags[0]}:contracts/asyncapi.json"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    assert breaks(msgspec.json.decode(old), DOCUMENT) == []


def change(document: dict[str, Any], name: str, **facts: Any) -> dict[str, Any]:
    changed = copy.deepcopy(document)
    changed["components"]["schemas"][name].update(facts)
    return changed


def test_a_field_that_is_gone_breaks_readers() -> None:
    fields = {
        key: value
        for key, value in DOCUMENT["components"]["schemas"]["MeterReading"]["properties"].items()
        if key != "a"
    }
    assert breaks(DOCUMENT, change(DOCUMENT, "MeterReading", properties=fields)) == ["MeterReading.a: gone"]


def test_a_new_demand_breaks_writers_and_not_readers() -> None:
    required = [*DOCUMENT["components"]["schemas"]["ChargerLimit"]["required"], "number_of_phases"]
    assert breaks(DOCUMENT, change(DOCUMENT, "ChargerLimit", required=required)) == [
        "ChargerLimit.number_of_phases: now demanded"
    ]


def test_a_promise_withdrawn_breaks_readers() -> None:
    assert "MeterReading.at: no longer promised" in breaks(
        DOCUMENT, change(DOCUMENT, "MeterReading", required=["power_w"])
    )


def test_a_moved_topic_is_named() -> None:
    moved = copy.deepcopy(DOCUMENT)
    moved["channels"]["hems_meter_meter_reading"]["address"] = "hems/meters/{meter}/reading"
    assert breaks(DOCUMENT, moved) == ["hems/meter/{meter}/reading: gone or moved"]


def test_the_same_contract_breaks_nobody() -> None:
    assert breaks(DOCUMENT, DOCUMENT) == []
