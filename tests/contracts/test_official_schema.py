"""The published document is AsyncAPI by its own schema, which is not part of this repository.

BUSBAR_TEST_ASYNCAPI names the schema of version 3.0.0, for example that of the npm package @asyncapi/specs;
CONTRIBUTING.md says how to get it.
"""

import copy
import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

SCHEMA = os.environ.get("BUSBAR_TEST_ASYNCAPI", "")
DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[2] / "contracts" / "asyncapi.json").read_text())

pytestmark = pytest.mark.skipif(not SCHEMA, reason="BUSBAR_TEST_ASYNCAPI names no schema of AsyncAPI")


def faults(document: dict[str, Any]) -> list[str]:
    schema = json.loads(Path(SCHEMA).read_text(encoding="utf-8"))
    checker = jsonschema.validators.validator_for(schema)(schema)
    return [one.message for one in checker.iter_errors(document)]


def test_the_document_has_no_fault() -> None:
    assert faults(DOCUMENT) == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param(
            ("operations", "hems_meter_meter_reading", "action"), "shout", id="an action there is not"
        ),
        pytest.param(("channels", "hems_meter_meter_reading", "address"), 5, id="an address that is no text"),
        pytest.param(("asyncapi",), "9.9.9", id="a version there is not"),
    ],
)
def test_a_fault_would_be_found(place: tuple[str, ...], value: Any) -> None:
    broken: Any = copy.deepcopy(DOCUMENT)
    inside = broken
    for step in place[:-1]:
        inside = inside[step]
    inside[place[-1]] = value

    assert faults(broken) != []
