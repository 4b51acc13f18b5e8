"""`busbar chargeamps ...`: questions for integrators and support."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from busbar_shared.command_line import ConfigOption, answer_or_exit, fail, load_or_exit

if TYPE_CHECKING:
    from busbar_chargeamps.config import Place
    from busbar_shared.config.root import Site


app = typer.Typer(no_args_is_help=True, help="The Charge Amps scheduler.")


@app.command("plan")
def plan_(
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines in, JSON Lines out.")] = False,
) -> None:
    """Plan the cheap hours of the price slots on standard input; one JSON object a line."""
    from busbar_chargeamps.asked import what_would_you_plan

    _answer_each_line(what_would_you_plan)


@app.command("check")
def check(
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines in, JSON Lines out.")] = False,
) -> None:
    """Say what the scheduler would do with the messages on standard input; one JSON object a line."""
    from busbar_chargeamps.asked import what_would_you_say

    _answer_each_line(what_would_you_say)


@app.command("send-schedule")
def send_schedule(
    period: Annotated[
        list[str] | None, typer.Option(help="START/END, ISO 8601 with offset; repeat the option.")
    ] = None,
    connector: Annotated[str | None, typer.Option(help="Name in [chargeamps.connectors].")] = None,
    max_current: Annotated[float | None, typer.Option(help="Amperes per phase.")] = None,
    expires_at: Annotated[str | None, typer.Option(help="ISO 8601 with offset.")] = None,
    source: Annotated[str, typer.Option(help="Label of the sender.")] = "busbar-cli",
    clear: Annotated[bool, typer.Option("--clear", help="No charging from now on.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the answer.")] = 5.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole status as JSON.")] = False,
    config: ConfigOption = None,
) -> None:
    """Send a schedule to the scheduler over the bus, and print what became of it."""
    from busbar_chargeamps.sending import payload, send

    if clear == bool(period):
        fail("give either --period or --clear")
    site = load_or_exit(config)
    place = _place(site, connector)
    try:
        message = None
        if not clear:
            message = payload(period or [], max_current=max_current, expires_at=expires_at, source=source)
    except ValueError as error:
        fail(str(error))
    if site.chargeamps is not None and site.chargeamps.operation_mode != "hems":
        fail(
            "chargeamps.operation_mode: the scheduler takes schedules in mode hems only, and plans by itself"
        )
    verb = "clear" if clear else "set"
    said = answer_or_exit(send(site, place, verb, message, dict(os.environ), wait))
    _show(said, as_json)
    if said.get("last_command_result") not in ("accepted", "cleared"):
        raise typer.Exit(1)


@app.command("refresh")
def refresh(
    connector: Annotated[str | None, typer.Option(help="Name in [chargeamps.connectors].")] = None,
    wait: Annotated[float, typer.Option(help="Seconds to wait for the answer.")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole status as JSON.")] = False,
    config: ConfigOption = None,
) -> None:
    """Plan anew, read the cloud anew, and write it where it differs; print what became of it."""
    from busbar_chargeamps.sending import ask_to_refresh

    site = load_or_exit(config)
    place = _place(site, connector)
    said = answer_or_exit(ask_to_refresh(site, place, dict(os.environ), wait))
    _show_refreshed(said, as_json)
    if said.get("sync") == "failed":
        raise typer.Exit(1)


def _show_refreshed(said: dict[str, Any], as_json: bool) -> None:
    import json

    if as_json:
        typer.echo(json.dumps(said))
        return
    note = f": {said['note']}" if said.get("note") else ""
    plan = f", plan {said['plan_state']}" if said.get("plan_state") else ""
    typer.echo(f"asked anew{plan}, sync {said.get('sync')}{note}")
    _show_next(said)


def _show(said: dict[str, Any], as_json: bool) -> None:
    import json

    if as_json:
        typer.echo(json.dumps(said))
        return
    error = said.get("last_command_error") or {}
    reason = f": {error.get('code')} {error.get('path') or ''} {error.get('message')}" if error else ""
    typer.echo(f"{said.get('last_command_result')}{reason}")
    _show_next(said)


def _show_next(said: dict[str, Any]) -> None:
    if said.get("next_period_start"):
        start, end = said["next_period_start"], said["next_period_end"]
        typer.echo(
            f"next period {start} to {end}, {said.get('applied_max_current')} A, sync {said.get('sync')}"
        )


def _place(site: Site, label: str | None) -> Place:
    from busbar_chargeamps.config import places
    from busbar_shared.config.load import BadConfig

    try:
        found = {place.label: place for place in places(site)}
    except BadConfig as error:
        fail(str(error))
    if label is None and len(found) == 1:
        return next(iter(found.values()))
    if label not in found:
        fail(f"--connector: {label!r} is none of {', '.join(found) or 'no connectors'}")
    return found[label or ""]


def _answer_each_line(ask: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    import json

    from busbar_chargeamps.asked import answer

    for raw in sys.stdin.buffer:
        line = raw.decode("utf-8", "replace")
        if line.strip():
            sys.stdout.write(json.dumps(answer(line, ask), ensure_ascii=True) + "\n")
            sys.stdout.flush()
