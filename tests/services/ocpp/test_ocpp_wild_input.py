"""Whatever a charge point or a back office writes, the pure parts answer with a value or a named refusal."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from busbar_ocpp import abilities, composite, frames, hear16, hear201
from busbar_ocpp.draw import Draw, after
from busbar_ocpp.foreign_profiles import ForeignProfiles
from busbar_ocpp.hear16 import Unreadable
from busbar_ocpp.measure import samples
from busbar_ocpp.profile import Scale
from busbar_ocpp.rfc3339 import from_wire
from busbar_ocpp.settings import keys_of, variables_of

SIX_PM = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)

REFUSALS = (None, "ProtocolError", "TypeConstraintViolation", "PropertyConstraintViolation")


def refusal(read: Callable[[], object]) -> str | None:
    """The code with which something was refused, None where it was read."""
    try:
        read()
    except (Unreadable, frames.BadFrame) as error:
        return error.code
    return None


leaf = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=True),
    st.text(max_size=12),
    st.sampled_from(
        ["16", "-1", "1e400", "NaN", "2026-03-01T18:00:00Z", "0001-01-01T00:00:00+14:00", "Accepted"]
    ),
)
words = st.sampled_from(
    ["timestamp", "sampledValue", "value", "unit", "phase", "measurand", "location", "context", "format",
     "unitOfMeasure", "multiplier", "connectorId", "evseId", "status", "transactionId", "transactionInfo",
     "eventType", "meterValue", "chargingSchedule", "chargingSchedulePeriod", "startPeriod", "limit", "duration",
     "stackLevel", "chargingProfileId", "chargingProfilePurpose", "validFrom", "startSchedule", "evse", "id",
     "configurationKey", "key", "component", "variable", "reportData", "variableAttribute"]
)  # fmt: skip
anything = st.recursive(
    leaf,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=5)),
    max_leaves=20,
)
payloads = st.dictionaries(words, anything, max_size=6)


@settings(max_examples=150, deadline=None)
@given(values=anything)
def test_meter_values_never_raise_and_never_become_absurd(values: Any) -> None:
    draw = Draw()
    for sample in samples(values):
        draw = after(draw, sample, SIX_PM, 3, 230.0)

    for figure in (draw.power_w, draw.energy_wh, draw.most_a, draw.soc_percent):
        assert figure is None or math.isfinite(figure)
    assert all(leg.current_a is None or 0 <= leg.current_a < 1e5 for leg in draw.legs)


@settings(max_examples=150, deadline=None)
@given(payload=payloads, action=st.sampled_from([*hear16.SPOKEN, *hear16.NOTES]))
def test_1_6_is_heard_or_refused_by_name(payload: dict[str, Any], action: str) -> None:
    assert refusal(lambda: hear16.read(action, payload)) in REFUSALS


@settings(max_examples=150, deadline=None)
@given(payload=payloads, action=st.sampled_from([*hear201.SPOKEN, *hear201.NOTES]))
def test_2_0_1_is_heard_or_refused_by_name(payload: dict[str, Any], action: str) -> None:
    assert refusal(lambda: hear201.read(action, payload)) in REFUSALS


@settings(max_examples=150, deadline=None)
@given(frame=st.one_of(st.binary(max_size=60), st.text(max_size=60), anything.map(msgspec.json.encode)))
def test_a_frame_is_read_or_has_the_error_it_deserves(frame: str | bytes) -> None:
    assert refusal(lambda: frames.read(frame, "2.0.1")) in (
        None,
        "FormatViolation",
        "MessageTypeNotSupported",
    )


@settings(max_examples=150, deadline=None)
@given(connector=anything, wire=anything, more=payloads)
def test_a_back_offices_profile_is_kept_or_rejected_and_never_below_zero(
    connector: Any, wire: Any, more: dict[str, Any]
) -> None:
    store = ForeignProfiles(230.0, 3)

    assert store.install(connector, wire) in ("Accepted", "Rejected")
    assert store.clear(more) in ("Accepted", "Unknown")
    assert store.cap_a(1, SIX_PM, "7", SIX_PM) >= 0


@settings(max_examples=150, deadline=None)
@given(answer=payloads, text=st.text(max_size=30))
def test_answers_of_any_shape_are_read_as_far_as_they_go(answer: dict[str, Any], text: str) -> None:
    limit = composite.limit_a({"status": "Accepted", **answer}, Scale())
    assert limit is None or 0 <= limit <= composite.MOST_A
    known = {**keys_of(answer), **variables_of(answer), "ChargeProfileMaxStackLevel": text}
    assert abilities.of_16(known, None).level is None
    moment = from_wire(text)
    assert moment is None or moment.tzinfo is UTC
