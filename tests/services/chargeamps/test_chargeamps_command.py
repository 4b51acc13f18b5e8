"""`busbar chargeamps send-schedule` with words it cannot use: one sentence, exit code 2, and nothing is sent."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from busbar_chargeamps.commands import app

SITE = """
[site]
id = "home"

[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 1

[meters.grid.modbus]
host = "127.0.0.1"

[chargeamps]
operation_mode = "{mode}"
connectors.1.charge_point = "A"
connectors.2.charge_point = "A"
"""


@pytest.mark.parametrize(
    ("mode", "words", "says"),
    [
        pytest.param("hems", ["--connector", "1"], "give either --period or --clear", id="neither"),
        pytest.param("hems", ["--clear", "--period", "a/b"], "give either --period or --clear", id="both"),
        pytest.param("hems", ["--clear"], "--connector: None is none of 1, 2", id="which connector"),
        pytest.param(
            "hems", ["--connector", "1", "--period", "tonight"], "'tonight' is not START/END", id="no period"
        ),
        pytest.param(
            "standalone", ["--connector", "1", "--clear"], "chargeamps.operation_mode", id="nobody listens"
        ),
    ],
)
def test_words_that_cannot_be_used(tmp_path: Path, mode: str, words: list[str], says: str) -> None:
    config = tmp_path / "busbar.toml"
    config.write_text(SITE.format(mode=mode))

    ended = CliRunner().invoke(app, ["send-schedule", *words, "--config", str(config)])

    assert (ended.exit_code, says in ended.output) == (2, True), ended.output
