"""Whatever arrives on any topic of the contract: the message, or a refusal with a code. Never anything else.

Golden examples of the contract are bent at random. What was found is kept in tests/corpus/bus, one payload a file,
named after its message; it is tried on every topic of the contract, first of all.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from busbar_contracts.topic import Topic
from busbar_contracts.topics import TOPICS
from busbar_shared.judge import Refused, decode

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parents[1] / "corpus" / "bus"
TYPED = [topic for topic in TOPICS if topic.message is not str]
EXAMPLES: dict[str, list[Any]] = {
    folder.name: [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]
    for folder in (ROOT / "contracts" / "examples").iterdir()
    if folder.is_dir()
}
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63) - 1, 1e308, -1e308, 1e-320, 0.1, "", " ", "\x00", "a" * 5000, "16",
    "NaN", "2026-06-21T10:00:00", "2026-06-21T10:00:00Z", "2026-06-21T10:00:00+99:00", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59", "2026-02-30T00:00:00Z", "é\ud83d", [], [None], [[]], {}, {"": None}, {"a": {"a": {"a": {}}}},
    "+/#", "hems/#", "../..", "<script>", "{{ states }}",
)  # fmt: skip


SHORT = 20
"""Entries of a list that may still be repeated."""


def answered(topic: Topic, payload: bytes) -> None:
    """Judge the payload; a message that is taken can be said again as it was."""
    try:
        message = decode(topic, payload)
    except Refused as refused:
        problem = refused
    else:
        problem = None
    if problem is not None:
        assert problem.code
        assert str(problem)
        return
    again = msgspec.json.encode(message)
    if isinstance(message, msgspec.Struct) and len(again) <= topic.max_bytes:
        assert decode(topic, again) == message


def bent(draw: st.DrawFn, value: Any) -> Any:
    """The value with one thing in it odd, gone, or added."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(value)))
        kind = draw(st.sampled_from(["deeper", "gone", "odd", "renamed", "added"]))
        rest = {name: one for name, one in value.items() if name != key}
        return {
            "deeper": lambda: {**value, key: bent(draw, value[key])},
            "gone": lambda: rest,
            "odd": lambda: {**value, key: draw(st.sampled_from(ODD))},
            "renamed": lambda: {**rest, key.upper(): value[key]},
            "added": lambda: {**value, "x": draw(st.sampled_from(ODD))},
        }[kind]()
    if isinstance(value, list) and value and draw(st.booleans()):
        # Once long is long enough: bent four times it would fill the memory of the machine.
        times = draw(st.sampled_from([1, 1, 50])) if len(value) < SHORT else 1
        return [bent(draw, value[0]), *value[1:], *value] * times
    return draw(st.sampled_from(ODD))


@st.composite
def payloads(draw: st.DrawFn) -> tuple[Topic, bytes]:
    """A topic, and an example of its message bent up to four times, or torn."""
    topic = draw(st.sampled_from(TYPED))
    examples = EXAMPLES.get(getattr(topic.message, "__name__", ""), [])
    value: Any = draw(st.sampled_from(examples)) if examples else {}
    for _ in range(draw(st.integers(1, 4))):
        value = bent(draw, value)
    raw = json.dumps(value).encode("utf-8", "surrogatepass")
    torn = draw(st.sampled_from(["whole", "whole", "whole", "cut", "twice", "noise"]))
    if torn == "cut":
        raw = raw[: draw(st.integers(0, len(raw)))]
    elif torn == "twice":
        raw += raw
    elif torn == "noise":
        at = draw(st.integers(0, len(raw)))
        raw = raw[:at] + draw(st.binary(min_size=1, max_size=8)) + raw[at:]
    return topic, raw


def test_every_message_of_the_contract_has_an_example_to_bend() -> None:
    names = {getattr(topic.message, "__name__", "") for topic in TYPED}
    assert names - set(EXAMPLES) <= {"ScheduleClear"}, "add examples, or they are not fuzzed"


@pytest.mark.parametrize("name", sorted(one.name for one in CORPUS.iterdir()))
def test_what_was_found_once_stays_answered_on_every_topic(name: str) -> None:
    for topic in TYPED:
        answered(topic, (CORPUS / name).read_bytes())


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(payloads())
def test_a_bent_message_is_taken_or_refused(given_one: tuple[Topic, bytes]) -> None:
    answered(*given_one)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(TYPED), st.binary(max_size=300))
def test_any_bytes_are_taken_or_refused(topic: Topic, payload: bytes) -> None:
    answered(topic, payload)
