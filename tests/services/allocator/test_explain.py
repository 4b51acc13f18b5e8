"""`busbar explain`: a sentence for whatever is wrong, an allocation for everything else, never a trace."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from busbar_allocator.commands import app
from busbar_allocator.explain import MORE, answer, answers, more
from busbar_allocator.snapshot import Allocation, Binding, LoadGrant, Snapshot
from busbar_contracts.load import LoadMode
from services.allocator.households import households

HOUSE = {
    "site": {"loads": {"car": {}}},
    "now": {"grid_a": {"a": 5, "b": 5, "c": 5}, "loads": {"car": {"status": "Charging"}}},
}
LINE = json.dumps(HOUSE).encode()


def told(text: bytes) -> str:
    """The sentence with which a snapshot is refused."""
    found = json.loads(answer(text))
    assert list(found) == ["error"]
    return str(found["error"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(b"", "not JSON", id="nothing at all"),
        pytest.param(b"{", "not JSON", id="a truncated object"),
        pytest.param(b"\xff\xfe{}", "not JSON", id="bytes that are no text"),
        pytest.param(b"[]", "snapshot: [] is refused", id="an array"),
        pytest.param(b"null", "snapshot: null is refused", id="null"),
        pytest.param(b"{}", "site: missing", id="an empty object"),
        pytest.param(b'{"site": {}}', "now: missing", id="no measurements"),
        pytest.param(b"[" * 100_000, "snapshot: expected `object`, got `array`", id="brackets without end"),
        pytest.param(b'{"x": ' * 100_000, "x: there is no such field", id="objects without end"),
        pytest.param(
            b'{"site": {}, "now": {}, "x": 1}', "x: there is no such field", id="a field nobody knows"
        ),
        pytest.param(
            b'{"site": {"loads": {"ok": {}, "car": {"min": 6}}}, "now": {}}',
            "site.loads.car.min: there is no such field",
            id="a misspelt field of one of several loads",
        ),
        pytest.param(
            b'{"site": {}, "now": {"grid_a": {"a": "unavailable", "b": 1, "c": 1}}}',
            'now.grid_a.a: "unavailable" is refused',
            id="unavailable where a number belongs",
        ),
        pytest.param(
            b'{"site": {}, "now": {"grid_a": {"a": NaN, "b": 1, "c": 1}}}',
            "now.grid_a.a: nan is not a number",
            id="NaN as other programs write it",
        ),
        pytest.param(
            b'{"site": {}, "now": {"grid_a": {"a": 1e999, "b": 1, "c": 1}}}',
            "now.grid_a.a: Infinity is refused",
            id="a number that is too large for any computer",
        ),
        pytest.param(
            b'{"site": {"loads": {"car": {"mode": "turbo"}}}, "now": {}}',
            'site.loads.car.mode: "turbo" is refused',
            id="a mode that does not exist",
        ),
        pytest.param(
            b'{"site": {"phases": ["a", "d"]}, "now": {}}', 'site.phases.1: "d" is refused', id="a phase d"
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_value(text: bytes, sentence: str) -> None:
    assert sentence in told(text)


@settings(max_examples=300, deadline=None, database=None)
@given(st.binary(max_size=200))
def test_no_bytes_whatever_raise(text: bytes) -> None:
    assert json.loads(answer(text)).keys() == {"error"}


ODD = st.sampled_from(
    [
        None,
        True,
        -1,
        0,
        1e9,
        -1e9,
        1e-300,
        float("nan"),
        float("inf"),
        "",
        "unavailable",
        [],
        {},
        ["a"],
        "a\u0000",
    ]
)


@settings(max_examples=250, deadline=None, database=None)
@given(households(4), st.randoms(use_true_random=False), ODD)
def test_one_odd_value_anywhere_is_refused_or_harmless(
    household: dict[str, Any], dice: Any, odd: Any
) -> None:
    """Whatever one value becomes, the answer is an allocation without overload or a sentence."""
    at: Any = household
    while True:
        key = dice.choice(list(at)) if isinstance(at, dict) else dice.randrange(len(at))
        inner = at[key]
        if not isinstance(inner, dict | list) or not inner or dice.random() < 0.1:
            at[key] = odd
            break
        at = inner

    found = json.loads(answer(json.dumps(household).encode()))

    if "error" in found:
        assert found["error"]
        return
    for circuit in found["circuits"].values():
        for phase, headroom in circuit["headroom_a"].items():
            if headroom is not None and headroom < -0.001:
                assert circuit["granted_a"][phase] < 0.001


def test_json_lines_are_answered_one_by_one_as_they_arrive() -> None:
    def lines() -> Any:
        yield LINE + b"\n"
        arrived.append("first")
        yield b"garbage\n"
        arrived.append("second")
        yield LINE + b"\n"

    arrived: list[str] = []
    found = answers(lines())

    assert "loads" in json.loads(next(found))
    assert arrived == []
    assert "error" in json.loads(next(found))
    assert arrived == ["first"]
    assert "loads" in json.loads(next(found))


def test_one_snapshot_over_many_lines_is_one() -> None:
    text = json.dumps(HOUSE, indent=2).encode().splitlines(keepends=True)

    [found] = answers(text)

    assert json.loads(found)["loads"]["car"]["limit_a"] == 16


def test_lines_that_begin_with_garbage_are_still_answered_each() -> None:
    found = [json.loads(one) for one in answers([b"{oops\n", LINE + b"\n", b"\n", LINE])]

    assert [next(iter(one)) for one in found] == ["error", "loads", "loads"]


def test_the_command_prints_a_table_for_a_person(tmp_path: Path) -> None:
    file = tmp_path / "house.json"
    file.write_text(json.dumps(HOUSE))

    result = CliRunner().invoke(app, ["explain", str(file)])

    assert result.exit_code == 0
    assert "car" in result.stdout
    assert "16 A" in result.stdout


def test_the_command_refuses_with_a_sentence_and_an_exit_code() -> None:
    result = CliRunner().invoke(app, ["explain"], input='{"site": {}, "now": {}}')

    assert result.exit_code == 1
    assert "now.grid_a: missing" in result.output
    assert "Traceback" not in result.output


def test_the_command_answers_json_lines() -> None:
    result = CliRunner().invoke(app, ["explain", "--json"], input=(LINE + b"\nnonsense\n").decode())

    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert first["loads"]["car"]["limit_a"] == 16
    assert "error" in second


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["explain", str(tmp_path / "no.json")])

    assert result.exit_code == 2
    assert "No such file" in result.output


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        pytest.param(
            {"a": 15.95, "b": 5, "c": 5}, "0.1 A less on phase A of main: the house", id="one step on a wire"
        ),
        pytest.param(
            {"a": 22, "b": 5, "c": 5}, "3 A less on phase A of main: the house", id="the minimum on a wire"
        ),
        pytest.param({"a": 0, "b": 0, "c": 0}, "nothing: it has all it can take", id="nothing is missing"),
    ],
)
def test_what_it_would_take_is_a_figure(now: dict[str, float], sentence: str) -> None:
    house = {**HOUSE, "now": {**HOUSE["now"], "grid_a": now}}

    allocation = msgspec.json.decode(answer(json.dumps(house).encode()), type=Allocation)

    assert sentence in more(allocation.loads["car"])


@pytest.mark.parametrize("kind", MORE)
def test_every_kind_of_row_says_what_it_would_take(kind: Any) -> None:
    grant = LoadGrant(
        6, 6, 6, 0, True, LoadMode.STANDARD, "a", "why", Binding(kind, "main", "ab", ("other",))
    )

    assert "{" not in more(grant)


def test_the_published_schema_is_what_the_code_says() -> None:
    """`busbar explain --schema > contracts/explain.schema.json` brings it up to date."""
    result = CliRunner().invoke(app, ["explain", "--schema"])

    published = Path(__file__).parents[3] / "contracts" / "explain.schema.json"
    assert json.loads(published.read_text()) == json.loads(result.stdout)


def test_every_field_of_snapshot_and_allocation_says_what_it_means() -> None:
    _, parts = msgspec.json.schema_components([Snapshot, Allocation])

    for name, part in parts.items():
        assert part.get("description"), name
        for field, described in part.get("properties", {}).items():
            assert described.get("description"), f"{name}.{field}"
