"""The fake cloud is worth what it refuses, as the real one was seen to do."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from busbar_chargeamps.cloud import CloudSilent
from busbar_chargeamps.http import Http
from busbar_simulator.charge_amps_cloud.cloud import Cloud, Fault, Reply
from busbar_simulator.charge_amps_cloud.gate import answer
from busbar_simulator.charge_amps_cloud.server import made, serving

NOON = datetime(2025, 12, 4, 11, tzinfo=UTC)
BROWSER = {"origin": "x", "referer": "x", "user-agent": "Mozilla/5.0"}


class Desk:
    """A cloud with one charger, and somebody who is logged in."""

    def __init__(self) -> None:
        self.now = NOON
        self.cloud = Cloud(now=lambda: self.now)
        self.charger = self.cloud.add("CP")
        login = msgspec.json.encode({"email": self.cloud.email, "password": self.cloud.password})
        reply = answer(self.cloud, made("POST", "/api/auth/login", BROWSER, login))
        self.headers = BROWSER | {"authorization": "Bearer " + msgspec.json.decode(reply.body)["token"]}

    def ask(self, method: str, target: str, body: Any = None, **headers: str) -> Reply:
        raw = b"" if body is None else msgspec.json.encode(body)
        return answer(self.cloud, made(method, "/api" + target, self.headers | headers, raw))

    def put(self, begin: int, end: int) -> Reply:
        period = {"from": begin, "to": end, "maxCurrent": 16.0}
        body = {
            "chargePointId": "CP", "connectorId": 1, "isActive": True, "defaultCurrent": 0,
            "startOfSchedule": "2025-11-30T23:00:00Z", "schedulePeriods": [period],
        }  # fmt: skip
        return self.ask("PUT", "/smartChargingSchedules", body)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_without_the_headers_of_a_browser_the_cloud_forbids(desk: Desk) -> None:
    assert desk.ask("POST", "/users/chargepoints/owned", [], origin="").status == 403


def test_a_token_ends_with_its_time(desk: Desk) -> None:
    desk.now += timedelta(minutes=59)
    assert desk.ask("POST", "/users/chargepoints/owned", []).status == 200
    desk.now += timedelta(minutes=2)
    assert desk.ask("POST", "/users/chargepoints/owned", []).status == 401


@pytest.mark.parametrize(
    ("begin", "end", "status"),
    [
        pytest.param(0, 604_800, 200, id="the whole week"),
        pytest.param(0, 604_801, 400, id="a second more than the week"),
        pytest.param(-1, 10, 400, id="before the week"),
        pytest.param(10, 10, 400, id="no length"),
    ],
)
def test_a_week_has_604800_seconds(desk: Desk, begin: int, end: int, status: int) -> None:
    assert desk.put(begin, end).status == status


def test_a_schedule_gets_a_new_id_each_time_switches_the_mode_and_is_synced_later(desk: Desk) -> None:
    first = msgspec.json.decode(desk.put(0, 3600).body)
    second = msgspec.json.decode(desk.put(0, 3600).body)
    assert first["scheduleId"] != second["scheduleId"]
    assert (desk.charger.mode, second["isSynced"]) == ("Schedule", False)
    desk.now += timedelta(seconds=6)
    [held] = msgspec.json.decode(desk.ask("GET", "/smartChargingSchedules/chargepoint/CP").body)
    assert held["isSynced"] is True


def test_a_deleted_schedule_leaves_the_car_charging_without_limit(desk: Desk) -> None:
    desk.charger.plug()
    desk.put(0, 3600)
    assert desk.charger.draws_a(desk.now) == 0.0
    assert desk.ask("DELETE", "/smartChargingSchedules/CP/1").status == 204
    assert (desk.charger.mode, desk.charger.draws_a(desk.now)) == ("On", 16.0)


def test_mode_off_during_a_session_is_refused(desk: Desk) -> None:
    desk.charger.plug()
    change = {"id": "CP", "connectors": [{"connectorId": 1, "mode": "Off"}]}
    assert desk.ask("PUT", "/chargepoints", change).status == 400
    desk.charger.unplug()
    assert desk.ask("PUT", "/chargepoints", change).status == 200


@pytest.mark.parametrize(("text", "status"), [("0", 200), ("16", 200), ("16.0", 400), ("-1", 400)])
def test_the_user_current_is_a_whole_number(desk: Desk, text: str, status: int) -> None:
    assert (
        desk.ask("PUT", f"/chargepoints/CP/updateusersettings?userCurrentConnector1={text}").status == status
    )


async def test_over_a_real_socket_an_answer_is_an_answer_and_a_lost_one_is_silence() -> None:
    desk = Desk()
    http = Http(timeout_s=0.3)
    async with serving(desk.cloud) as port:
        url = f"http://127.0.0.1:{port}/api/users/chargepoints/owned"
        good = await http("POST", url, desk.headers, b"[]")
        assert (good.status, msgspec.json.decode(good.body)[0]["id"]) == (200, "CP")
        desk.cloud.faults.append(Fault("lost", times=1))
        with pytest.raises(CloudSilent):
            await http("POST", url, desk.headers, b"[]")
        assert (await http("POST", url, desk.headers, b"[]")).status == 200
    for headers in ({}, {"Authorization": "Bearer sécret"}, {"Authorization": "Bearer a\nb"}):
        with pytest.raises(CloudSilent):
            await http("POST", url, desk.headers | headers, b"[]")
    await http.aclose()
