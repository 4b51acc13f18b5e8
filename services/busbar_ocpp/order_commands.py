"""`busbar ocpp start`, `stop`, `verify` and the like: what a charger shall do, asked of the running service.

Every command prints the answer; exit code 1 says that it was not done.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from busbar_ocpp.command_arguments import (
    ChargerArgument,
    ConnectorOption,
    JsonOption,
    charger_or_exit,
    print_json_line,
)
from busbar_shared.command_line import EXIT_UNANSWERED, ConfigOption, answer_or_exit, fail, load_or_exit

orders = typer.Typer()
settings = typer.Typer(help="Read and change a charger's own settings.", no_args_is_help=True)


@orders.command()
def start(
    charger: ChargerArgument,
    tag: Annotated[str | None, typer.Option(help="RFID tag to start with.")] = None,
    connector: ConnectorOption = "1",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Start charging."""
    _ask(config, charger, connector, as_json, action="start", tag=tag)


@orders.command()
def stop(
    charger: ChargerArgument,
    connector: ConnectorOption = "1",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Stop charging."""
    _ask(config, charger, connector, as_json, action="stop")


@orders.command()
def unlock(
    charger: ChargerArgument,
    connector: ConnectorOption = "1",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Unlock the cable."""
    _ask(config, charger, connector, as_json, action="unlock")


@orders.command()
def reset(
    charger: ChargerArgument,
    hard: Annotated[bool, typer.Option("--hard", help="At once, without ending transactions.")] = False,
    on_idle: Annotated[
        bool,
        typer.Option("--on-idle", help="Not before the car has ended charging (OCPP 2.0.1 waits for it)."),
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Restart a charger."""
    if hard and on_idle:
        fail("--hard and --on-idle exclude each other")
    value = "on_idle" if on_idle else None
    _ask(config, charger, None, as_json, action="hard_reset" if hard else "reset", value=value)


@orders.command()
def clear(
    charger: ChargerArgument,
    connector: ConnectorOption = "1",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Clear Busbar's profiles at a connector and set them again."""
    _ask(config, charger, connector, as_json, action="clear_profiles")


@orders.command()
def availability(
    charger: ChargerArgument,
    state: Annotated[str, typer.Argument(help="on or off.")],
    connector: ConnectorOption = "1",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Take a connector in or out of service."""
    if state not in ("on", "off"):
        fail(f"{state}: on or off")
    _ask(config, charger, connector, as_json, action="enable" if state == "on" else "disable")


@orders.command()
def trigger(
    charger: ChargerArgument,
    message: Annotated[str, typer.Argument(help="For example StatusNotification, MeterValues.")],
    connector: ConnectorOption = "1",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Ask a charger for a message."""
    _ask(config, charger, connector, as_json, action="trigger", key=message)


@orders.command()
def diagnostics(
    charger: ChargerArgument,
    url: Annotated[str, typer.Argument(help="Where the charger uploads its log to.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Ask a charger for its log."""
    _ask(config, charger, None, as_json, action="diagnostics", value=url)


@orders.command()
def accept(
    charger: ChargerArgument,
    identity: Annotated[
        str | None, typer.Argument(help="A charge point that asks to come in; it becomes this charger.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Let an unknown charge point in as this charger, or take back a released one."""
    _ask(config, charger, None, as_json, action="accept", value=identity)


@orders.command()
def release(charger: ChargerArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Take a charger out of Busbar's hands: its profiles are cleared, and it charges as it was set up."""
    _ask(config, charger, None, as_json, action="release")


@orders.command()
def verify(
    charger: ChargerArgument,
    connector: ConnectorOption = "1",
    reboot: Annotated[
        bool, typer.Option("--reboot", help="Also restart the charger and look again.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Prove that a charger falls back by itself: a car must be charging. Exit code 1 when it does not."""
    from busbar_ocpp.asked import PROOF_S

    value = "reboot" if reboot else None
    _ask(config, charger, connector, as_json, action="verify", value=value, patience_s=PROOF_S)


@settings.command("get")
def config_get(
    charger: ChargerArgument,
    key: Annotated[str | None, typer.Argument(help="One key; without it all (OCPP 1.6).")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Read a setting; secrets are not shown."""
    _ask(config, charger, None, as_json, action="get_configuration", key=key)


@settings.command("set")
def config_set(
    charger: ChargerArgument,
    key: Annotated[str, typer.Argument(help="The key; in OCPP 2.0.1 Component.Variable.")],
    value: Annotated[str, typer.Argument(help="The new value.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Change a setting."""
    _ask(config, charger, None, as_json, action="set_configuration", key=key, value=value)


def _ask(
    config: Path | None,
    charger: str,
    connector: str | None,
    as_json: bool,
    *,
    patience_s: float | None = None,
    **said: Any,
) -> None:
    """Send a command and print its answer; without a connector it is for the whole charger. Exit code 1 if not done."""
    import msgspec

    from busbar_contracts.charger import ChargerCommand
    from busbar_ocpp.asked import PATIENCE_S, ask
    from busbar_ocpp.outcome import done
    from busbar_shared.progress import waiting

    site = load_or_exit(config)
    charger_or_exit(site, charger, connector)
    connector = connector or next(iter(site.chargers[charger].all_connectors()))
    try:
        command = msgspec.convert(said, ChargerCommand)
    except msgspec.ValidationError as error:
        fail(str(error), code=1)
    patience_s = patience_s or PATIENCE_S
    with waiting(f"{charger} is asked to {command.action}", patience_s):
        answer = answer_or_exit(ask(site, os.environ, charger, connector, command, patience_s))
    was_done = done(command.action, answer.removeprefix(f"{command.action.value}: "))
    if as_json:
        told = {"charger": charger, "connector": connector, "action": said["action"]}
        print_json_line({**told, "answer": answer, "done": was_done})
    else:
        typer.echo(f"{charger}-{connector}: {answer}")
    if not was_done:
        raise typer.Exit(EXIT_UNANSWERED)
