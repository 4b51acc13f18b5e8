"""OCPP over TLS on a real socket: who is let in, and a certificate that is renewed while chargers are connected."""

import base64
import ssl
from pathlib import Path

import pytest
from ocpp_house import SITE, House
from ocpp_time import until
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from busbar_cli.certificates import make_authority, make_server
from busbar_ocpp.passwords import hashed

PASSWORD = "0123456789abcdef"


def site_with_tls(folder: Path) -> str:
    make_authority(folder, "Oak")
    make_server(folder, "ocpp", ("localhost", "127.0.0.1"))
    return SITE.replace(
        "security = 0", f'security = 2\ncert_file = "{folder}/ocpp.pem"\nkey_file = "{folder}/ocpp.key"'
    ).replace('charge_point = "CP-1"', f'charge_point = "CP-1"\npassword = "{hashed(PASSWORD)}"')


async def come(
    port: int, authority: Path | None, password: str = PASSWORD, **more: object
) -> ClientConnection:
    context = ssl.create_default_context(cafile=authority)
    for key, value in more.items():
        setattr(context, key, value)
    login = base64.b64encode(f"CP-1:{password}".encode()).decode()
    return await connect(
        f"wss://127.0.0.1:{port}/CP-1", ssl=context, subprotocols=[Subprotocol("ocpp1.6")], proxy=None,
        additional_headers={"Authorization": f"Basic {login}"},
    )  # fmt: skip


def serial(link: ClientConnection) -> str:
    """Of the certificate that this link was opened with."""
    shown = link.transport.get_extra_info("ssl_object").getpeercert()
    return str(shown["serialNumber"])


async def test_a_charger_with_the_authority_and_its_password_comes_in(tmp_path: Path) -> None:
    async with House(tmp_path / "state", site=site_with_tls(tmp_path)) as house:
        link = await come(house.port, tmp_path / "ca.pem")
        await house.says(lambda state: state.link)
        await link.close()


@pytest.mark.parametrize("what", ["a wrong password", "an unknown authority", "an old TLS", "no TLS at all"])
async def test_who_is_not_let_in(tmp_path: Path, what: str) -> None:
    async with House(tmp_path / "state", site=site_with_tls(tmp_path)) as house:
        authority = tmp_path / "ca.pem"
        if what == "a wrong password":
            with pytest.raises(Exception, match="401"):
                await come(house.port, authority, "guess")
        elif what == "an unknown authority":
            with pytest.raises(ssl.SSLCertVerificationError):
                await come(house.port, None)
        elif what == "an old TLS":
            with (
                pytest.raises((ssl.SSLError, ConnectionError)),
                pytest.warns(DeprecationWarning, match="TLSv1_1"),
            ):
                await come(house.port, authority, maximum_version=ssl.TLSVersion.TLSv1_1)
        else:
            with pytest.raises(Exception, match=r"did not receive a valid HTTP response|connection"):
                await connect(f"ws://127.0.0.1:{house.port}/CP-1", proxy=None)


async def test_a_renewed_certificate_is_shown_and_open_links_stay(tmp_path: Path) -> None:
    async with House(tmp_path / "state", site=site_with_tls(tmp_path), factor=100) as house:
        old = await come(house.port, tmp_path / "ca.pem")
        await house.says(lambda state: state.link)

        make_server(tmp_path, "ocpp", ("localhost", "127.0.0.1"))
        await until(lambda: any(code == "certificate_renewed" for code, _ in house.bus.events))
        pong = await old.ping()
        await pong

        before = serial(old)
        new = await come(house.port, tmp_path / "ca.pem")
        assert serial(new) != before
        await new.close()


async def test_half_a_certificate_is_reported_and_the_old_one_stays(tmp_path: Path) -> None:
    async with House(tmp_path / "state", site=site_with_tls(tmp_path), factor=100) as house:
        (tmp_path / "ocpp.pem").write_text("-----BEGIN CERTIFICATE-----\n")
        await until(lambda: any(code == "certificate_refused" for code, _ in house.bus.events))

        link = await come(house.port, tmp_path / "ca.pem")
        await house.says(lambda state: state.link)
        await link.close()
