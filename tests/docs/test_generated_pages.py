"""Pages that are made from the code are what the code says now."""

from pathlib import Path

import typer

from busbar_cli.commands_page import commands_page, leaves
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


WITHOUT_JSON = {
    "run": "it runs until it is stopped",
    "up": "it runs until it is stopped",
    "restart": "it prints nothing when it is good",
    "health": "its answer is the exit code",
    "version": "one line",
    "record": "it writes a file",
    "commands": "it prints this page",
    "setup": "it writes files and says which",
    "accounts": "it writes files and says which",
    "config schema": "it is JSON",
    "config example": "it is TOML",
    "config reference": "it is a page",
    "contract export": "it writes files",
    "ocpp password": "it prints what to copy into the file and the charger",
    "battery set": "one line",
    "simulator replay": "it runs until it is stopped",
    "simulator chargers": "it runs until it is stopped",
}
"""Commands that print no table, and why they have no --json."""


def test_every_command_that_prints_a_table_prints_json_too() -> None:
    silent = {
        " ".join(path[1:])
        for path, command in leaves(typer.main.get_command(app), ("busbar",))
        if "--json" not in {name for one in command.params for name in one.opts}
    }

    assert silent - WITHOUT_JSON.keys() == set(), "give it --json, or say here why it needs none"
