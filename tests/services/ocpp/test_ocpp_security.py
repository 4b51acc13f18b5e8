"""Who may come in: passwords, strangers, certificates; and what garbage does (nothing)."""

import asyncio
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ocpp_house import SITE, House
from ocpp_time import until
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from busbar_ocpp.passwords import Failures, hashed, matches


def with_password(password: str) -> str:
    return SITE.replace("security = 0", "security = 1").replace(
        'charge_point = "CP-1"', f'charge_point = "CP-1"\npassword = "{hashed(password)}"'
    )


async def test_the_right_password_opens(tmp_path: Path) -> None:
    async with House(tmp_path, site=with_password("0123456789abcdef")) as house:
        charger = house.guest()
        await charger.connect(password="0123456789abcdef")

        assert (await charger.boot())["status"] == "Accepted"


async def test_a_wrong_password_is_refused_and_guessing_is_slow(tmp_path: Path) -> None:
    async with House(tmp_path, site=with_password("0123456789abcdef"), factor=1) as house:
        for _ in range(5):
            with pytest.raises(Exception, match="401"):
                await house.guest().connect(password="guess")

        with pytest.raises(Exception, match="429"):
            await house.guest().connect(password="0123456789abcdef")


async def test_without_a_password_nobody_comes_in(tmp_path: Path) -> None:
    async with House(tmp_path, site=with_password("0123456789abcdef")) as house:
        with pytest.raises(Exception, match="401"):
            await house.guest().connect()


@pytest.mark.parametrize(
    "stored",
    ["", "scrypt", "scrypt$1$a$b", "scrypt$4096$!$!", "md5$x$y$z", "scrypt$99999999$YQ==$YQ=="],
    ids=["empty", "cut off", "too cheap", "no base64", "another kind", "too dear"],
)
def test_a_hash_that_cannot_be_read_matches_nothing(stored: str) -> None:
    assert not matches("anything", stored)


def test_a_password_matches_only_itself() -> None:
    stored = hashed("correct horse")

    assert matches("correct horse", stored)
    assert not matches("correct horsf", stored)
    assert stored != hashed("correct horse")


def test_failures_are_forgiven_after_a_minute_and_do_not_fill_the_memory() -> None:
    failures = Failures()
    for second in range(5):
        failures.note(("CP-1", "192.0.2.1"), float(second))
    assert failures.too_many(("CP-1", "192.0.2.1"), 5.0)
    assert not failures.too_many(("CP-1", "192.0.2.1"), 70.0)
    for stranger in range(5000):
        failures.note((str(stranger), "192.0.2.2"), 80.0)
    assert not failures.too_many(("CP-1", "192.0.2.1"), 80.0)


async def test_a_stranger_waits_for_the_owner(tmp_path: Path) -> None:
    site = SITE.replace("security = 0", 'security = 0\nunknown = "pending"')
    async with House(tmp_path, site=site) as house:
        stranger = house.guest("CP-NEW")
        await stranger.connect()
        assert (await stranger.boot())["status"] == "Pending"
        await until(lambda: any(code == "pending_charge_point" for code, _ in house.bus.events))
        assert await stranger.call("Heartbeat", {}) == "SecurityError"

        house.command(action="accept", value="CP-NEW")

        await until(lambda: stranger.closed)
        await stranger.connect()
        assert (await stranger.boot())["status"] == "Accepted"
        await house.says(lambda state: state.link)


def certificates(folder: Path) -> dict[str, Path]:
    """An authority, a server and two chargers."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
        "-subj", "/CN=Test CA")  # fmt: skip
    for name, extra in (("server", "subjectAltName=DNS:localhost,IP:127.0.0.1"), ("CP-1", ""), ("CP-2", "")):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
            "-subj", f"/CN={name}")  # fmt: skip
        more = []
        if extra:
            (folder / "ext").write_text(extra)
            more = ["-extfile", "ext"]
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", f"{name}.pem", "-days", "2", *more)  # fmt: skip
    return {path.name: path for path in folder.iterdir()}


async def test_client_certificates_name_their_charger(tmp_path: Path) -> None:
    (tmp_path / "pki").mkdir()
    files = certificates(tmp_path / "pki")
    site = SITE.replace(
        "security = 0",
        f'security = 3\ncert_file = "{files["server.pem"]}"\nkey_file = "{files["server.key"]}"\n'
        f'ca_file = "{files["ca.pem"]}"',
    )

    async def come(port: int, id: str, own: str) -> Any:
        context = ssl.create_default_context(cafile=str(files["ca.pem"]))
        context.load_cert_chain(files[f"{own}.pem"], files[f"{own}.key"])
        return await connect(
            f"wss://127.0.0.1:{port}/{id}", ssl=context, subprotocols=[Subprotocol("ocpp1.6")], proxy=None
        )

    async with House(tmp_path / "state", site=site) as house:
        right = await come(house.port, "CP-1", "CP-1")
        await house.says(lambda state: state.link)
        with pytest.raises(Exception, match="401"):
            await come(house.port, "CP-1", "CP-2")
        await right.close()


GARBAGE = [
    "", "null", "[]", "{}", "[2]", '[2,"1"]', '[2,"1","Heartbeat"]', '[2,"1",5,{}]', '[2,5,"Heartbeat",{}]',
    '[9,"1","x",{}]', '[3,"nobody",{}]', '[4,"nobody","InternalError","",{}]', "\x00\xff", "[" * 5000,
    '[2,"1","BootNotification",{"chargePointVendor":5}]', '[2,"1","MeterValues",{"connectorId":1,"meterValue":7}]',
    '[2,"1","StatusNotification",{"connectorId":-5,"status":"Available"}]',
    '[2,"1","StartTransaction",{"connectorId":0,"idTag":"A","meterStart":0}]',
    '[2,"1","StartTransaction",{"connectorId":1,"idTag":"A","meterStart":1e400}]',
    '[2,"1","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"9999-99-99","sampledValue":[{"value":{}}]}]}]',
    '[2,"1","NoSuchAction",{}]',
]  # fmt: skip


async def test_garbage_is_answered_or_ignored_and_harms_nobody(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        good = await house.arrived("CP-2")
        async with connect(
            f"ws://127.0.0.1:{house.port}/CP-1", subprotocols=[Subprotocol("ocpp1.6")], proxy=None
        ) as bad:
            for text in GARBAGE:
                await bad.send(text)
            await bad.send(b"\xff\xfe binary")
            await bad.send('[2,"last","Heartbeat",{}]')
            answers: list[str] = []
            async with asyncio.timeout(30):
                while not any('"last"' in answer for answer in answers):
                    answers.append(str(await bad.recv()))
            house.order(9.0, "right")
            await until(lambda: good.limit() == 9.0)

        assert '[4,"1","NotImplemented"' in "".join(answers)
        assert any("TypeConstraintViolation" in answer for answer in answers)
        assert (await good.call("Heartbeat", {}))["currentTime"]


async def _until_closed(connection: Any) -> None:
    while True:
        await connection.recv()


async def test_an_enormous_frame_ends_only_its_own_connection(tmp_path: Path) -> None:
    async with House(tmp_path) as house:
        good = await house.arrived("CP-2")
        async with connect(
            f"ws://127.0.0.1:{house.port}/CP-1", subprotocols=[Subprotocol("ocpp1.6")], proxy=None
        ) as bad:
            await bad.send("[2," + "9" * 300_000)
            with pytest.raises(Exception, match="1009"):
                await asyncio.wait_for(_until_closed(bad), 30)

        assert (await good.call("Heartbeat", {}))["currentTime"]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        pytest.param("not json", "RpcFrameworkError", id="no message at all"),
        pytest.param('[2,"7","Heartbeat"]', "FormatViolation", id="a call without a payload"),
        pytest.param('[7,"7","Heartbeat",{}]', "MessageTypeNotSupported", id="no such type"),
        pytest.param(
            '[2,"7","BootNotification",{"reason":"PowerUp"}]', "ProtocolError", id="a field is missing"
        ),
        pytest.param('[2,"7","Nonsense",{}]', "NotImplemented", id="no such action"),
    ],
)
async def test_errors_of_2_0_1(tmp_path: Path, frame: str, code: str) -> None:
    async with House(tmp_path) as house, connect(
        f"ws://127.0.0.1:{house.port}/CP-1", subprotocols=[Subprotocol("ocpp2.0.1")], proxy=None
    ) as bad:  # fmt: skip
        await bad.send(frame)

        assert code in str(await asyncio.wait_for(bad.recv(), 30))
