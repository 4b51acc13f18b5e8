"""The commands `busbar setup` and `busbar accounts` at the terminal."""

import sys
from pathlib import Path

import typer

from busbar_cli.accounts import acl_text
from busbar_cli.accounts import reference as reference_site
from busbar_cli.new_site import Answers
from busbar_cli.setup import answers_of, ask, make, next_steps, renew_accounts, zone_here
from busbar_shared.command_line import print_json
from busbar_shared.config.load import BadConfig, read_file
from busbar_shared.life import EXIT_CONFIG


def set_up(
    folder: Path, *, yes: bool, where: str, name: str, timezone: str | None, limit_a: float, phases: int, meter: str,
    chargers: str, ocpp_tls: bool, hosts: tuple[str, ...], renew: bool,
    as_json: bool = False,
) -> int:  # fmt: skip
    """Ask, write, and say what to do next. Returns the exit code."""
    try:
        answers = answers_of(
            where, name, timezone or zone_here(), limit_a, phases, meter, chargers, ocpp_tls=ocpp_tls
        )
        if not yes and not (folder / "busbar.toml").exists():
            answers = _asked(answers)
        done = list(make(folder, answers, hosts=hosts, renew=renew))
    except (BadConfig, OSError) as error:
        typer.echo(f"setup: {_sentence(error)}", err=True)
        return EXIT_CONFIG
    todo = next_steps(folder)
    if as_json:
        print_json({"folder": str(folder), "done": done, "next": todo})
        return 0
    for sentence in (*done, todo):
        typer.echo(sentence)
    return 0


def _asked(first: Answers) -> Answers:
    """The answers from the terminal. Raises BadConfig where nobody is there to give them."""
    try:
        return ask(first)
    except typer.Abort as abort:
        if sys.stdin.isatty():
            raise
        raise BadConfig("nobody answers here; give the answers as options, with --yes") from abort


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be written: {error.strerror}"
    return str(error)


def renew(folder: Path, *, reference: bool, as_json: bool = False) -> int:
    """Write acl and passwords anew, or print the reference. Returns the exit code."""
    if reference:
        text = acl_text(reference_site())
        if as_json:
            print_json({"acl": text.splitlines()})
        else:
            typer.echo(text, nl=False)
        return 0
    try:
        renew_accounts(folder, read_file(folder / "busbar.toml"))
    except (BadConfig, OSError) as error:
        typer.echo(f"accounts: {_sentence(error)}", err=True)
        return EXIT_CONFIG
    if as_json:
        print_json({"written": [str(folder / "acl"), str(folder / "passwords")]})
        return 0
    typer.echo(
        f"{folder / 'acl'} and {folder / 'passwords'} are current; have the broker read them: "
        "docker compose kill -s HUP broker, or systemctl reload mosquitto"
    )
    return 0
