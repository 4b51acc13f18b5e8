"""`busbar ocpp ...`: what chargers do and did; the orders to them and who may use them are added here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from busbar_ocpp.access_commands import access
from busbar_ocpp.command_arguments import ChargerArgument, JsonOption, charger_or_exit, print_json_line
from busbar_ocpp.order_commands import orders, settings
from busbar_shared.command_line import (
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
app.add_typer(orders)
app.add_typer(access)
app.add_typer(settings, name="config")


@app.command("list")
def list_(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Every connector in a line."""
    from busbar_ocpp.listing import HEADS, cells, row

    found = sorted(_states(load_or_exit(config)).items())
    if as_json:
        print_json_line([row(*key, state) for key, state in found])
        return
    print_table(HEADS, (cells(*key, state) for key, state in found))


@app.command()
def show(charger: ChargerArgument, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """All that is known of a charger."""
    import msgspec

    from busbar_ocpp.listing import row

    site = load_or_exit(config)
    charger_or_exit(site, charger)
    found = {key: state for key, state in _states(site).items() if key[0] == charger}
    if not found:
        fail(f"{charger}: it has no state; is the OCPP service running?", code=1)
    if as_json:
        print_json_line([row(*key, state) for key, state in sorted(found.items())])
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
        charger_or_exit(site, charger)  # one that was taken out of the configuration keeps its history
    if as_csv:
        typer.echo(csv_of(entries), nl=False)
        return
    rows = [row(entry) for entry in entries]
    if as_json:
        print_json_line(rows)
        return
    for one in rows:
        energy = "unknown" if one["energy_kwh"] is None else f"{one['energy_kwh']:.2f} kWh"
        ended = one["ended_at"] or "running"
        typer.echo(f"{one['charger']}-{one['connector']}  {one['started_at']}  {ended:<25}  {energy}")


def _states(site: Site) -> dict[tuple[str, str], ChargerState]:
    from busbar_ocpp.asked import states

    return answer_or_exit(states(site, os.environ))
