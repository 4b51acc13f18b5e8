"""A charge point that was taken out of the configuration is released when it next comes."""

from pathlib import Path

import pytest
from ocpp_charge_point import ChargePoint
from ocpp_charger_model import UNLIMITED
from ocpp_house import SITE, House
from ocpp_time import until

from busbar_ocpp.passwords import hashed

OTHER = SITE.replace('charge_point = "CP-1"', 'charge_point = "CP-9"')


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_charger_that_was_removed_from_the_configuration_is_released(
    tmp_path: Path, version: str
) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = await house.arrived(version=version)
        house.order(9.0)
        await until(lambda: charger.limit() == 9.0)
        await house.clock.sleep(10)
    async with House(tmp_path, clock=house.clock, site=OTHER) as house:
        again = house.guest(version=version, model=charger.model)
        await again.connect()
        await again.boot()

        await until(lambda: again.closed, what="it is let go")
        assert again.limit() == UNLIMITED
        assert "charge_point_released" in [code for code, _ in house.bus.events]


def locked(password: str) -> str:
    return SITE.replace("security = 0", "security = 1").replace(
        'charge_point = "CP-1"', f'charge_point = "CP-1"\npassword = "{hashed(password)}"'
    )


async def limited(house: House, password: str) -> ChargePoint:
    charger = house.guest()
    await charger.connect(password=password)
    await charger.boot()
    house.order(9.0)
    await house.clock.sleep(6)
    await charger.status("Available")
    house.order(9.0)
    await until(lambda: charger.limit() == 9.0)
    await house.clock.sleep(10)
    return charger


async def test_one_with_a_password_is_released_too_although_its_password_went_with_its_entry(
    tmp_path: Path,
) -> None:
    async with House(tmp_path, factor=20, site=locked("0123456789abcdef")) as house:
        charger = await limited(house, "0123456789abcdef")
    other = OTHER.replace("security = 0", "security = 1")
    async with House(tmp_path, clock=house.clock, site=other) as house:
        again = house.guest(model=charger.model)
        await again.connect(password="0123456789abcdef")
        await again.boot()

        await until(lambda: again.closed, what="it is let go")
        assert again.limit() == UNLIMITED
        assert "charge_point_released" in [code for code, _ in house.bus.events]
    assert "0123456789abcdef" not in (tmp_path / "learned.json").read_text()


@pytest.mark.parametrize("password", ["guess", None])
async def test_whoever_only_has_its_name_is_refused(tmp_path: Path, password: str | None) -> None:
    async with House(tmp_path, factor=20, site=locked("0123456789abcdef")) as house:
        await limited(house, "0123456789abcdef")
    other = OTHER.replace("security = 0", "security = 1")
    async with House(tmp_path, clock=house.clock, site=other) as house:
        with pytest.raises(Exception, match="404"):
            await house.guest().connect(password=password)
