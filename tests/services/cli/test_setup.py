"""`busbar setup`: few answers, a configuration that passes its own check, and nothing written twice."""

import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from busbar_cli.accounts import matches
from busbar_cli.new_site import Answers, ChargerSecret, toml_of
from busbar_cli.service_checks import service_problems
from busbar_cli.setup import answers_of, make
from busbar_shared.config.load import BadConfig, read, read_file

SECRET = ChargerSecret("a-password-of-24-letters", "scrypt$4096$c2FsdHNhbHRzYWx0c2FsdA==$aGFzaA==")


def answers(**more: Any) -> Answers:
    given: dict[str, Any] = {
        "where": "compose", "name": "Oak", "timezone": "Europe/Stockholm", "limit_a": 20.0, "phases": 3,
        "meter": "192.168.1.20", "chargers": "left,right", "ocpp_tls": False,
    }  # fmt: skip
    return answers_of(**{**given, **more})


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(answers(), id="two chargers behind 20 A"),
        pytest.param(answers(phases=1, limit_a=35.0), id="one phase"),
        pytest.param(answers(chargers=""), id="no charger"),
        pytest.param(answers(meter="simulated"), id="the simulated house"),
        pytest.param(answers(ocpp_tls=True), id="chargers over TLS"),
        pytest.param(answers(where="machine"), id="systemd"),
        pytest.param(answers(where="up", meter="simulated"), id="busbar up"),
        pytest.param(answers(limit_a=6.0), id="a tiny breaker"),
        pytest.param(answers(name='Å "quoted" \\ name'), id="a name with quotes"),
    ],
)
def test_every_answer_gives_a_site_that_passes_its_check(given: Answers) -> None:
    site = read(toml_of(given, dict.fromkeys(given.chargers, SECRET)))

    assert list(service_problems(site)) == []
    assert site.site.name == given.name


def test_the_proposed_background_is_60_percent_of_the_breaker() -> None:
    site = read(toml_of(answers(limit_a=20.0), dict.fromkeys(("left", "right"), SECRET)))

    assert site.circuits["main"].assumed_background_a == 12.0


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        pytest.param({"limit_a": 3.0}, "6 to 400 A (found 3)", id="a breaker too small"),
        pytest.param({"limit_a": float("nan")}, "6 to 400 A", id="a breaker that is no number"),
        pytest.param({"phases": 2}, "1 or 3 (found 2)", id="two phases"),
        pytest.param({"chargers": "left,rig ht"}, "found 'rig ht'", id="a name with a blank"),
        pytest.param({"meter": "\n[x]"}, "found '\\n[x]'", id="a meter with a line break"),
        pytest.param({"chargers": "left,Left"}, "'left' is named twice", id="a charger twice"),
        pytest.param({"name": "a\nb"}, "one line of text (found 'a\\nb')", id="a name of two lines"),
        pytest.param({"meter": "modbus://10.0.0.5"}, "found 'modbus://10.0.0.5'", id="a meter as a URL"),
        pytest.param({"meter": "10.0.0.5:70000"}, "found '10.0.0.5:70000'", id="a port beyond all"),
        pytest.param({"where": "cloud"}, "found 'cloud'", id="an unknown place"),
        pytest.param(
            {"meter": "simulated", "ocpp_tls": True}, "--ocpp-tls", id="TLS and the simulated chargers"
        ),
    ],
)
def test_a_wrong_answer_is_one_sentence(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(BadConfig) as caught:
        answers(**wrong)

    assert says in str(caught.value)


def test_the_folder_has_all_a_house_needs_and_is_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    make(folder, answers(ocpp_tls=True), hosts=("192.168.1.5", "oak.local"))

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "ca.key").stat().st_mode) == 0o600
    stored = dict(line.split(":", 1) for line in (folder / "passwords").read_text().splitlines())
    for name in ("meter", "ocpp", "allocator", "owner", "devices"):
        assert matches((folder / "secrets" / name).read_text().strip(), stored[name])
    for server in ("broker", "ocpp"):
        done = subprocess.run(
            ["openssl", "verify", "-CAfile", folder / "ca.pem", "-verify_hostname", "oak.local", folder / f"{server}.pem"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_second_setup_keeps_configuration_passwords_and_certificates(tmp_path: Path) -> None:
    make(tmp_path, answers())
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}

    said = make(tmp_path, answers(limit_a=63.0))

    assert {file: file.read_bytes() for file in before} == before
    assert "kept as it is" in said[0]
    assert read_file(tmp_path / "busbar.toml").circuits["main"].limit_a == 20.0


def test_accounts_of_the_owner_survive(tmp_path: Path) -> None:
    make(tmp_path, answers())
    (tmp_path / "acl.local").write_text("user tv\ntopic read hems/#\n")
    with (tmp_path / "passwords").open("a") as file:
        file.write("tv:$7$101$x$y\n")

    make(tmp_path, answers())

    assert "user tv\ntopic read hems/#" in (tmp_path / "acl").read_text()
    assert "tv:$7$101$x$y" in (tmp_path / "passwords").read_text().splitlines()


def test_renewed_certificates_are_signed_by_the_same_authority(tmp_path: Path) -> None:
    make(tmp_path, answers())
    authority, server = (tmp_path / "ca.pem").read_bytes(), (tmp_path / "ocpp.pem").read_bytes()

    make(tmp_path, answers(), renew=True)

    assert (tmp_path / "ca.pem").read_bytes() == authority
    assert (tmp_path / "ocpp.pem").read_bytes() != server


def test_sites_that_share_a_broker_log_in_with_names_of_their_own(tmp_path: Path) -> None:
    make(tmp_path, answers())
    file = tmp_path / "busbar.toml"
    file.write_text(
        file.read_text()
        .replace('"{service}"', '"oak-{service}"')
        .replace("[site]", '[site]\ntopic_root = "sites/oak/hems"')
    )

    make(tmp_path, answers())

    stored = dict(line.split(":", 1) for line in (tmp_path / "passwords").read_text().splitlines())
    assert matches((tmp_path / "secrets" / "meter").read_text().strip(), stored["oak-meter"])
    acl = (tmp_path / "acl").read_text()
    assert "user oak-meter\ntopic read sites/oak/hems/#" in acl
    assert "topic write sites/oak/hems/meter/+/reading" in acl
    assert "hems/#" not in acl.replace("sites/oak/hems/#", "")


@pytest.mark.parametrize(
    ("meter", "host", "port"),
    [
        ("192.168.1.20", "192.168.1.20", 502),
        ("192.168.1.20:1502", "192.168.1.20", 1502),
        ("meter.local", "meter.local", 502),
        ("fd00::5", "fd00::5", 502),
        ("[fd00::5]:1502", "fd00::5", 1502),
    ],
)
def test_a_meter_may_have_a_port(meter: str, host: str, port: int) -> None:
    site = read(toml_of(answers(meter=meter), dict.fromkeys(("left", "right"), SECRET)))

    place = site.meters["grid"].modbus
    assert place is not None
    assert (place.host, place.port) == (host, port)


def test_the_key_of_the_authority_may_lie_elsewhere_but_no_other_authority_takes_its_place(
    tmp_path: Path,
) -> None:
    make(tmp_path, answers())
    authority = (tmp_path / "ca.pem").read_bytes()
    (tmp_path / "ca.key").unlink()

    make(tmp_path, answers())
    assert (tmp_path / "ca.pem").read_bytes() == authority

    with pytest.raises(BadConfig, match=r"has ca\.pem alone"):
        make(tmp_path, answers(), renew=True)
    assert (tmp_path / "ca.pem").read_bytes() == authority
