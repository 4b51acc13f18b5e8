"""Charge points come in over real sockets, boot, report, and are obeyed and limited."""

from pathlib import Path

import pytest
from ocpp_house import SITE, House
from ocpp_time import until
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from busbar_contracts.charger import ConnectorStatus, LeaseQuality


@pytest.fixture(params=["1.6", "2.0.1"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_charger_boots_and_its_state_appears(tmp_path: Path, version: str) -> None:
    async with House(tmp_path, factor=10) as house:
        charger = house.guest(version=version)
        await charger.connect()

        answer = await charger.boot()
        await charger.status("Available")

        assert answer["status"] == "Accepted"
        state = await house.says(lambda state: state.status is ConnectorStatus.AVAILABLE)
        assert (state.link, state.ocpp_version, state.vendor, state.model) == (True, version, "Acme", "One")
        assert state.fallback_a == 6.0


async def test_an_order_reaches_the_charger_and_is_confirmed(tmp_path: Path, version: str) -> None:
    async with House(tmp_path, factor=10) as house:
        charger = await house.arrived(version=version)

        house.order(13.0)

        await until(lambda: charger.limit() == 13.0, what="the limit at the charger")
        state = await house.says(lambda state: state.limit is not None and state.limit.limit_a == 13.0)
        assert state.limit is not None
        assert (state.limit.confirmed, state.limit.issuer, state.limit.reason) == (
            True,
            "allocator",
            "a test",
        )
        assert state.lease is LeaseQuality.ACCEPTED


async def test_during_a_transaction_the_limit_is_the_transactions(tmp_path: Path, version: str) -> None:
    async with House(tmp_path, factor=10) as house:
        charger = await house.arrived(version=version)
        house.order(10.0)
        await until(lambda: charger.limit() == 10.0)

        id = await charger.start()
        house.order(12.0)
        await until(lambda: charger.limit() == 12.0)

        purposes = {stored.purpose: stored for stored in charger.model.stored}
        assert str(purposes["TxProfile"].wire["transactionId"]) == id
        await until(
            lambda: any(
                one.purpose == "TxDefaultProfile" and one.schedule["chargingSchedulePeriod"][0]["limit"] == 0
                for one in charger.model.stored
            ),
            what="the next car's pause",
        )


async def test_when_the_lease_ends_the_smaller_of_limit_and_fallback_is_sent_at_once(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = await house.arrived()
        await charger.start()
        house.order(13.0)
        await until(lambda: charger.limit() == 13.0)

        await until(lambda: charger.limit() == 6.0, what="the fallback after the lease")

        state = await house.says(lambda state: state.limit is not None and state.limit.limit_a == 6.0)
        assert state.limit is not None
        assert state.limit.issuer == "fallback"


async def test_a_paused_car_stays_paused_when_the_lease_ends(tmp_path: Path) -> None:
    async with House(tmp_path, factor=40) as house:
        charger = await house.arrived()
        await charger.start()
        house.order(0.0)
        await until(lambda: charger.limit() == 0.0)

        await house.clock.sleep(80)

        assert charger.limit() == 0.0


async def test_a_lost_service_leaves_the_charger_to_its_own_fallback(tmp_path: Path, version: str) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = await house.arrived(version=version)
        await charger.start()
        house.order(13.0)
        await until(lambda: charger.limit() == 13.0)

    assert charger.limit_after(100) == 13.0
    assert charger.limit_after(121) == 6.0


async def test_a_grant_that_is_renewed_holds_longer_than_the_profile(tmp_path: Path) -> None:
    async with House(tmp_path, factor=80) as house:
        charger = await house.arrived()
        await charger.start()
        for _ in range(20):
            house.order(13.0)
            await house.clock.sleep(10)
            assert charger.limit() in (13.0, 6.0)

        assert charger.limit() == 13.0
        assert 4 <= len(charger.told("SetChargingProfile")) <= 12, "a third of 120 s, not each order"


async def test_a_silent_link_is_declared_lost(tmp_path: Path) -> None:
    async with House(tmp_path, factor=5) as house:
        charger = await house.arrived()
        await house.says(lambda state: state.link)

        charger.go_deaf()

        await house.says(lambda state: not state.link)


async def test_a_second_connection_replaces_a_dead_first(tmp_path: Path) -> None:
    async with House(tmp_path, factor=10, site=SITE.replace("ping_s = 0.5", "ping_s = 3600")) as house:
        first = await house.arrived()
        await house.says(lambda state: state.link)
        first.go_deaf()
        second = house.guest()
        await second.connect()

        answer = await second.boot()

        assert answer["status"] == "Accepted"
        await house.says(lambda state: state.link)


async def test_meter_values_appear_with_the_time_of_their_sample(tmp_path: Path, version: str) -> None:
    async with House(tmp_path, factor=10) as house:
        charger = await house.arrived(version=version)
        await charger.start()
        await charger.measure(amps=11.0)

        state = await house.says(lambda state: state.power_w is not None)

        assert state.l1 is not None
        assert state.l1.current_a == 11.0
        assert (state.power_w, state.legs_in_use) == (7590.0, 3)
        assert state.sampled_at is not None
        assert abs((house.clock.now() - state.sampled_at).total_seconds()) < 20


async def test_a_link_that_is_gone_is_said(tmp_path: Path) -> None:
    async with House(tmp_path, factor=10) as house:
        charger = await house.arrived()
        await house.says(lambda state: state.link)

        await charger.drop()

        await house.says(lambda state: not state.link)


async def test_without_a_common_subprotocol_the_door_says_so(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = house.guest()
        await charger.connect(protocols=["ocpp1.2", "chat"])

        closed = await until(lambda: charger.closed)

        assert closed[0] == 1002
        assert "ocpp1.6" in closed[1]


async def test_the_best_common_version_is_chosen(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        charger = house.guest()
        await charger.connect(protocols=["ocpp1.6", "ocpp2.0.1"])

        assert charger.subprotocol == "ocpp2.0.1"


async def test_a_second_connection_does_not_push_out_a_living_first(tmp_path: Path) -> None:
    async with House(tmp_path, factor=10) as house:
        first = await house.arrived()
        second = house.guest()
        await second.connect()

        closed = await until(lambda: second.closed)

        assert closed == (1008, "already connected")
        await first.status("Available")
        assert first.closed is None


async def test_a_stranger_is_refused(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        stranger = house.guest("CP-9")

        with pytest.raises(Exception, match="404"):
            await stranger.connect()


@pytest.mark.parametrize(
    ("prefix", "path", "comes_in"),
    [
        pytest.param("/", "/CP-1", True, id="the plain address"),
        pytest.param("/", "/CP%2D1", True, id="percent-encoded"),
        pytest.param("/", "/CP-1/", True, id="with a slash behind"),
        pytest.param("/", "/ocpp/CP-1", True, id="with a path of its own"),
        pytest.param("/sites/home/", "/sites/home/CP-1", True, id="below the configured prefix"),
        pytest.param("/sites/home/", "/CP-1", False, id="outside of the configured prefix"),
        pytest.param("/", "/", False, id="without an id"),
        pytest.param("/", "/CP-1%00", False, id="with a byte no id has"),
        pytest.param("/", "/" + "x" * 200, False, id="with an endless id"),
    ],
)
async def test_addresses(tmp_path: Path, prefix: str, path: str, comes_in: bool) -> None:
    site = SITE.replace("port = 0", f'port = 0\npath_prefix = "{prefix}"')
    async with House(tmp_path, site=site) as house:
        knocking = connect(
            f"ws://127.0.0.1:{house.port}{path}", subprotocols=[Subprotocol("ocpp1.6")], proxy=None
        )
        if comes_in:
            async with knocking:
                await house.says(lambda state: state.link)
        else:
            with pytest.raises(InvalidStatus, match="404"):
                await knocking
