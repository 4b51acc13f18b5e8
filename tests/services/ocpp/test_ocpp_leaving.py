"""A service that is stopped leaves its chargers at their safe limit; a planned restart leaves their leases."""

import time
from pathlib import Path

import pytest
from ocpp_house import House
from ocpp_time import until


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
@pytest.mark.parametrize(
    ("granted_a", "left_a"),
    [
        pytest.param(13.0, 6.0, id="above the fallback it falls to it"),
        pytest.param(0.0, 0.0, id="a pause stays a pause"),
    ],
)
async def test_a_stopped_service_tells_its_chargers_the_smaller_of_limit_and_fallback(
    tmp_path: Path, version: str, granted_a: float, left_a: float
) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = await house.arrived(version=version)
        await charger.start()
        house.order(granted_a)
        await until(lambda: charger.limit() == granted_a)

        await house.stop()

        assert charger.limit() == left_a


async def test_a_planned_restart_says_nothing(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = await house.arrived()
        await charger.start()
        house.order(13.0)
        await until(lambda: charger.limit() == 13.0)
        said = len(charger.told("SetChargingProfile"))

        await house.stop(handing_over=True)

        assert len(charger.told("SetChargingProfile")) == said
        assert charger.limit() == 13.0
        assert charger.limit_after(121) == 6.0


async def test_a_charger_that_does_not_answer_holds_up_no_stop(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = await house.arrived()
        await charger.start()
        house.order(13.0)
        await until(lambda: charger.limit() == 13.0)
        charger.refuses["SetChargingProfile"] = "silence"
        began_s = time.monotonic()

        await house.stop()

        assert time.monotonic() - began_s < 8.0
        assert charger.limit_after(121) == 6.0


async def test_a_service_that_was_stopped_does_not_bring_back_what_it_took_away(tmp_path: Path) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = await house.arrived()
        await charger.start()
        house.order(13.0)
        await until(lambda: charger.limit() == 13.0)
        await house.stop()
    async with House(tmp_path, clock=house.clock) as house:
        again = house.guest(model=charger.model)
        await again.connect()
        await house.clock.sleep(10)

        assert again.limit() == 6.0
