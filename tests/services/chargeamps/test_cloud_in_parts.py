"""A cloud that fails in part: writes but not reads, one charger but not the other, slowly, or by its own clock."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from busbar_shared.bus import RawHeard
from busbar_shared.fakes import FakeBus
from busbar_shared.hearing import Inbox, items
from busbar_simulator.charge_amps_cloud.cloud import Fault
from services.chargeamps.household import CHARGER, NOW, TONIGHT, Household, MakeHouse, living

OTHER = "2106099999M"


def asked(house: Household, method: str, path: str) -> int:
    return len([1 for _, how, where in house.cloud.log if how == method and path in where])


@pytest.mark.parametrize(
    ("api", "method", "path"),
    [("web", "PUT", "/smartChargingSchedules"), ("eapi", "PUT", "/settings")],
)
@pytest.mark.parametrize("status", [403, 500, 503])
async def test_a_write_that_fails_is_tried_less_and_less_often_while_reading_goes_on(
    make: MakeHouse, api: str, method: str, path: str, status: int
) -> None:
    house = make(api=api)
    house.charger.plug()
    house.charger.mode = "Schedule"
    async with living(house):
        await house.wait(seconds=30)
        house.cloud.faults.append(Fault("status", status, method=method, path=path))
        await house.send(NOW)
        await house.wait(minutes=50)

        # After 5 s, 10 s, 20 s and so on; a quarter of an hour apart at last.
        assert 5 <= asked(house, method, path) <= 12
        assert asked(house, "POST", "/auth/login") <= 14
        assert (house.status.sync, house.status.schedule_source) == ("pending", "hems")
        assert house.status.state in ("charging", "plugged_in")
        assert [code for code, _ in house.bus.events] == ["cloud_silent"]

        house.cloud.faults.clear()
        await house.wait(minutes=16)
        assert (house.status.sync, house.draws) == ("synced", 16.0)


async def test_a_new_word_is_tried_at_once_after_writes_that_failed(make: MakeHouse) -> None:
    house = make()
    async with living(house):
        house.cloud.faults.append(Fault("status", 500, method="PUT"))
        await house.send(NOW)
        await house.wait(minutes=50)
        house.cloud.faults.clear()
        await house.send(TONIGHT)
        await house.wait(seconds=10)
        assert house.status.sync == "synced"


async def two_chargers(make: MakeHouse, api: str) -> Household:
    house = make(api=api, connectors={"1": {"charge_point": CHARGER}, "2": {"charge_point": OTHER}})
    house.cloud.add(OTHER, 2)
    for connector in house.cloud.connectors.values():
        connector.plug()
        connector.user_current = 10.0 if api == "eapi" else 16.0
    return house


async def test_a_charger_whose_writes_fail_keeps_no_other_from_its_window(make: MakeHouse) -> None:
    house = await two_chargers(make, "eapi")
    async with living(house):
        house.cloud.faults.append(Fault("status", 500, method="PUT", path=f"/{CHARGER}/"))
        for number in ("1", "2"):
            house.hear(f"hems/charge-amps/{number}/schedule/set", NOW)
        await house.wait(minutes=1)
        assert house.cloud.connectors[OTHER, 2].writes == ["settings 16 On"]
        house.hear("hems/charge-amps/2/schedule/clear", None)
        await house.wait(minutes=1)
        assert house.cloud.connectors[OTHER, 2].draws_a(house.clock.now()) == 0.0


@pytest.mark.parametrize(
    ("api", "path"),
    [("eapi", f"/{CHARGER}/status"), ("web", f"/smartChargingSchedules/chargepoint/{CHARGER}")],
)
@pytest.mark.parametrize("status", [400, 404])
async def test_a_charger_that_cannot_be_read_keeps_no_other_from_its_window(
    make: MakeHouse, api: str, path: str, status: int
) -> None:
    house = await two_chargers(make, api)
    house.cloud.faults.append(Fault("status", status, path=path))
    async with living(house):
        house.hear("hems/charge-amps/2/schedule/set", NOW)
        await house.wait(minutes=1)
        other = house.cloud.connectors[OTHER, 2]
        assert (len(other.writes), other.draws_a(house.clock.now())) == (1, 16.0)


async def test_the_end_of_a_window_is_not_slept_through_after_an_outage(make: MakeHouse) -> None:
    house = make(api="eapi")
    house.charger.plug()
    async with living(house):
        await house.send(NOW)
        await house.wait(minutes=1)
        house.cloud.faults.append(Fault("status", 502))
        await house.wait(hours=2, minutes=57)
        house.cloud.faults.clear()
        assert house.draws == 16.0
        await house.wait(minutes=3)
        # It ended at 23:00, two minutes after the cloud came back.
        assert house.draws == 0.0


@pytest.mark.parametrize("api", ["web", "eapi"])
@pytest.mark.parametrize(
    ("latency_s", "token_s"),
    [
        pytest.param(20.0, 3600.0, id="each answer takes twenty seconds"),
        pytest.param(5.0, 12.0, id="a token expires while an answer is under way"),
    ],
)
async def test_a_slow_cloud_gets_there_and_the_command_is_answered_at_once(
    make: MakeHouse, api: str, latency_s: float, token_s: float
) -> None:
    house = make(api=api)
    house.charger.plug()
    house.latency_s, house.cloud.token_s = latency_s, token_s
    async with living(house):
        await house.wait(minutes=2)
        await house.send(NOW)
        assert (house.status.last_command_result, house.status.sync) == ("accepted", "pending")
        await house.wait(minutes=20)
        assert (house.status.sync, house.draws) == ("synced", 16.0)
        assert house.status.schedule_active


@pytest.mark.parametrize("hours", [-30, -2, 2, 30])
async def test_a_cloud_whose_clock_is_far_out_is_not_logged_in_to_again_and_again(
    make: MakeHouse, hours: float
) -> None:
    house = make()
    house.cloud.now = lambda: house.clock.now() + timedelta(hours=hours)
    async with living(house):
        await house.send(TONIGHT)
        await house.wait(hours=3)
        assert asked(house, "POST", "/auth/login") == 4
        assert house.puts == ["put 338400-342000@16 352800-367200@16"]


@pytest.mark.parametrize("api", ["web", "eapi"])
async def test_a_write_that_is_confirmed_and_not_done_is_made_again(make: MakeHouse, api: str) -> None:
    house = make(api=api)
    house.charger.plug()
    house.charger.mode = "Schedule"
    async with living(house):
        await house.wait(seconds=30)
        house.cloud.faults.append(Fault("status", 200, b"{}", method="PUT", times=1))
        await house.send(NOW)
        await house.wait(seconds=10)
        assert (house.status.sync, house.status.applied) == ("pending", False)
        await house.wait(minutes=1)
        assert (house.status.sync, house.draws) == ("synced", 16.0)


async def test_settings_of_which_half_was_applied_are_completed(make: MakeHouse) -> None:
    house = make(api="eapi")
    house.charger.plug()
    async with living(house):
        await house.wait(seconds=30)
        house.charger.mode, house.charger.user_current = "Schedule", 0.0
        house.cloud.faults.append(Fault("status", 200, method="PUT", times=1))
        await house.send(NOW)
        await house.wait(seconds=5)
        # The current was taken and the mode was not.
        house.charger.user_current = 16.0
        await house.wait(minutes=1)
        assert (house.charger.mode, house.draws, house.status.sync) == ("On", 16.0, "synced")


class SmallBus(FakeBus):
    """A bus whose queues hold five messages and forget the oldest, as the real one's do when they are full."""

    def __init__(self, *heard: Any, clock: Any = None) -> None:
        super().__init__(*heard, clock=clock)
        self._queues_of: list[tuple[tuple[str, ...], Inbox[RawHeard]]] = []

    def listen_raw(self, *filters: str) -> AsyncIterator[RawHeard]:
        inbox: Inbox[RawHeard] = Inbox(5, lambda: None)
        self._queues_of.append((filters, inbox))
        return items(inbox)

    def feed_raw(self, topic: str, payload: bytes | str, *, retained: bool = False) -> None:
        raw = payload.encode() if isinstance(payload, str) else payload
        for filters, inbox in self._queues_of:
            if topic in filters:
                inbox.put(RawHeard(topic, raw, 0.0, retained))


async def test_a_flood_for_one_connector_does_not_push_out_the_clear_of_another(make: MakeHouse) -> None:
    house = await two_chargers(make, "eapi")
    house.make_bus = SmallBus
    async with living(house):
        house.hear("hems/charge-amps/2/schedule/set", NOW)
        await house.wait(minutes=1)
        other = house.cloud.connectors[OTHER, 2]
        assert other.draws_a(house.clock.now()) == 16.0

        house.hear("hems/charge-amps/2/schedule/clear")
        for _ in range(50):
            house.hear("hems/charge-amps/1/schedule/set", {"periods": 7})
        await house.wait(minutes=1)
        assert other.draws_a(house.clock.now()) == 0.0
