"""What a person types for topics is understood, or said to be wrong, before a broker hangs up."""

import pytest

from busbar_cli.topic_filter import below, fault


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        pytest.param("charger/#", None, id="all chargers"),
        pytest.param("#", None, id="everything"),
        pytest.param("charger/+/+/state", None, id="every state"),
        pytest.param("meter/grid/reading", None, id="one topic"),
        pytest.param("zähler/#", None, id="letters of any language"),
        pytest.param("charger#", "the last step and alone", id="a forgotten slash"),
        pytest.param("#/state", "the last step and alone", id="a sign in the middle"),
        pytest.param("charger/left+", "one whole step", id="a sign inside a word"),
        pytest.param("", "empty", id="nothing"),
        pytest.param("a\0b", "no broker", id="a zero"),
        pytest.param("a" * 70_000, "no broker", id="longer than MQTT has room for"),
    ],
)
def test_a_filter_is_judged(text: str, wrong: str | None) -> None:
    found = fault(text)

    assert found is None if wrong is None else found is not None and wrong in found


@pytest.mark.parametrize(
    ("root", "text", "filter_"),
    [
        pytest.param("hems", "charger/#", "hems/charger/#", id="below the root"),
        pytest.param("hems", "hems/charger/#", "hems/charger/#", id="the root was typed too"),
        pytest.param("sites/7/hems", "sites/7/hems/#", "sites/7/hems/#", id="a long root was typed too"),
        pytest.param("hems", "hems", "hems/#", id="only the root was typed"),
        pytest.param("hems", "", "hems/#", id="nothing was typed"),
        pytest.param("hems", "hems2/#", "hems/hems2/#", id="another word with the same beginning"),
    ],
)
def test_what_is_typed_is_below_the_root(root: str, text: str, filter_: str) -> None:
    assert below(root, text) == filter_
