"""`busbar prices fetch`: what it prints, and how it ends where there is nothing to print."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from typer.testing import CliRunner

from busbar_contracts.prices import PriceSeries
from busbar_prices.commands import app

SITE = """
[site]
id = "home"
timezone = "Europe/Amsterdam"

[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 1

[meters.grid.modbus]
host = "127.0.0.1"
"""
TOMORROW = datetime.now(ZoneInfo("Europe/Amsterdam")) + timedelta(days=1)
LATER = f"{TOMORROW:%Y-%m-%d}T12:00:00Z,{TOMORROW:%Y-%m-%d}T13:00:00Z,0.1"


@pytest.mark.parametrize(
    ("prices", "words", "code", "says"),
    [
        pytest.param('kind = "file"\nfile = "{here}/good.csv"', [], 0, "0.12100 EUR/kWh", id="a file with a price"),
        pytest.param('kind = "file"\nfile = "{here}/good.csv"', ["export"], 2, "import", id="an unknown series"),
        pytest.param(None, [], 2, "'import' is not configured; there are: none", id="no series at all"),
        pytest.param('kind = "entsoe"\narea = "X"', [], 2, "neither ENTSOE_TOKEN nor", id="a token that is missing"),
        pytest.param('kind = "mqtt"\ntopic = "a/b"', [], 2, "listens to a/b", id="a topic, which cannot be asked"),
        pytest.param('kind = "file"\nfile = "{here}/none.csv"', [], 1, "none.csv", id="a file that is not there"),
        pytest.param('kind = "file"\nfile = "{here}/old.csv"', [], 1, "no prices for today", id="only old prices"),
        pytest.param('kind = "file"\nfile = "{here}/bad.csv"', [], 1, "no row of prices", id="an empty file"),
    ],
)  # fmt: skip
def test_a_series_is_fetched_or_it_is_said_why_not(
    tmp_path: Path, prices: str | None, words: list[str], code: int, says: str
) -> None:
    (tmp_path / "good.csv").write_text(f"start,end,price\n{LATER}\n")
    (tmp_path / "old.csv").write_text("start,end,price\n2020-01-01T12:00:00Z,2020-01-01T13:00:00Z,0.1\n")
    (tmp_path / "bad.csv").write_text("start,end,price\n")
    told = "" if prices is None else f"[prices.series.import]\nvat_percent = 21\n{prices}"
    config = tmp_path / "busbar.toml"
    config.write_text(SITE + told.format(here=tmp_path))

    ended = CliRunner().invoke(app, ["fetch", *words, "--config", str(config)])

    assert (ended.exit_code, says in ended.output) == (code, True), ended.output


def test_the_message_is_printed_as_it_would_go_on_the_bus(tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text(f"start,end,price\n{LATER}\n")
    config = tmp_path / "busbar.toml"
    config.write_text(f'{SITE}\n[prices.series.import]\nkind = "file"\nfile = "{tmp_path}/good.csv"\n')

    ended = CliRunner().invoke(app, ["fetch", "--json", "--config", str(config)])

    message = msgspec.json.decode(ended.stdout, type=PriceSeries)
    assert (ended.exit_code, message.slots[0].price, message.source) == (0, 0.1, "file:good.csv")
