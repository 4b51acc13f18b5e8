"""Every message that an automation of the docs publishes is one that Busbar takes."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from busbar_contracts.topics import match
from busbar_shared.judge import decode

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 5, 10, 12, 0, tzinfo=UTC)


class Number(float):
    """A number that a Jinja filter can be applied to."""

    def __or__(self, wanted: Any) -> Any:
        return wanted(self)


TRIGGERS = [
    SimpleNamespace(id=name, to_state=SimpleNamespace(state=state))
    for name, state in [("standard", "on"), ("solar_priority", "off"), ("car", "on"), ("pool", "off")]
]


def rendered(template: str, trigger: SimpleNamespace) -> bytes:
    """What Home Assistant makes of a template: the ones of the docs are also Python, but for the last filter."""
    found = re.fullmatch(r"\{\{(.*)\| to_json \}\}", template.strip(), re.S)
    if found is None:
        return template.encode()
    moment = SimpleNamespace(timestamp=lambda: Number(NOW.timestamp()), isoformat=NOW.isoformat)
    names = {"trigger": trigger, "now": lambda: moment, "utcnow": lambda: moment, "int": int}
    return json.dumps(eval(found[1].strip(), {"__builtins__": {}}, names)).encode()


def published() -> list[Any]:
    """Every publish action of the page."""
    text = (ROOT / "docs" / "automations.md").read_text(encoding="utf-8")
    found = []
    for block in re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S):
        automation = yaml.safe_load(block)
        assert {"alias", "triggers", "actions"} <= automation.keys()
        for action in automation["actions"]:
            if action["action"] == "mqtt.publish":
                found.append(
                    pytest.param(action["data"], id=f"{automation['alias']}, {action['data']['topic']}")
                )
    return found


@pytest.mark.parametrize("data", published())
def test_what_an_automation_publishes_is_in_the_contract(data: dict[str, Any]) -> None:
    found = match(data["topic"])
    assert found is not None
    assert found[0].direction == "receive"
    assert data.get("retain", False) is False
    assert data["qos"] == 1

    for trigger in TRIGGERS:
        if (
            data["topic"].endswith("settings/set")
            and "trigger.id}" in data["payload"]
            and trigger.id in ("car", "pool")
        ):
            continue  # the ids of another automation
        decode(found[0], rendered(data["payload"], trigger))


def test_a_wrong_payload_would_be_found() -> None:
    found = match("hems/load/garage-1/settings/set")
    assert found is not None
    with pytest.raises(Exception, match="mood"):
        decode(found[0], rendered('{{ {"mood": trigger.id} | to_json }}', TRIGGERS[0]))
