"""A charge point that was taken out of the configuration is released when it next comes."""

from pathlib import Path

import pytest
from ocpp_charge_point import until
from ocpp_charger_model import UNLIMITED
from ocpp_house import SITE, House

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
