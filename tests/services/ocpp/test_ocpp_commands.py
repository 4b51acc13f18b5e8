"""The command line, as far as it needs no broker."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from busbar_ocpp.commands import app
from busbar_ocpp.ledger import Ledger
from busbar_ocpp.passwords import matches

SITE = """
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15

[meters.grid]
driver = "sunspec"
modbus = { host = "127.0.0.1" }

[ocpp]
accept_all_tags = false
tags = ["ONE", "TWO"]

[chargers.left]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "busbar.toml"
    path.write_text(SITE)
    return path


def run(*words: str, folder: Path | None = None) -> tuple[int, str]:
    environ = {"BUSBAR_STATE_DIR": str(folder)} if folder is not None else {}
    result = CliRunner().invoke(app, list(words), env=environ)
    return result.exit_code, result.output


def test_a_password_is_made_with_its_hash() -> None:
    code, said = run("password")

    password = said.split("charge point:")[1].split()[0]
    stored = said.split('password = "')[1].split('"')[0]
    assert code == 0
    assert matches(password, stored)


def test_a_password_that_is_too_short_is_refused() -> None:
    code, said = run("password", "--given", "short")

    assert (code, said.strip()) == (2, "a password has 8 to 40 characters")


def test_tags_as_configured(config: Path) -> None:
    assert run("tags", "-c", str(config)) == (0, "ONE\nTWO\n")
    code, said = run("tags", "--json", "-c", str(config))
    assert code == 0
    assert json.loads(said) == {
        "accept_all": False,
        "tags": ["ONE", "TWO"],
        "asked_s": None,
        "chargers": {},
    }


def test_tags_of_single_chargers_and_the_question_about_others(config: Path) -> None:
    text = config.read_text().replace("[ocpp]", "[ocpp]\nask_tags = true")
    text = text.replace("[chargers.left]", '[chargers.left]\ntags = ["THREE"]')
    config.write_text(text)

    assert run("tags", "-c", str(config)) == (
        0,
        "ONE\nTWO\nleft: THREE (chargers.left)\n"
        "any other tag is asked about over MQTT for 8 s (ocpp.ask_tags)\n",
    )


def test_sessions_in_three_forms(config: Path, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    folder = tmp_path / "state"
    ledger = Ledger(folder / "ocpp" / "transactions.sqlite3", now)
    entry = ledger.start(
        charger="left", connector=1, at=now - timedelta(hours=2), said=None, tag="ONE", meter_wh=0.0
    )
    ledger.stop(entry.number, at=now - timedelta(hours=1), meter_wh=7400.0, reason="Local")
    ledger.close()

    assert "7.40 kWh" in run("sessions", "-c", str(config), folder=folder)[1]
    [row] = json.loads(run("sessions", "--json", "-c", str(config), folder=folder)[1])
    assert (row["energy_kwh"], row["mean_w"], row["tag"]) == (7.4, 7400, "ONE")
    assert run("sessions", "--csv", "-c", str(config), folder=folder)[1].count("\n") == 2
    code, said = run("sessions", "right", "--json", "-c", str(config), folder=folder)
    assert (code, said.strip()) == (2, "right: no such charger; there are: left")


def test_a_machine_where_the_service_never_ran_is_told_so(config: Path, tmp_path: Path) -> None:
    code, said = run("sessions", "-c", str(config), folder=tmp_path / "nothing")

    assert code == 1
    assert "no such book" in said


def test_an_unknown_charger_is_named_with_those_there_are(config: Path) -> None:
    code, said = run("stop", "right", "-c", str(config))

    assert (code, said.strip()) == (2, "right: no such charger; there are: left")


def test_a_wrong_configuration_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "busbar.toml"
    path.write_text("[ocpp]\nport = 99999\n")

    code, said = run("tags", "-c", str(path))

    assert code == 2
    assert "port" in said


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        pytest.param("stop right", 2, "right: no such charger; there are: left", id="a charger that does not exist"),
        pytest.param("show right", 2, "right: no such charger; there are: left", id="nothing to show of it"),
        pytest.param("stop left --connector 7", 2, "left has no connector 7; there are: 1", id="no such connector"),
        pytest.param("availability left maybe", 2, "maybe: on or off", id="neither on nor off"),
        pytest.param("reset left --hard --on-idle", 2, "--hard and --on-idle exclude each other", id="two resets"),
        pytest.param("list", 1, "does not answer", id="nobody who could answer"),
        pytest.param("start left --tag ONE", 1, "does not answer", id="nobody who could start"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_a_sentence_and_an_exit_code(
    config: Path, words: str, code: int, sentence: str
) -> None:
    config.write_text(f'[broker]\nhost = "127.0.0.1"\nport = 1\n{config.read_text()}')

    ended, said = run(*words.split(), "-c", str(config))

    assert (ended, sentence in said) == (code, True), said


def test_a_site_without_chargers_has_no_tags(config: Path) -> None:
    text = config.read_text()
    config.write_text(text[: text.index("[ocpp]")])

    assert run("tags", "-c", str(config)) == (2, "[ocpp] is not configured\n")
