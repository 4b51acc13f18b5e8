"""Chargers that differ: each falls to its fallback by itself, or the state says that it does not."""

import asyncio
from pathlib import Path

import pytest
from ocpp_charge_point import ChargePoint
from ocpp_charger_model import ModelCharger
from ocpp_house import House
from ocpp_time import FastClock, until

from busbar_contracts.charger import LeaseQuality


async def charging(house: House, amps: float = 14.0, **given: object) -> ChargePoint:
    """A charger with a car that takes what it may, granted 13 A and renewed, measured each 5 s."""
    charger = await house.arrived(**given)
    charger.car_a[1] = amps
    await charger.start()
    house.order(13.0)
    await until(lambda: charger.limit() == 13.0, what="the grant")
    return charger


async def live(house: House, charger: ChargePoint) -> None:
    """Renew the order each 10 s and measure each 5 s, until cancelled."""
    count = 0
    while True:
        if count % 2 == 0:
            house.order(13.0)
        await charger.measure()
        count += 1
        await house.clock.sleep(5)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_charger_that_falls_by_itself_is_proven(tmp_path: Path, version: str) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = await charging(house, version=version)
        living = asyncio.create_task(live(house, charger))
        await house.says(lambda state: state.power_w)

        house.command(action="verify", id="1")

        state = await house.says(lambda state: (state.last_answer or "").startswith("[1] verify"))
        living.cancel()
        assert state.last_answer == (
            "[1] verify: lease: proven. It fell from 9 A to 6 A by itself, without a word"
        )
        assert state.lease is LeaseQuality.PROVEN


async def test_a_charger_that_keeps_its_first_period_has_no_lease(tmp_path: Path) -> None:
    async with House(tmp_path, factor=30) as house:
        model = ModelCharger(faults=frozenset({"keeps_first_period"}))
        charger = await charging(house, model=model)
        living = asyncio.create_task(live(house, charger))
        await house.says(lambda state: state.power_w)

        house.command(action="verify")

        state = await house.says(lambda state: state.last_answer)
        living.cancel()
        assert state.last_answer is not None
        assert state.last_answer.startswith("verify: lease: none.")
        assert state.lease is LeaseQuality.NONE
        assert state.controllable


@pytest.mark.parametrize(
    ("fault", "lease"),
    [
        pytest.param("", LeaseQuality.PROVEN, id="one that obeys is proven"),
        pytest.param("accepts_and_ignores", LeaseQuality.NONE, id="one that ignores its limit is named"),
    ],
)
async def test_a_charger_that_tells_its_energy_only_is_judged_by_what_flows(
    tmp_path: Path, fault: str, lease: LeaseQuality
) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = await house.arrived(model=ModelCharger(faults=frozenset({fault})))
        charger.car_a[1] = 14.0
        await charger.start()
        house.order(13.0)

        async def live() -> None:
            while True:
                drawn = charger.draw() if not fault else 14.0
                charger.energy_wh += drawn * 690 * 5 / 3600
                value = [{"value": f"{charger.energy_wh:.0f}"}]
                sample = {"timestamp": charger.own_time, "sampledValue": value}
                await charger.call("MeterValues", {"connectorId": 1, "meterValue": [sample]})
                house.order(8.0 if fault else 13.0)
                await house.clock.sleep(5)

        living = asyncio.create_task(live())
        await house.says(lambda state: (state.power_w or 0) > 4000)
        if not fault:
            await until(lambda: charger.draw() == 13.0, what="the grant")
            await house.clock.sleep(30)
            house.command(action="verify")

        await house.says(lambda state: state.lease is lease)
        living.cancel()


async def test_a_cut_ends_the_proof_and_is_sent_at_once(tmp_path: Path) -> None:
    async with House(tmp_path, factor=10) as house:
        charger = await charging(house)
        await house.clock.sleep(7)
        await charger.measure()
        await house.says(lambda state: state.power_w)
        house.command(action="verify")
        await until(lambda: charger.limit() == 9.0, what="the profile of the proof")

        house.order(8.0)

        await until(lambda: charger.limit() == 8.0)
        state = await house.says(lambda state: state.last_answer)
        assert state.last_answer == "verify: cannot be tried now: the limit was cut meanwhile"


async def test_without_a_car_nothing_can_be_proven(tmp_path: Path) -> None:
    async with House(tmp_path, factor=10) as house:
        charger = await house.arrived()
        house.order(13.0)
        await until(lambda: charger.limit() == 13.0)

        house.command(action="verify")

        state = await house.says(lambda state: state.last_answer)
        assert (
            state.last_answer
            == "verify: cannot be tried now: a car must be charging, and its current measured"
        )


@pytest.mark.parametrize(
    "fault",
    [
        "ignores_duration",
        "unlimited_after_expired_tx_profile",
        "keeps_last_after_expiry",
        "connector_profile_deletes_zero",
        "default_next_transaction_only",
        "refuses_valid_from_in_tx",
    ],
)
@pytest.mark.parametrize("running", [True, False], ids=["during a transaction", "before one"])
async def test_the_link_is_lost_and_the_charger_falls_back_by_itself(
    tmp_path: Path, fault: str, running: bool
) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = await house.arrived(model=ModelCharger(faults=frozenset({fault})))
        if running:
            await charger.start()
        house.order(13.0)
        await until(lambda: charger.limit() == 13.0, what="the grant")

        await charger.drop()

        assert charger.limit_after(121) == 6.0


@pytest.mark.parametrize(
    ("model", "limit_a"),
    [
        pytest.param(ModelCharger(units=("W",)), 13.0, id="watts only"),
        pytest.param(ModelCharger(units=("A",)), 13.0, id="amps only"),
        pytest.param(ModelCharger(max_periods=1), 13.0, id="one period: the lease on a floor"),
        pytest.param(ModelCharger(max_level=0), 13.0, id="stack level 0 only"),
        pytest.param(ModelCharger(units=("W",), max_level=0), 13.0, id="watts on level 0"),
        pytest.param(ModelCharger(faults=frozenset({"refuses_tx_profiles"})), 13.0, id="no TxProfile"),
    ],
)
async def test_a_charger_that_rejects_a_form_gets_another(
    tmp_path: Path, model: ModelCharger, limit_a: float
) -> None:
    async with House(tmp_path, factor=40) as house:
        charger = await house.arrived(model=model)
        await charger.start()
        house.order(13.0)

        await until(lambda: abs(charger.limit() - limit_a) < 0.01, what="the limit in another form")

        state = await house.says(lambda state: state.limit is not None and state.limit.confirmed)
        assert state.controllable
        assert state.lease is LeaseQuality.ACCEPTED
        await charger.drop()
        assert charger.limit_after(121) <= 6.0


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_charger_that_rejects_fractions_gets_whole_amperes_in_the_same_form(
    tmp_path: Path, version: str
) -> None:
    async with House(tmp_path, factor=20) as house:
        model = ModelCharger(version=version, faults=frozenset({"whole_numbers_only"}))
        charger = await house.arrived(model=model, version=version)
        house.order(13.7)

        await until(lambda: charger.limit() == 13.0, what="the limit in whole amperes")

        state = await house.says(lambda state: state.capabilities.step_a == 1.0)
        assert state.capabilities.unit == "A"
        assert state.lease is LeaseQuality.ACCEPTED
        assert [one.level for one in charger.model.stored] == [2]


async def test_a_charger_with_room_for_one_profile_gets_its_grant_as_the_default(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = house.guest(configuration={"MaxChargingProfilesInstalled": "1", "NumberOfConnectors": "1"})
        await charger.connect()
        await charger.boot()
        await charger.status("Available")
        await until(lambda: charger.told("TriggerMessage"), what="it is known")
        await house.clock.sleep(5)
        await charger.status("Preparing")
        await charger.start()
        house.order(13.0)

        await until(lambda: charger.limit() == 13.0)

        assert [one.purpose for one in charger.model.stored] == ["TxDefaultProfile"]
        await charger.drop()
        assert charger.limit_after(121) == 6.0


async def test_a_charger_without_smart_charging_is_without_control(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = house.guest()
        charger.refuses["SetChargingProfile"] = "NotImplemented"
        await charger.connect()
        await charger.boot()
        await charger.status("Available")
        house.order(13.0)

        state = await house.says(lambda state: not state.controllable)

        assert state.lease is LeaseQuality.NONE
        assert any(code == "charger_without_control" for code, _ in house.bus.events)
        house.command(action="verify")
        state = await house.says(lambda state: state.last_answer)
        assert (state.last_answer or "").startswith("verify: lease: none. It takes no limit in any form")


async def test_a_charger_that_never_answers_a_profile_is_without_control_over_reboots_until_it_takes_one(
    tmp_path: Path,
) -> None:
    async with House(tmp_path, clock=FastClock(8)) as house:
        charger = house.guest()
        charger.refuses["SetChargingProfile"] = "silence"
        await charger.connect()
        await charger.boot()
        await charger.status("Available")
        house.order(13.0)

        state = await house.says(lambda state: not state.controllable, patience_s=30)

        assert state.lease is LeaseQuality.NONE
        assert [code for code, _ in house.bus.events].count("charger_without_control") == 1
        charger.received.clear()
        await charger.boot()
        await until(lambda: charger.told("SetChargingProfile"), what="it is tried again")
        state = await house.says(lambda state: state.link)
        assert (state.controllable, state.lease) == (False, LeaseQuality.NONE)
        del charger.refuses["SetChargingProfile"]
        await charger.boot()
        state = await house.says(lambda state: state.controllable and state.limit is not None)
        assert state.lease is LeaseQuality.ACCEPTED


async def test_a_charger_nobody_knows_is_granted_no_more_than_its_fallback_before_it_has_taken_that(
    tmp_path: Path,
) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = house.guest()
        await charger.connect()
        await charger.boot()
        await charger.status("Available")
        house.order(13.0)

        await until(lambda: charger.limit() == 13.0, what="the grant, after all")

        limits = [
            one["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"]
            for one in charger.told("SetChargingProfile")
        ]
        assert (limits[0], max(limits)) == (6.0, 13.0)


async def test_one_period_and_one_level_are_no_lease(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        model = ModelCharger(max_periods=1, max_level=0)
        charger = await house.arrived(model=model)
        house.order(13.0)

        await until(lambda: charger.limit() == 13.0)

        state = await house.says(lambda state: state.limit is not None and state.limit.confirmed)
        assert state.lease is LeaseQuality.NONE


async def test_a_reboot_that_forgets_everything_is_followed_by_the_limit(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        model = ModelCharger(faults=frozenset({"forgets_profiles_on_reboot"}))
        charger = await house.arrived(model=model)
        house.order(13.0)
        await until(lambda: charger.limit() == 13.0)
        await charger.disconnect()
        charger.model.reboot()
        await charger.connect()
        await charger.boot()

        await until(lambda: charger.limit() <= 13.0, what="the limit after the reboot")


async def test_a_charger_that_ignores_its_limit_climbs_the_ladder(tmp_path: Path) -> None:
    async with House(tmp_path, factor=60) as house:
        charger = await house.arrived(model=ModelCharger(faults=frozenset({"accepts_and_ignores"})))
        await charger.start()
        house.order(8.0)
        await house.says(lambda state: state.limit is not None and state.limit.confirmed)

        async def keep_drawing() -> None:
            while True:
                house.order(8.0)
                await charger.measure(amps=16.0)
                await house.clock.sleep(8)

        drawing = asyncio.create_task(keep_drawing())
        await house.says(lambda state: state.disobedient)
        await until(lambda: charger.resets == ["Soft"], what="the soft reset")
        drawing.cancel()

        codes = [code for code, _ in house.bus.events]
        assert (
            codes.index("disobedient")
            < codes.index("disobedient_set_again")
            < codes.index("disobedient_soft_reset")
        )
        assert charger.told("ClearChargingProfile")


async def test_a_charger_with_a_clock_that_is_wrong_is_limited_from_the_moment_it_is_told(
    tmp_path: Path,
) -> None:
    from datetime import timedelta

    async with House(tmp_path, factor=40) as house:
        charger = await house.arrived(model=ModelCharger(clock_ahead=timedelta(minutes=-7)))
        house.order(13.0)
        await until(
            lambda: charger.limit() == 6.0, what="no more than the fallback while the clock is unknown"
        )

        await house.clock.sleep(12)
        await charger.status("Available")
        house.order(13.0)

        await until(lambda: charger.limit() == 13.0, what="the grant once the clock is known")
        await charger.drop()
        assert charger.limit_after(121) == 6.0


async def test_the_proof_goes_on_across_a_reboot(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = await charging(house)
        living = asyncio.create_task(live(house, charger))
        await house.says(lambda state: state.power_w)

        house.command(action="verify", value="reboot")
        await until(lambda: charger.resets, what="the reset")
        living.cancel()
        await charger.disconnect()
        charger.model.transactions.clear()
        await charger.connect()
        await charger.boot()

        state = await house.says(lambda state: state.last_answer)
        assert (state.last_answer or "").endswith("without a word; a profile survived its reboot")
