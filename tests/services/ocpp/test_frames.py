"""Frames: what is sent is what the official schemas allow."""

import pytest

from busbar_ocpp import frames


async def test_a_call_that_the_schema_allows_is_written() -> None:
    text = await frames.call("7", "Reset", {"type": "Soft"}, "1.6")

    assert frames.read(text, "1.6") == frames.Call("7", "Reset", {"type": "Soft"})


async def test_a_call_that_the_schema_forbids_is_not_sent() -> None:
    with pytest.raises(frames.OffSchema, match="Reset"):
        await frames.call("7", "Reset", {"type": "Gently"}, "1.6")


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_refused_setting_does_not_tell_its_value(version: str) -> None:
    action = "ChangeConfiguration" if version == "1.6" else "SetVariables"
    with pytest.raises(frames.OffSchema) as caught:
        await frames.call("7", action, {"key": "AuthorizationKey", "value": 5, "secret": "hunter2"}, version)

    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param('[3,"7",{"a":1}]', frames.Result("7", {"a": 1}), id="an answer"),
        pytest.param('[3,"7",null]', frames.Result("7", {}), id="an answer without a payload"),
        pytest.param(
            '[4,"7","GenericError","why",{}]', frames.Error("7", "GenericError", "why"), id="an error"
        ),
        pytest.param(
            '[4,"7","GenericError"]', frames.Error("7", "GenericError", ""), id="an error cut short"
        ),
    ],
)
def test_answers(text: str, message: object) -> None:
    assert frames.read(text, "1.6") == message
