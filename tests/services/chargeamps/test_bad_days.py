"""Bad days: expired tokens, a cloud that says no in every way, a process killed at each step of a write."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from busbar_simulator.charge_amps_cloud.cloud import Fault
from services.chargeamps.household import Household, living, schedule

TONIGHT = schedule(("2025-12-04T22:00", "2025-12-04T23:00"))
NOW = schedule(("2025-12-04T19:30", "2025-12-04T23:00"))

MakeHouse = Callable[..., Household]


@pytest.fixture
def make(tmp_path: Path) -> MakeHouse:
    def house(**section: Any) -> Household:
        made = Household(tmp_path, **section)
        made.charger.plug()
        return made

    return house


def logins(house: Household) -> int:
    return len([1 for _, _, path in house.cloud.log if path.endswith("/auth/login")])


@pytest.mark.parametrize("api", ["web", "eapi"])
async def test_a_token_is_renewed_before_it_expires_and_no_call_is_ever_refused(
    make: MakeHouse, api: str
) -> None:
    house = make(api=api)
    async with living(house):
        await house.wait(hours=3, minutes=30)
        # Tokens live an hour here: logins at 0:00, 0:55, 1:50 and 2:45, or refreshed instead.
        assert logins(house) == (4 if api == "web" else 1)
        assert house.status.state != "error"


@pytest.mark.parametrize("api", ["web", "eapi"])
async def test_a_token_that_goes_bad_early_costs_one_login(make: MakeHouse, api: str) -> None:
    house = make(api=api)
    async with living(house):
        await house.wait(seconds=30)
        house.cloud.expire_tokens()
        await house.send(TONIGHT)
        await house.wait(minutes=2)
        assert (house.status.sync, logins(house)) == ("synced", 2)


async def test_a_wrong_password_is_tried_once_more_and_then_rarely_so_the_account_is_not_locked(
    make: MakeHouse,
) -> None:
    house = make()
    house.cloud.password = "changed in the app"
    async with living(house):
        await house.wait(minutes=10)
        assert logins(house) == 2
        assert house.status.ready_for_schedule is False
        for _ in range(20):
            await house.send(TONIGHT)
            await house.wait(minutes=1)
        assert logins(house) <= 4
        assert house.status.last_command_result == "accepted"

        house.cloud.password = "secret"
        await house.wait(hours=1)
        assert (house.status.sync, house.status.ready_for_schedule) == ("synced", True)


async def test_a_cloud_that_forbids_us_is_left_alone_longer_and_longer(make: MakeHouse) -> None:
    house = make()
    async with living(house):
        await house.wait(seconds=30)
        house.cloud.faults.append(Fault("status", 403, path="/users/chargepoints"))
        before = len(house.cloud.log)
        await house.wait(hours=2)
        assert len(house.cloud.log) - before < 60


async def test_a_cloud_that_asks_for_patience_gets_it(make: MakeHouse) -> None:
    house = make()
    async with living(house):
        await house.wait(seconds=30)
        house.cloud.faults.append(Fault("status", 429, headers={"Retry-After": "300"}, times=1))
        await house.wait(minutes=1)
        before = len(house.cloud.log)
        await house.send(TONIGHT)
        await house.wait(minutes=3)
        assert len(house.cloud.log) == before
        await house.wait(minutes=4)
        assert house.status.sync == "synced"


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault("status", 500, times=3), id="three internal errors"),
        pytest.param(Fault("html", 502, times=3), id="three bad gateways in HTML"),
        pytest.param(Fault("lost", times=2), id="two requests without an answer"),
        pytest.param(Fault("lost_after_commit", times=4), id="four answers lost on the way"),
        pytest.param(Fault("truncated", times=4), id="four answers cut in half"),
        pytest.param(Fault("status", 408, times=2), id="two timeouts of the cloud itself"),
        pytest.param(Fault("html", 200, times=2), id="a login page instead of an answer"),
    ],
)
@pytest.mark.parametrize("api", ["web", "eapi"])
async def test_the_schedule_arrives_in_the_end(make: MakeHouse, fault: Fault, api: str) -> None:
    house = make(api=api)
    async with living(house):
        await house.wait(seconds=30)
        house.cloud.faults.append(fault)
        await house.send(NOW)
        await house.wait(minutes=10)
        assert (house.status.sync, house.draws) == ("synced", 16.0)
        assert len(house.puts) == (1 if api == "web" else 0)


@pytest.mark.parametrize("after_commit", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, 9))
@pytest.mark.parametrize("api", ["web", "eapi"])
async def test_killed_at_any_call_of_a_write_the_next_start_finishes_it(
    make: MakeHouse, api: str, step: int, after_commit: bool
) -> None:
    house = make(api=api)
    await house.start()
    await house.wait(seconds=30)
    house.kill_at, house.kill_after_commit = house.calls + step, after_commit
    await house.send(NOW)
    await house.wait(seconds=40)
    assert house.status.last_command_result == "accepted"
    await house.stop()

    house.kill_at = None
    async with living(house):
        await house.wait(minutes=2)
        assert (house.draws, house.status.sync, house.status.schedule_source) == (16.0, "synced", "hems")
        assert len(house.puts) <= 1


@pytest.mark.parametrize("after_commit", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", range(1, 14))
@pytest.mark.parametrize("api", ["web", "eapi"])
async def test_killed_at_any_call_of_a_stop_the_next_start_stops_the_car(
    make: MakeHouse, api: str, step: int, after_commit: bool
) -> None:
    house = make(api=api)
    await house.start()
    await house.send(NOW)
    await house.wait(seconds=40)
    assert house.draws == 16.0
    house.kill_at, house.kill_after_commit = house.calls + step, after_commit
    await house.send(verb="clear")
    await house.wait(seconds=60)
    await house.stop()

    house.kill_at = None
    async with living(house):
        await house.wait(minutes=2)
        assert (house.draws, house.status.sync, house.status.state) == (0.0, "synced", "plugged_in")

        await house.send(NOW)
        await house.wait(minutes=2)
        assert (house.draws, house.charger.user_current) == (16.0, 16.0)


async def test_a_charger_that_keeps_charging_is_stopped_rung_by_rung(make: MakeHouse) -> None:
    house = make()
    house.cloud.off_refused_while_charging = False
    async with living(house):
        await house.send(NOW)
        await house.wait(seconds=40)
        # It takes the word "0 A" and goes on drawing; nor does it know of a remote stop.
        house.cloud.faults.append(Fault("status", 200, path="/updateusersettings"))
        house.cloud.faults.append(Fault("status", 400, path="/remotestop"))
        await house.send(verb="clear")
        await house.wait(minutes=3)
        assert (house.draws, house.charger.mode, house.status.sync) == (0.0, "Off", "synced")

        house.cloud.faults.clear()
        await house.send(NOW)
        await house.wait(minutes=1)
        assert (house.draws, house.charger.mode) == (16.0, "Schedule")


async def test_a_charger_that_nothing_stops_is_reported_and_tried_again_later(make: MakeHouse) -> None:
    house = make()
    async with living(house):
        await house.send(NOW)
        await house.wait(seconds=40)
        house.cloud.faults.append(Fault("status", 200, path="/updateusersettings"))
        house.cloud.faults.append(Fault("status", 200, path="/remotestop"))
        await house.send(verb="clear")
        await house.wait(minutes=5)
        assert (house.draws, house.status.sync) == (16.0, "failed")
        assert house.status.detail["note"] == "the charger does not stop"

        house.cloud.faults.clear()
        await house.wait(minutes=20)
        assert (house.draws, house.status.sync) == (0.0, "synced")


async def test_a_user_current_our_ladder_zeroed_is_put_back_for_the_next_window(make: MakeHouse) -> None:
    house = make()
    house.charger.user_current = 13.0
    async with living(house):
        await house.send(verb="clear")
        await house.wait(minutes=1)
        assert house.charger.user_current == 0.0
        await house.send(NOW)
        await house.wait(minutes=1)
        assert (house.charger.user_current, house.draws) == (13.0, 13.0)


async def test_the_other_interface_switches_at_the_edges_of_each_window(make: MakeHouse) -> None:
    house = make(api="eapi")
    async with living(house):
        await house.send(
            schedule(("2025-12-04T22:00", "2025-12-04T23:00"), max_current=10)
            | {"expires_at": "2025-12-04T22:30:00+01:00"}
        )
        await house.wait(minutes=1)
        assert (house.draws, house.charger.user_current) == (0.0, 0.0)
        await house.wait(hours=2)
        assert (house.draws, house.charger.mode) == (10.0, "On")
        await house.wait(minutes=31)
        assert (house.draws, house.status.schedule_source) == (0.0, "none")


async def test_the_other_interface_ends_a_window_when_the_service_is_stopped(make: MakeHouse) -> None:
    house = make(api="eapi")
    async with living(house):
        await house.send(NOW)
        await house.wait(minutes=1)
        assert house.draws == 16.0
    assert house.draws == 0.0
    async with living(house):
        await house.wait(minutes=1)
        assert house.draws == 16.0


async def test_offline_chargers_and_broken_answers_give_an_error_state_and_no_crash(make: MakeHouse) -> None:
    house = make()
    async with living(house):
        house.cloud.online = False
        await house.wait(minutes=2)
        assert (house.status.state, house.status.ready_for_schedule) == ("error", False)
        for body in (b"[1, null, {}]", b'[{"id": "2106037142M", "connectors": 7}]', b"{}", b"null"):
            house.cloud.faults[:] = [Fault("status", 200, body, path="/owned", times=1)]
            await house.wait(minutes=6)
        house.cloud.online = True
        await house.wait(minutes=20)
        assert house.status.state != "error"
        assert not house.died
