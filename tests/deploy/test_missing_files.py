"""A file that is missing, unreadable or not what it should be: one plain sentence with its key, and exit code 2."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from busbar_cli.broker import free_port
from busbar_cli.certificates import make_authority, make_server

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

SITE = """
[broker]
host = "127.0.0.1"
port = {mqtt}
{login}
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 10
[meters.grid]
modbus = {{ host = "127.0.0.1", port = 1 }}
{driver}
[chargers.left]
fallback_a = 6
[ocpp]
port = {ocpp}
{door}
[simulator]
modbus_port = {modbus}
{day}
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates that are good, and some files that are nothing of the kind."""
    folder = tmp_path_factory.mktemp("files")
    make_authority(folder, "Oak")
    make_server(folder, "ocpp", ("localhost",))
    make_server(folder, "other", ("localhost",))
    (folder / "letter.txt").write_text("Dear neighbour")
    (folder / "noise").write_bytes(b"\xff\xfe\x00")
    subprocess.run(
        ["openssl", "ec", "-in", "ocpp.key", "-aes128", "-passout", "pass:abcd", "-out", "locked.key"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return folder


def run(
    files: Path, folder: Path, service: str, environ: dict[str, str], **parts: Any
) -> "subprocess.CompletedProcess[str]":
    """The service with this site, until it gives up."""
    given = {
        "mqtt": 1,
        "ocpp": free_port(),
        "modbus": free_port(),
        "login": "",
        "driver": "",
        "door": "security = 0",
        "day": "",
    }
    text = SITE.format_map(given | parts).replace("FILES", str(files))
    (folder / "busbar.toml").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "busbar_cli", "run", service, "--config", str(folder / "busbar.toml")],
        env={**os.environ, "BUSBAR_STATE_DIR": str(folder / "state"), **environ},
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def tls(cert: str, key: str, more: str = "security = 2") -> str:
    """The door of the charge points with these files."""
    return f'{more}\ncert_file = "FILES/{cert}"\nkey_file = "FILES/{key}"'


LOGIN = 'username = "{service}"\npassword = "OAK"'
CASES = [
    pytest.param("ocpp", {"door": tls("none.pem", "ocpp.key")}, {}, "ocpp.cert_file: FILES/none.pem cannot be read: No such file",
        id="the charge points' certificate is missing"),
    pytest.param("ocpp", {"door": tls("ocpp.pem", "none.key")}, {}, "ocpp.key_file: FILES/none.key cannot be read: No such file",
        id="its key is missing"),
    pytest.param("ocpp", {"door": tls("", "ocpp.key")}, {}, "cannot be read: Is a directory", id="the certificate is a folder"),
    pytest.param("ocpp", {"door": tls("letter.txt", "ocpp.key")}, {}, "ocpp.cert_file: FILES/letter.txt and its key",
        id="the certificate is a letter"),
    pytest.param("ocpp", {"door": tls("ocpp.pem", "other.key")}, {}, "cannot be used together",
        id="the key is of another certificate"),
    pytest.param("ocpp", {"door": tls("ocpp.pem", "locked.key")}, {}, "the key has a password; give one without",
        id="the key has a password"),
    pytest.param("ocpp", {"door": "security = 2"}, {}, "ocpp.cert_file: security 2 needs the server's certificate",
        id="no certificate is named"),
    pytest.param("ocpp", {"door": tls("ocpp.pem", "ocpp.key", 'security = 3\nca_file = "FILES/none.pem"')}, {},
        "ocpp.ca_file: FILES/none.pem cannot be read: No such file", id="the chargers' authority is missing"),
    pytest.param("ocpp", {"door": tls("ocpp.pem", "ocpp.key", 'security = 3\nca_file = "FILES/letter.txt"')}, {},
        "ocpp.ca_file: FILES/letter.txt cannot be read", id="the chargers' authority is a letter"),
    pytest.param("meter", {"login": 'tls = true\nca_file = "FILES/none.pem"'}, {},
        "broker.ca_file: FILES/none.pem cannot be used", id="the broker's authority is missing"),
    pytest.param("meter", {"login": LOGIN}, {"OAK_FILE": "FILES/none"}, "OAK_FILE: the file FILES/none cannot be read",
        id="the password's file is missing"),
    pytest.param("meter", {"login": LOGIN}, {"OAK_FILE": "FILES/noise"}, "OAK_FILE: the file FILES/noise cannot be read",
        id="the password's file is noise"),
    pytest.param("meter", {"login": LOGIN}, {}, "broker.password: neither OAK nor OAK_FILE is set, and meter needs it",
        id="no password is given"),
    pytest.param("simulator", {"day": 'day_csv = "FILES/none.csv"'}, {}, "simulator.day_csv: FILES/none.csv",
        id="the recorded day is missing"),
    pytest.param("meter", {"driver": 'driver = "map:FILES/none.toml"'}, {}, "meters.grid.driver: FILES/none.toml: No such file",
        id="the register map is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("service", "parts", "environ", "sentence"), CASES)
async def test_a_service_says_what_is_missing_and_ends_with_2(
    broker: Any,
    files: Path,
    tmp_path: Path,
    service: str,
    parts: dict[str, str],
    environ: dict[str, str],
    sentence: str,
) -> None:
    environ = {name: value.replace("FILES", str(files)) for name, value in environ.items()}

    done = await asyncio.to_thread(run, files, tmp_path, service, environ, mqtt=broker.port, **parts)

    assert done.returncode == 2, done.stderr
    assert sentence.replace("FILES", str(files)) in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_port_that_is_taken_is_a_sentence_and_worth_another_try(
    broker: Any, files: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = await asyncio.to_thread(
            run, files, tmp_path, "ocpp", {}, mqtt=broker.port, ocpp=taken.getsockname()[1]
        )

    assert done.returncode == 1
    assert "address already in use" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        pytest.param("none.toml", "none.toml cannot be read: No such file or directory", id="it is missing"),
        pytest.param("", "cannot be read: Is a directory", id="it is a folder"),
        pytest.param("noise", "noise is not UTF-8: byte 0", id="it is noise"),
        pytest.param("letter.txt", "not TOML", id="it is a letter"),
    ],
)
async def test_a_configuration_that_cannot_be_read(files: Path, place: str, sentence: str) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "busbar_cli", "run", "meter", "--config", str(files / place)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
