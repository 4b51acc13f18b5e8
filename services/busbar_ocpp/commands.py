"""`busbar ocpp ...`: what chargers do, and what they shall do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from busbar_shared.command_line import (
    EXIT_UNANSWERED,
    ConfigOption,
    answer_or_exit,
    fail,
    load_or_exit,
    plain,
    print_table,
)

if TYPE_CHECKING:
    from busbar_contracts.charger import ChargerState
    from busbar_shared.config.root import Site

app = typer.Typer(help="Chargers: list, start, stop, verify, sessions.", no_args_is_help=True)
config_app = typer.Typer(help="Read and change a charger's own settings.", no_args_is_help=True)
app.add_typer(config_app, name="config")

ChargerArgument = Annotated[str, typer.Argument(help="Id of the charger in the configuration.")]
ConnectorOption = Annotated[str, typer.Option(help="Connector of the charger.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for programs.")]


@app.command("list")
def list_(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Every connector in a line."""
    from busbar_ocpp.listing import HEADS, cells, row

    found = sorted(_states(load_or_exit(config)).items())
    if as_json:
        _json([row(*key, state) for key, state in found])
        return
    print_table(HEADS, (cells(*key, state) for key, state in found))


@app.command()
def show(charger: ChargerArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """All that is known of a charger."""
    import msgspec

    from busbar_ocpp.listing import row

    site = load_or_exit(config)
    _known(site, charger)
    found = {key: state for key, state in _states(site).items() if key[0] == charger}
    if not found:
        fail(f"{charger}: it has no state; is the OCPP service running?", code=1)
    if as_json:
        _json([row(*key, state) for key, state in sorted(found.items())])
        return
    for (_, connector), state in sorted(found.items()):
        typer.echo(f"{charger}-{connector}")
        for name, value in msgspec.to_builtins(state).items():
            if value not in (None, "", [], {}):
                typer.echo(f"  {name:<16} {plain(value)}")


@app.command()
def sessions(
    charger: Annotated[str | None, typer.Argument(help="Only this charger.")] = None,
    days: Annotated[float, typer.Option(help="How far back.")] = 30.0,
    most: Annotated[int, typer.Option(help="At most so many.")] = 1000,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma separated, for a spreadsheet.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """The history of charging, newest first; read from this machine's book."""
    from datetime import timedelta

    from busbar_ocpp.history import as_csv as csv_of
    from busbar_ocpp.history import row
    from busbar_ocpp.ledger import Ledger
    from busbar_shared.clock import RealClock
    from busbar_shared.life import state_dir_of

    site = load_or_exit(config)
    path = state_dir_of(site, os.environ) / "ocpp" / "transactions.sqlite3"
    if not path.exists():
        fail(f"{path}: no such book; the OCPP service has not run on this machine", code=1)
    now = RealClock().now()
    ledger = Ledger(path, now)
    entries = ledger.history(charger=charger, since=now - timedelta(days=days), most=most)
    ledger.close()
    if not entries and charger is not None:
        _known(site, charger)  # one that was taken out of the configuration keeps its history
    if as_csv:
        typer.echo(csv_of(entries), nl=False)
        return
    rows = [row(entry) for entry in entries]
    if as_json:
        _json(rows)
        return
    for one in rows:
        energy = "unknown" if one["energy_kwh"] is None else f"{one['energy_kwh']:.2f} kWh"
        ended = one["ended_at"] or "running"
        typer.echo(f"{one['charger']}-{one['connector']}  {one['started_at']}  {ended:<25}  {energy}")


@app.command()
def start(
    charger: ChargerArgument,
    tag: Annotated[str | None, typer.Option(help="RFID tag to start with.")] = None,
    connector: ConnectorOption = "1",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Start charging."""
    _ask(config, charger, connector, as_json, action="start", tag=tag)


@app.command()
def stop(
    charger: ChargerArgument,
    connector: ConnectorOption = "1",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Stop charging."""
    _ask(config, charger, connector, as_json, action="stop")


@app.command()
def unlock(
    charger: ChargerArgument,
    connector: ConnectorOption = "1",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Unlock the cable."""
    _ask(config, charger, connector, as_json, action="unlock")


@app.command()
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


@app.command()
def clear(
    charger: ChargerArgument,
    connector: ConnectorOption = "1",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Clear Busbar's profiles at a connector and set them again."""
    _ask(config, charger, connector, as_json, action="clear_profiles")


@app.command()
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


@app.command()
def trigger(
    charger: ChargerArgument,
    message: Annotated[str, typer.Argument(help="For example StatusNotification, MeterValues.")],
    connector: ConnectorOption = "1",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Ask a charger for a message."""
    _ask(config, charger, connector, as_json, action="trigger", key=message)


@app.command()
def diagnostics(
    charger: ChargerArgument,
    url: Annotated[str, typer.Argument(help="Where the charger uploads its log to.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Ask a charger for its log."""
    _ask(config, charger, None, as_json, action="diagnostics", value=url)


@app.command()
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


@app.command()
def release(charger: ChargerArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Take a charger out of Busbar's hands: its profiles are cleared, and it charges as it was set up."""
    _ask(config, charger, None, as_json, action="release")


@app.command()
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


@app.command()
def tags(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Who may charge, as configured."""
    site = load_or_exit(config)
    section = site.ocpp
    if section is None:
        fail("[ocpp] is not configured")
    own = {
        name: charger
        for name, charger in site.chargers.items()
        if charger.accept_all_tags is not None or charger.tags
    }
    if as_json:
        chargers = {
            name: {"accept_all": one.accept_all_tags, "tags": list(one.tags)} for name, one in own.items()
        }
        said = {"accept_all": section.accept_all_tags, "tags": list(section.tags)}
        _json({**said, "asked_s": section.ask_tags_s if section.ask_tags else None, "chargers": chargers})
        return
    if section.accept_all_tags:
        typer.echo("every tag may charge (ocpp.accept_all_tags)")
    else:
        typer.echo("\n".join(section.tags) or "no tag may charge: ocpp.tags is empty")
    for name, one in own.items():
        also = "every tag" if one.accept_all_tags else ", ".join(one.tags) or "only the tags of [ocpp]"
        typer.echo(f"{name}: {also} (chargers.{name})")
    if section.ask_tags:
        typer.echo(f"any other tag is asked about over MQTT for {section.ask_tags_s:g} s (ocpp.ask_tags)")


@app.command()
def password(
    given: Annotated[str | None, typer.Option(help="The password; without it one is made.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make the hash for `password` of a charger, and the password to type into the charge point."""
    import secrets

    from busbar_ocpp.passwords import hashed

    chosen = given if given is not None else secrets.token_hex(16)
    if not 8 <= len(chosen) <= 40:
        fail("a password has 8 to 40 characters")
    if as_json:
        _json({"type_into_charge_point": chosen, "password": hashed(chosen)})
        return
    if given is None:
        typer.echo(f"type into the charge point:   {chosen}")
    typer.echo(f'write into the configuration: password = "{hashed(chosen)}"')


@config_app.command("get")
def config_get(
    charger: ChargerArgument,
    key: Annotated[str | None, typer.Argument(help="One key; without it all (OCPP 1.6).")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Read a setting; secrets are not shown."""
    _ask(config, charger, None, as_json, action="get_configuration", key=key)


@config_app.command("set")
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
    _known(site, charger, connector)
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
        _json({**told, "answer": answer, "done": was_done})
    else:
        typer.echo(f"{charger}-{connector}: {answer}")
    if not was_done:
        raise typer.Exit(EXIT_UNANSWERED)


def _known(site: Site, charger: str, connector: str | None = None) -> None:
    """Nothing for a charger and connector of the configuration; for others exit code 2 and those there are."""
    if charger not in site.chargers:
        fail(f"{charger}: no such charger; there are: {', '.join(site.chargers) or 'none'}")
    numbers = site.chargers[charger].all_connectors()
    if connector is not None and connector not in numbers:
        fail(f"{charger} has no connector {connector}; there are: {', '.join(numbers)}")


def _states(site: Site) -> dict[tuple[str, str], ChargerState]:
    from busbar_ocpp.asked import states

    return answer_or_exit(states(site, os.environ))


def _json(value: Any) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(value).decode())
