"""Pages that are made from the code are what the code says now."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from busbar_cli.commands_page import commands_page, leaves
from busbar_cli.lazy import CONTENTS
from busbar_cli.main import app
from busbar_shared.config.reference import reference_page

DOCS = Path(__file__).parents[2] / "docs"


def test_the_configuration_reference_is_current() -> None:
    assert (DOCS / "configuration.md").read_text(encoding="utf-8") == reference_page(), (
        "run `busbar config reference > docs/configuration.md` and commit the result"
    )


def test_the_configuration_reference_explains_every_key() -> None:
    page = reference_page()
    mute = [line for line in page.splitlines() if line.startswith("| `") and line.endswith("|  |")]
    assert mute == []
    assert "| `limit_a` | number, A or { a, b, c } | **required** |" in page
    assert "| `port` | whole number, 1 to 65535 | `1883` |" in page


def test_the_page_of_commands_is_current() -> None:
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == commands_page(app), (
        "run `busbar commands > docs/cli.md` and commit the result"
    )


def test_every_command_says_what_it_does() -> None:
    found = dict(leaves(typer.main.get_command(app), ("busbar",)))

    assert ("busbar", "ocpp", "config", "get") in found
    assert [path for path, command in found.items() if not command.help] == []
    assert [
        (path, one.name)
        for path, command in found.items()
        for one in command.params
        if one.param_type_name == "option" and not one.help
    ] == []


def test_every_command_has_json() -> None:
    silent = {
        " ".join(path)
        for path, command in leaves(typer.main.get_command(app), ("busbar",))
        if "--json" not in {name for one in command.params for name in one.opts}
    }

    assert silent == set()


def test_every_command_has_its_place_in_the_table_of_contents() -> None:
    root: Any = typer.main.get_command(app)
    told = [name for part in CONTENTS.values() for name in part]

    assert sorted(told) == sorted(root.list_commands(None))
    assert root.list_commands(None) == told


def test_the_table_of_contents_is_short_and_in_parts() -> None:
    page = run_busbar("--help").stdout.splitlines()

    assert [line.split("─")[1].strip() for line in page if line.startswith("╭─")] == ["Options", *CONTENTS]
    assert not any("xit code" in line for line in page)
    assert len(page) < 75


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        pytest.param("busbar ", {"demo", "ocpp", "doctor"}, id="the commands"),
        pytest.param("busbar do", {"doctor"}, id="the rest of a word"),
        pytest.param("busbar ocpp ", {"list", "verify"}, id="the commands of a group"),
        pytest.param("busbar ocpp config ", {"get", "set"}, id="the commands of a group in a group"),
        pytest.param("busbar restart a", {"allocator"}, id="the name of a service"),
        pytest.param("busbar status --", {"--json", "--config"}, id="options"),
        pytest.param(
            "busbar explain --", {"--live", "--schema"}, id="options of a command that is imported late"
        ),
    ],
)
def test_the_shell_completes(line: str, offered: set[str]) -> None:
    words = line.split()
    count = len(words) if line.endswith(" ") else len(words) - 1
    found = run_busbar(
        _BUSBAR_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(count)
    ).stdout.split()

    assert offered <= set(found)
    assert len(found) > 1 or offered == set(found)


def test_where_it_is_no_terminal_nothing_is_coloured_and_no_bar_is_drawn() -> None:
    done = run_busbar("config", "check", "--config", "nowhere.toml")

    assert done.returncode == 2
    assert "nowhere.toml" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr + run_busbar("--help").stdout


def run_busbar(*words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """`busbar` as a person types it, but with no terminal around."""
    whole = {**os.environ, "PYTHONPATH": ":".join(sys.path), "COLUMNS": "80", **environ}
    command = [sys.executable, "-c", "from busbar_cli.main import main; main()", *words]
    return subprocess.run(command, env=whole, capture_output=True, text=True, check=False)
