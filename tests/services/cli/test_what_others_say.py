"""What devices and other programs say is shown as words: no colour, no command to the terminal, no trace."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from busbar_cli.scene import Scene
from busbar_cli.status import tables
from busbar_cli.view import headless_line, picture
from busbar_cli.watch import line_of
from busbar_contracts.allocation import Allocation, LoadGrant, MeterHealth
from busbar_contracts.load import LoadMode
from busbar_contracts.service import PlantTruth, ServiceEvent
from busbar_shared.bus import RawHeard
from busbar_shared.command_line import console, plain, print_table
from busbar_shared.config.load import read

SITE = read('[site]\nname = "Home [/x]"\n')
NOW = datetime(2026, 6, 21, 18, 0, tzinfo=UTC)
ODD = "limit of [/grid] :warning: \x1b[2J\x07 [red]8 A[/red]"


def an_allocation() -> Allocation:
    grant = LoadGrant(
        mode=LoadMode.STANDARD,
        limit_a=8.0,
        target_a=8.0,
        available_a=8.0,
        reason=ODD,
        legs=("a",),
        binding="wire",
    )
    return Allocation(at=NOW, meter=MeterHealth.FRESH, loads={"left-1": grant}, circuits={})


def drawn(thing: object) -> str:
    out = io.StringIO()
    made = console()
    made.file, made.width = out, 120
    made.print(thing)
    return out.getvalue()


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        pytest.param("16 A on L1", "16 A on L1", id="words"),
        pytest.param("\x1b]0;owned\x07", "\ufffd]0;owned\ufffd", id="a command to the terminal"),
        pytest.param("one\ntwo\tthree", "one two three", id="lines are one line"),
        pytest.param("Größe 3 × 16\u00a0A, 東京", "Größe 3 × 16 A, 東京", id="letters of any language"),
        pytest.param(7200.0, "7200.0", id="a figure"),
        pytest.param("[/x] [red] :smile:", "[/x] [red] :smile:", id="brackets and colons are words"),
    ],
)
def test_what_is_shown(said: object, shown: str) -> None:
    assert plain(said) == shown


def test_a_table_shows_the_words_that_were_said(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("charger", "maker"), (("left", ODD),))

    said = capsys.readouterr().out
    assert "[/grid] :warning: \ufffd[2J\ufffd [red]8 A[/red]" in said
    assert "\x1b" not in said


def test_the_state_of_the_house_shows_the_words_that_were_said() -> None:
    for table in tables([], an_allocation()):
        assert "\x1b" not in drawn(table)
    assert "[/grid] :warning:" in drawn(tables([], an_allocation())[-1])


def test_the_traffic_shows_the_words_that_were_said() -> None:
    line = line_of(SITE, RawHeard("hems/x/\x1b[2J", ODD.encode() + b"\xff\n", 0.0), as_json=False)

    assert line.count("\n") == 1
    assert "\x1b" not in line


def test_the_demo_shows_the_words_that_were_said() -> None:
    scene = Scene(SITE)
    scene.truth = PlantTruth(at=NOW, house_time=NOW, solar_w=0.0, house_w=0.0, battery_w=0.0, grid_w=0.0)
    scene.allocation = an_allocation()
    scene.events = [ServiceEvent(at=NOW, service="x", severity="info", code="x", text=ODD, path="", topic="")]

    assert "\x1b" not in drawn(picture(scene))
    assert "\x1b" not in headless_line(scene)
    assert isinstance(console(), Console)
