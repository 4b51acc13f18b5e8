"""Evenings planned from prices."""

import json

import pytest

from busbar_simulator.charge_amps_cloud.cloud import Fault
from services.chargeamps.household import NOW, TOPIC, MakeHouse, living


async def test_as_publisher_busbar_sends_the_cheap_windows_over_the_contract(make: MakeHouse) -> None:
    house = make(publisher="allocator", top_x_charge_count=1)
    async with living(house):
        await house.publish_prices(*[0.20] * 22, 0.05, 0.20)
        sent = [json.loads(raw) for topic, raw in house.bus.said_raw if topic == f"{TOPIC}/schedule/set"]
        assert [(one["source"], one["periods"]) for one in sent] == [
            ("allocator", [{"start": "2025-12-04T22:00:00+01:00", "end": "2025-12-04T23:00:00+01:00"}])
        ]
        await house.send(sent[0])
        await house.wait(seconds=30)
        assert house.puts == ["put 338400-342000@16"]


async def test_as_publisher_busbar_sends_the_next_day_when_it_begins(make: MakeHouse) -> None:
    house = make(publisher="allocator", top_x_charge_count=1)
    async with living(house):
        # Three days of prices, known at once: the cheap hour is the last of each.
        await house.publish_prices(*([0.20] * 23 + [0.05]) * 3)
        await house.wait(hours=4, minutes=1)
        sent = [json.loads(raw) for topic, raw in house.bus.said_raw if topic == f"{TOPIC}/schedule/set"]
        assert [[one["start"][:13] for one in message["periods"]] for message in sent] == [
            ["2025-12-04T23", "2025-12-05T23"],
            ["2025-12-05T23", "2025-12-06T23"],
        ]


@pytest.mark.parametrize(
    ("prices", "code"),
    [
        pytest.param(b"\xff", "payload_not_utf8", id="no text"),
        pytest.param(b"{", "payload_not_json", id="half a message"),
        pytest.param(b"7", "payload_not_object", id="a number"),
        pytest.param(b'{"slots": 7}', "slots_missing", id="no list"),
        pytest.param(b'{"unit": "EUR/day", "slots": []}', "unit_unknown", id="a unit nobody knows"),
        pytest.param(json.dumps([{}] * 1001).encode(), "slots_too_many", id="too many slots"),
        pytest.param(b" " * 300_000, "payload_too_large", id="too many bytes"),
        pytest.param(
            b"""[{"start": "2025-12-04T20:00:00Z", "end": "2025-12-04T21:00:00Z", "price": 0.1},
                 {"start": "2025-12-04T20:30:00Z", "end": "2025-12-04T21:30:00Z", "price": 0.2}]""",
            "prices_contradict",
            id="two prices for one time",
        ),
    ],
)
async def test_bad_prices_leave_the_plan_of_the_good_ones(make: MakeHouse, prices: bytes, code: str) -> None:
    house = make(operation_mode="standalone", top_x_charge_count=1)
    async with living(house):
        await house.publish_prices(*[0.20] * 22, 0.05, 0.20)
        await house.wait(seconds=30)
        house.bus.feed_raw("hems/prices/import", prices)
        await house.wait(minutes=2)
        assert [found for found, _ in house.bus.events] == [code]
        assert (house.puts, house.status.plan_state) == (["put 338400-342000@16"], "scheduled")


async def test_entries_without_a_price_are_counted_and_a_deleted_topic_is_no_price(make: MakeHouse) -> None:
    house = make(operation_mode="standalone", top_x_charge_count=1)
    async with living(house):
        good = {"start": "2025-12-04T21:00:00Z", "end": "2025-12-04T22:00:00Z", "price": 0.05}
        bad = good | {"start": "2025-12-04T22:00:00", "price": None}
        house.bus.feed_raw("hems/prices/import", json.dumps([good, bad, 7]))
        house.bus.feed_raw("hems/prices/import", b"")
        await house.wait(seconds=30)
        assert (house.status.detail["prices_dropped"], house.bus.events) == (2, [])
        assert house.status.planned_minutes == 60

        house.bus.feed_raw("hems/prices/import", json.dumps([good]))
        await house.wait(seconds=30)
        assert "prices_dropped" not in house.status.detail


@pytest.mark.parametrize(
    ("unit", "price"),
    [("EUR/MWh", 50.03), ("c/kWh", 5.003), ("EUR/Wh", 0.00005003), ("ct/MWh", 5003), ("EUR/kWh", 0.05003)],
)
async def test_a_price_equal_to_the_threshold_counts_in_whatever_unit_it_comes(
    make: MakeHouse, unit: str, price: float
) -> None:
    house = make(operation_mode="standalone", price_threshold=0.05003)
    async with living(house):
        slot = {"start": "2025-12-04T21:00:00Z", "end": "2025-12-04T22:00:00Z", "price": price}
        house.bus.feed_raw("hems/prices/import", json.dumps({"unit": unit, "slots": [slot]}))
        await house.wait(seconds=30)
        assert (house.status.plan_state, house.status.price_threshold_active) == ("scheduled", False)


async def test_no_slot_cheap_enough_removes_the_schedule_and_says_so(make: MakeHouse) -> None:
    house = make(operation_mode="standalone", top_x_charge_count=1)
    house.charger.plug()
    async with living(house):
        await house.publish_prices(*[0.20] * 22, 0.05, 0.20)
        await house.wait(seconds=30)
        await house.publish_prices(*[0.40] * 24)
        await house.wait(minutes=1)
        status = house.status
        assert (status.plan_state, status.price_threshold_active, status.schedule_source) == (
            "no_eligible_slots",
            True,
            "none",
        )
        assert (house.charger.schedule, house.draws) == (None, 0.0)


async def test_the_status_says_what_the_plan_comes_to(make: MakeHouse) -> None:
    house = make(operation_mode="standalone", top_x_charge_count=1)
    async with living(house):
        await house.publish_prices(*[0.20] * 22, 0.05, 0.20)
        await house.wait(seconds=30)
        status = house.status
        assert (status.planned_minutes, status.planned_kwh, status.planned_cost) == (60, 11.04, 0.552)
        assert (status.currency, status.applied, status.applied_max_current) == ("EUR", True, 16)


async def test_the_status_says_what_was_measured_on_each_leg_and_when(make: MakeHouse) -> None:
    house = make()
    house.charger.plug(phases=1)
    async with living(house):
        await house.send(NOW)
        await house.wait(seconds=40)
        status = house.status
        assert status.l1 is not None
        assert (status.l1.current_a, status.l1.voltage_v) == (16.0, 230.0)
        assert status.l2 is not None
        assert status.l2.current_a == 0.0
        assert (status.online, status.connector_mode, status.connector_status) == (
            True,
            "Schedule",
            "Charging",
        )
        assert status.measured_at is not None
        assert 0 <= (house.clock.now() - status.measured_at).total_seconds() <= 40

        house.cloud.faults.append(Fault("lost"))
        await house.wait(minutes=20)
        assert (house.status.l1, house.status.measured_at) == (None, None)
