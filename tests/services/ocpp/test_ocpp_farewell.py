"""A charge point that was taken out of the configuration is released when it next comes."""

from pathlib import Path
from typing import Any

import pytest
from ocpp_charge_point import ChargePoint
from ocpp_charger_model import UNLIMITED
from ocpp_house import SITE, House
from ocpp_time import until
from websockets.exceptions import WebSocketException

from busbar_cli.certificates import make_authority, make_server
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


def with_tls(folder: Path, site: str) -> str:
    """The same site with security profile 2, its authority and certificate in this folder."""
    if not (folder / "ca.pem").exists():
        make_authority(folder, "Oak")
        make_server(folder, "ocpp", ("localhost", "127.0.0.1"))
    files = f'cert_file = "{folder}/ocpp.pem"\nkey_file = "{folder}/ocpp.key"'
    return site.replace("security = 0", f"security = 2\n{files}").replace(
        "security = 1", f"security = 2\n{files}"
    )


def locked(password: str) -> str:
    return SITE.replace("security = 0", "security = 1").replace(
        'charge_point = "CP-1"', f'charge_point = "CP-1"\npassword = "{hashed(password)}"'
    )


async def limited(house: House, password: str, authority: Path | None = None, **given: Any) -> ChargePoint:
    charger = house.guest(**given)
    await charger.connect(password=password, authority=authority)
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


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_one_that_came_encrypted_is_released_encrypted_and_not_otherwise(
    tmp_path: Path, version: str
) -> None:
    secret, authority = "0123456789abcdef", tmp_path / "ca.pem"
    async with House(tmp_path / "state", factor=20, site=with_tls(tmp_path, locked(secret))) as house:
        charger = await limited(house, secret, authority, version=version)
    other = with_tls(tmp_path, OTHER)
    async with House(tmp_path / "state", clock=house.clock, site=other) as house:
        again = house.guest(version=version, model=charger.model)
        for wrong in (
            {"password": "guess", "authority": authority},
            {"authority": authority},
            {"password": secret},
        ):
            with pytest.raises((OSError, EOFError, WebSocketException)):
                await again.connect(**wrong)  # type: ignore[arg-type]
        assert again.limit() == 9.0, "nobody was released"

        await again.connect(password=secret, authority=authority)
        await again.boot()

        await until(lambda: again.closed, what="it is let go")
        assert again.limit() == UNLIMITED
        assert "charge_point_released" in [code for code, _ in house.bus.events]
        with pytest.raises(WebSocketException, match="404"):
            await again.connect(password=secret, authority=authority)


@pytest.mark.parametrize("password", ["guess", None])
async def test_whoever_only_has_its_name_is_refused(tmp_path: Path, password: str | None) -> None:
    async with House(tmp_path, factor=20, site=locked("0123456789abcdef")) as house:
        await limited(house, "0123456789abcdef")
    other = OTHER.replace("security = 0", "security = 1")
    async with House(tmp_path, clock=house.clock, site=other) as house:
        with pytest.raises(Exception, match="404"):
            await house.guest().connect(password=password)
