"""`busbar setup` as somebody uses it who was not expected: no terminal, odd folders, half a site, a strict umask."""

import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from busbar_cli.accounts import matches
from busbar_cli.setup import answers_of, make, renew_accounts
from busbar_shared.config.load import BadConfig, read_file


def setup(folder: Path, *words: str, typed: str = "", umask: int = -1) -> "subprocess.CompletedProcess[str]":
    """The command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "busbar_cli", "setup", str(folder), *words],
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        input=typed, capture_output=True, text=True, timeout=60, check=False, umask=umask,
    )  # fmt: skip


def made(folder: Path, **more: Any) -> Path:
    """A site that setup wrote."""
    given: dict[str, Any] = {
        "where": "compose", "name": "Oak", "timezone": "UTC", "limit_a": 25.0, "phases": 3,
        "meter": "192.168.1.20", "chargers": "left", "ocpp_tls": False,
    }  # fmt: skip
    make(folder, answers_of(**{**given, **more}))
    return folder


def test_without_a_terminal_it_says_what_to_do(tmp_path: Path) -> None:
    done = setup(tmp_path / "site")

    assert done.returncode == 2
    assert "nobody answers here; give the answers as options, with --yes" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "site").exists()


def test_answers_may_come_through_a_pipe_and_a_slip_is_asked_again(tmp_path: Path) -> None:
    done = setup(tmp_path / "site", typed="sixty-three\n63\n3\n10.0.0.5\nleft,right\n")

    assert done.returncode == 0, done.stderr
    site = read_file(tmp_path / "site" / "busbar.toml")
    assert site.circuits["main"].limit_a == 63.0
    assert sorted(site.chargers) == ["left", "right"]
    assert "charger left: identity left, password " in done.stdout


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        pytest.param("file", "cannot be written: File exists", id="a file is in the way"),
        pytest.param("file/site", "cannot be written: Not a directory", id="a file is on the way"),
        pytest.param("/proc/busbar", "/proc/busbar cannot be written", id="nobody may write there"),
    ],
)
def test_a_folder_that_cannot_be_made(tmp_path: Path, place: str, sentence: str) -> None:
    (tmp_path / "file").write_text("here already")

    done = setup(tmp_path / place, "--yes")

    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["the house", "no. #7", "50 $PATH", "O'Neill", "Å"])
def test_a_folder_with_any_name(tmp_path: Path, name: str) -> None:
    done = setup(tmp_path / name, "--yes")

    assert done.returncode == 0, done.stderr
    command = re.search(r"docker compose --env-file (.+?) up -d", done.stdout)
    assert command is not None
    [file] = shlex.split(command[1])
    assert Path(file) == tmp_path / name / "compose.env"
    assert read_back(tmp_path / name / "compose.env") == str(tmp_path / name)


def read_back(file: Path) -> str:
    """The folder that compose reads from its env file: a plain word, or all that is between single quotes."""
    value = file.read_text().splitlines()[0].removeprefix("BUSBAR_SITE=")
    if value.startswith("'"):
        return value[1:-1].replace("\\'", "'").replace("\\\\", "\\")
    assert re.fullmatch(r"[\w/.,:@+-]+", value, re.ASCII)
    return value


def test_under_a_strict_umask_containers_can_read_their_files_and_strangers_cannot(tmp_path: Path) -> None:
    done = setup(tmp_path / "site", "--yes", umask=0o077)

    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((tmp_path / "site").stat().st_mode) == 0o700
    inside = [one for one in (tmp_path / "site").rglob("*") if one.name != "ca.key"]
    closed = [one.name for one in inside if not one.stat().st_mode & stat.S_IROTH]
    assert closed == []


def test_a_password_that_a_full_disk_left_empty_is_made_anew(tmp_path: Path) -> None:
    folder = made(tmp_path)
    (folder / "secrets" / "owner").write_text("\n")

    made(folder)

    stored = dict(line.split(":", 1) for line in (folder / "passwords").read_text().splitlines())
    assert len((folder / "secrets" / "owner").read_text().strip()) == 32
    assert not matches("", stored["owner"])


@pytest.mark.parametrize("name", ["acl.local", "passwords", "secrets/meter", "busbar.toml"])
def test_a_file_that_is_no_text_is_a_sentence(tmp_path: Path, name: str) -> None:
    folder = made(tmp_path)
    (folder / name).write_bytes(b"user \xe5ke\n")

    with pytest.raises(BadConfig, match=r"is not UTF-8: byte 5"):
        made(folder)


def test_chargers_over_tls_under_busbar_up_find_their_certificate(tmp_path: Path) -> None:
    folder = made(tmp_path / "site", where="up", ocpp_tls=True)

    section = read_file(folder / "busbar.toml").ocpp
    assert section is not None
    assert section.security == 2
    assert [Path(str(one)).is_file() for one in (section.cert_file, section.key_file)] == [True, True]

    before = (folder / "ocpp.pem").read_bytes()
    make(folder, answers_of("up", "Oak", "UTC", 25, 3, "10.0.0.5", "left", ocpp_tls=False), renew=True)
    assert (folder / "ocpp.pem").read_bytes() != before, "the site says that it has TLS, not the options"


def test_what_the_owner_wrote_for_a_service_is_kept(tmp_path: Path) -> None:
    folder = made(tmp_path)
    assert (folder / "own" / "chargeamps" / "password").read_text() == ""
    (folder / "own" / "chargeamps" / "password").write_text("secret\n")

    made(folder)

    assert (folder / "own" / "chargeamps" / "password").read_text() == "secret\n"


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    tmp_path.chmod(0o755)

    done = setup(tmp_path, "--yes")

    assert done.returncode == 2
    assert "has other things in it (photos); a site needs a folder of its own" in done.stderr
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert [one.name for one in tmp_path.iterdir()] == ["photos"]


def test_certificates_that_were_there_first_are_taken(tmp_path: Path) -> None:
    first = made(tmp_path / "first")
    second = tmp_path / "second"
    second.mkdir()
    for name in ("ca.pem", "ca.key", "broker.pem", "broker.key"):
        (second / name).write_bytes((first / name).read_bytes())

    made(second)

    assert (second / "broker.pem").read_bytes() == (first / "broker.pem").read_bytes()
    assert (second / "ocpp.pem").exists()


def test_an_answer_that_cannot_be_leaves_nothing_behind(tmp_path: Path) -> None:
    done = setup(tmp_path / "site", "--yes", "--timezone", "Mars/Phobos")

    assert done.returncode == 2
    assert "Mars/Phobos" in done.stderr
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("name", ["broker.key", "ocpp.pem"])
def test_half_a_certificate_is_not_overwritten(tmp_path: Path, name: str) -> None:
    folder = made(tmp_path)
    (folder / name).unlink()
    other = {"broker.key": "broker.pem", "ocpp.pem": "ocpp.key"}[name]
    before = (folder / other).read_bytes()

    with pytest.raises(BadConfig, match=f"has {other} without its other half"):
        made(folder)
    assert (folder / other).read_bytes() == before


@pytest.mark.parametrize("name", ["busbar", "oak:{service}", "{service}\\nuser x", " {service}"])
def test_an_account_name_that_the_broker_cannot_hold_is_a_sentence(tmp_path: Path, name: str) -> None:
    folder = made(tmp_path)
    before = (folder / "acl").read_bytes(), (folder / "passwords").read_bytes()
    file = folder / "busbar.toml"
    file.write_text(file.read_text().replace('username = "{service}"', f'username = "{name}"'))

    with pytest.raises(BadConfig, match=r"broker\.username: .*\(found "):
        renew_accounts(folder, read_file(file))
    assert ((folder / "acl").read_bytes(), (folder / "passwords").read_bytes()) == before


def test_without_openssl_nothing_is_written_so_that_no_password_is_lost(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "busbar_cli", "setup", str(tmp_path / "site"), "--yes", "--meter", "10.0.0.5"],
        env={"PATH": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip

    assert done.returncode == 2
    assert "the command openssl is needed to make certificates; install it" in done.stderr
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("host", ["fe80::1%eth0", "oak,evil.example", "https://oak", "", "two words"])
def test_a_name_that_no_certificate_can_have_is_a_sentence(tmp_path: Path, host: str) -> None:
    done = setup(tmp_path / "site", "--yes", "--host", host)

    assert done.returncode == 2
    assert f"--host: a name or an address (found {host!r})" in done.stderr
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("chargers", "scale"), [("left", "BUSBAR_OCPP=1"), ("", "BUSBAR_OCPP=0")], ids=["a charger", "no charger"]
)
def test_a_house_without_chargers_gets_no_ocpp_container(tmp_path: Path, chargers: str, scale: str) -> None:
    folder = made(tmp_path / "site", chargers=chargers)

    assert scale in (folder / "compose.env").read_text().splitlines()


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        pytest.param(
            "topic readwrite #\n", "line 1: say first whose it is: user NAME", id="rights of nobody"
        ),
        pytest.param(
            "# mine\n\nuser\n", "line 3: user, topic or pattern, and of what", id="a user without a name"
        ),
        pytest.param(
            "user tv\nallow all\n", "line 2: user, topic or pattern, and of what", id="a word of its own"
        ),
    ],
)
def test_rights_that_would_be_somebody_elses_are_a_sentence(
    tmp_path: Path, lines: str, sentence: str
) -> None:
    folder = made(tmp_path)
    before = (folder / "acl").read_bytes()
    (folder / "acl.local").write_text(lines)

    with pytest.raises(BadConfig, match=sentence):
        made(folder)
    assert (folder / "acl").read_bytes() == before


def test_rights_of_the_owners_own_devices_are_taken(tmp_path: Path) -> None:
    folder = made(tmp_path)
    (folder / "acl.local").write_text("# my television\nuser tv\ntopic read hems/#\npattern write tv/%u/#\n")

    made(folder)

    assert (folder / "acl").read_text().endswith("user tv\ntopic read hems/#\npattern write tv/%u/#\n")
