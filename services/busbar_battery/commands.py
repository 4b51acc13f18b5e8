"""`busbar battery ...`: ask for a decision, change a setting, simulate a day."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Annotated

import typer

app = typer.Typer(help="Battery and export power flow.", no_args_is_help=True)


@app.command()
def explain(
    file: Annotated[Path | None, typer.Argument(help="JSON Lines, one snapshot each; else stdin.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Say what the battery would do in each snapshot, and why."""
    if file is None:
        _explain(sys.stdin.buffer, as_json)
        return
    if not file.is_file():
        typer.echo(f"{file}: no such file", err=True)
        raise typer.Exit(2)
    with file.open("rb") as lines:
        _explain(lines, as_json)


def _explain(lines: IO[bytes] | Iterable[bytes], as_json: bool) -> None:
    from busbar_battery.explain import as_line, explained

    for line in lines:
        if not line.strip():
            continue
        row = explained(line)
        if as_json:
            typer.echo(as_line(row))
        elif "error" in row:
            typer.echo(f"Refused. {row['error']}")
        else:
            typer.echo(row["reason"])


@app.callback()
def battery() -> None:
    """Battery and export power flow."""
