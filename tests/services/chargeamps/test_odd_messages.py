"""Messages and answers that are JSON and yet nothing one could write down again, and clocks that are far out.

A character outside the basic plane is escaped in JSON as two halves; a half alone is valid JSON, is taken
by most parsers, and can be neither stored nor sent.
"""

import json
from collections.abc import AsyncIterator

import pytest

from busbar_chargeamps.asked import answer, what_would_you_plan, what_would_you_say
from busbar_simulator.charge_amps_cloud.cloud import Fault
from services.chargeamps.household import NOW, TONIGHT, Household, MakeHouse, living

HALF = "\ud800"


@pytest.fixture
async def house(make: MakeHouse) -> AsyncIterator[Household]:
    made = make()
    async with living(made):
        await made.wait(seconds=5)
        yield made


@pytest.mark.parametrize(
    ("more", "result", "code"),
    [
        pytest.param({"source": HALF}, "rejected", "source_invalid", id="as the sender's label"),
        pytest.param({"source_id": f"a{HALF}"}, "rejected", "source_invalid", id="as its alias"),
        pytest.param({"command_id": HALF}, "accepted", None, id="as an id to be echoed"),
        pytest.param({"max_current": HALF}, "rejected", "max_current_type", id="as a current"),
        pytest.param({"expires_at": HALF}, "rejected", "timestamp_invalid", id="as a time"),
        pytest.param({HALF: HALF}, "accepted", None, id="in a field nobody knows"),
        pytest.param({"source": "\x00"}, "accepted", None, id="and a zero byte is a character"),
    ],
)
async def test_half_a_character_stops_nothing(
    house: Household, more: dict[str, str], result: str, code: str | None
) -> None:
    await house.send(TONIGHT | more)
    await house.wait(seconds=30)
    await house.restart()
    await house.wait(seconds=30)

    assert not house.died
    assert house.status.last_command_result == result
    assert (house.status.last_command_error and house.status.last_command_error.code) == code
    assert house.status.command_id is None


async def test_half_a_character_as_a_key_that_stands_twice_is_named_as_far_as_it_can_be(
    house: Household,
) -> None:
    await house.send(rb'{"\ud800": 1, "\ud800": 2, "periods": []}')
    assert house.status.last_command_error is not None
    assert (house.status.last_command_error.code, house.status.last_command_error.path) == (
        "payload_duplicate_key",
        "?",
    )


async def test_prices_in_half_a_currency_are_prices(make: MakeHouse) -> None:
    house = make(operation_mode="standalone")
    async with living(house):
        slot = {"start": "2025-12-04T21:00:00Z", "end": "2025-12-04T22:00:00Z", "price": 0.1}
        house.bus.feed_raw("hems/prices/import", json.dumps({"currency": HALF, "slots": [slot]}))
        await house.wait(seconds=30)
        assert (house.status.plan_state, house.status.currency) == ("scheduled", None)


@pytest.mark.parametrize("path", ["/auth/login", "/users/chargepoints/owned", "/smartChargingSchedules"])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            rb'[{"id": "2106037142M", "connectors": [{"connectorId": 1, "mode": "\ud800"}]}]', id="a mode"
        ),
        pytest.param(rb'[{"connectorId": 1, "timeZone": "\udfff"}]', id="a schedule"),
        pytest.param(rb'{"token": "\ud800"}', id="a token"),
        pytest.param('{"token": "sécret\\n"}'.encode(), id="a token that no header can carry"),
    ],
)
async def test_a_cloud_that_answers_in_half_characters_is_a_silent_cloud(
    make: MakeHouse, path: str, body: bytes
) -> None:
    house = make()
    async with living(house):
        house.cloud.expire_tokens()
        house.cloud.faults.append(Fault("status", 200, body, path=path, times=6))
        await house.send(NOW)
        await house.wait(minutes=30)
        assert not house.died
        assert house.status.sync == "synced"


@pytest.mark.parametrize("status", [200, 400])
async def test_a_refusal_in_half_characters_is_a_refusal(make: MakeHouse, status: int) -> None:
    house = make()
    async with living(house):
        body = rb'{"messageCode": "\ud800", "message": "\ud800"}'
        house.cloud.faults.append(Fault("status", status, body, method="PUT", times=1))
        await house.send(NOW)
        await house.wait(minutes=5)
        assert not house.died


async def test_a_sender_whose_clock_is_years_ahead_does_not_lock_out_the_next(house: Household) -> None:
    await house.send(TONIGHT | {"issued_at": "2099-01-01T00:00:00Z"})
    await house.send(NOW | {"issued_at": "2025-12-04T19:00:01Z"})
    assert house.status.last_command_result == "accepted"
    await house.send(TONIGHT | {"issued_at": "2025-12-04T19:00:00Z"})
    assert house.status.last_command_error is not None
    assert house.status.last_command_error.code == "stale_command"


async def test_an_empty_set_is_no_sign_of_a_living_hems(house: Household) -> None:
    await house.send(b"")
    assert (house.status.last_command_result, house.status.last_hems_command_at) == ("ignored", None)
    await house.send(b"nonsense")
    assert house.status.last_command_result == "rejected"
    assert house.status.last_hems_command_at is not None


@pytest.mark.parametrize("kept", ["unexpired", "2025-12-04T23:00:00+01:00", True, {"source": "hems"}])
def test_whoever_asks_may_say_in_a_word_that_a_schedule_is_kept(kept: object) -> None:
    question = {"now": "2025-12-04T20:00:00+01:00", "payload": TONIGHT, "retain": True}
    told = answer(json.dumps(question | {"persisted_schedule": kept}), what_would_you_say)
    assert (told["decision"], told["code"]) == ("ignore", "retained_set_superseded")


@pytest.mark.parametrize("kept", ["expired", "none", "2025-12-04T19:00:00+01:00", None, False, {}])
def test_or_that_none_is_in_force(kept: object) -> None:
    question = {"now": "2025-12-04T20:00:00+01:00", "payload": TONIGHT, "retain": True}
    told = answer(json.dumps(question | {"persisted_schedule": kept}), what_would_you_say)
    assert told["decision"] == "accept"


SLOT = {"start": "2025-12-04T22:00:00+01:00", "end": "2025-12-04T23:00:00+01:00", "price": 0.1}


@pytest.mark.parametrize(
    ("question", "state"),
    [
        pytest.param({"slots": []}, "waiting_for_prices", id="no slot, at whatever time"),
        pytest.param({"slots": [SLOT]}, "scheduled", id="seen from the first slot"),
        pytest.param(
            {"slots": [SLOT], "now": "2025-12-05T00:00:00+01:00"}, "waiting_for_prices", id="a day later"
        ),
    ],
)
def test_a_question_without_a_time_is_asked_at_the_first_slot(
    question: dict[str, object], state: str
) -> None:
    assert answer(json.dumps(question), what_would_you_plan)["state"] == state


@pytest.mark.parametrize(
    ("question", "path"),
    [
        pytest.param({"now": "2025-12-04T20:00:00", "slots": []}, "now", id="a time without offset"),
        pytest.param({"now": "2025-12-04T20:00:00Z", "timezone": "Mars/Olympus"}, "timezone", id="no zone"),
        pytest.param({"now": "2025-12-04T20:00:00Z", "top_x": 0}, "top_x", id="no level"),
        pytest.param({"now": "2025-12-04T20:00:00Z", "threshold": "x"}, "threshold", id="no threshold"),
        pytest.param({"now": "2025-12-04T20:00:00Z", "slots": "x"}, "slots", id="no list"),
        pytest.param({"slots": [7]}, "now", id="no time anywhere"),
    ],
)
def test_a_question_that_cannot_be_answered_names_the_field(question: dict[str, object], path: str) -> None:
    assert answer(json.dumps(question), what_would_you_plan)["error"]["path"] == path
