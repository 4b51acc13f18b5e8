"""`busbar battery ...`: ask for a decision, change a setting, simulate a day."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Annotated, Final

import typer

from busbar_shared.command_line import AsJson, ConfigOption, answer_or_exit, fail, load_or_exit, print_json

STDIN: Final = Path("-")

app = typer.Typer(help="Battery and export power flow.", no_args_is_help=True)


@app.command()
def explain(
    file: Annotated[
        Path | None, typer.Argument(help="One snapshot, or one a line; without it, or with -, stdin.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    live: Annotated[bool, typer.Option("--live", help="The decision in force at the running site.")] = False,
    config: ConfigOption = None,
) -> None:
    """Say what the battery would do in each snapshot, and why."""
    if live and file is not None:
        fail(f"{file}: --live asks the running site; give one of the two")
    elif live:
        _explain_live(config, as_json)
    elif file is None or file == STDIN:
        _explain(sys.stdin.buffer, as_json)
    else:
        _explain_file(file, as_json)


# So that -1 is a value, which the service refuses with a sentence, and not an option.
@app.command("set", context_settings={"ignore_unknown_options": True})
def set_(
    key: Annotated[str, typer.Argument(help="For example soc_target_percent, mode, grid_charging.")],
    value: Annotated[str, typer.Argument(help="The new value; null takes a limit away.")],
    battery: Annotated[str | None, typer.Option(help="Which battery; needed when there are several.")] = None,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Change what the owner wants of a battery. Exit code 1 when it is refused."""
    from busbar_battery.asked import change, modern

    site = load_or_exit(config)
    name = battery or (next(iter(site.batteries)) if len(site.batteries) == 1 else None)
    if name not in site.batteries:
        fail(f"--battery: which one? There are: {', '.join(site.batteries) or 'none'}")
        return
    after = answer_or_exit(change(site, os.environ, name, key, value))
    if after.refused:
        fail(f"Refused. {after.refused}{known_keys(after.refused)}", code=1)
    if as_json:
        print_json({"battery": name, "settings": after})
        return
    today = modern(site, name, key, value)
    for note in today.notes:
        typer.echo(note)
    for one in today.values:
        typer.echo(f"{name}: {one} is {as_typed(getattr(after, one))}")


def known_keys(refused: str) -> str:
    """What may be set, for somebody who asked for something else."""
    from busbar_contracts.battery import BatterySettingsSet

    return f". There are: {', '.join(BatterySettingsSet.__struct_fields__)}" * ("unknown field" in refused)


def as_typed(value: object) -> str:
    """A setting in the word with which it can be set again."""
    if isinstance(value, float):
        return f"{value:g}"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@app.command()
def simulate(
    mode: Annotated[str, typer.Option(help="battery_first or export_first.")] = "battery_first",
    export_limit: Annotated[float | None, typer.Option(help="Most export, W.")] = None,
    target: Annotated[float, typer.Option(help="SoC target, percent.")] = 80.0,
    soc: Annotated[float, typer.Option(help="Charge at midnight, percent.")] = 25.0,
    capacity: Annotated[float, typer.Option(help="Usable energy of the battery, Wh.")] = 10_000.0,
    peak: Annotated[float, typer.Option(help="The sun at its highest, W.")] = 9_000.0,
    svg: Annotated[Path | None, typer.Option(help="Draw the day into this file.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object with the day's energies, kWh.")
    ] = False,
) -> None:
    """Live through a sunny day in May with these settings."""
    import msgspec

    from busbar_battery.day import day, totals
    from busbar_battery.drawing import drawn
    from busbar_battery.inputs import Inputs

    settings = Inputs(priority=mode, export_limit=export_limit, soc_target=target, soc_min=20.0)
    try:
        minutes = day(settings, soc=soc, capacity_wh=capacity, peak_w=peak)
    except ValueError as error:
        fail(str(error))
        return
    if svg is not None:
        limit = "" if export_limit is None else f", export limit {export_limit:.0f} W"
        try:
            svg.write_text(drawn(minutes, f"{mode}{limit}", export_limit), encoding="utf-8")
        except OSError as error:
            fail(f"--svg: {error}")
            return
    sums = msgspec.to_builtins(totals(minutes))
    if as_json:
        typer.echo(msgspec.json.encode(sums | {"soc_at_end_percent": round(minutes[-1].soc, 1)}).decode())
        return
    for name, kwh in sums.items():
        typer.echo(f"{name:<11}{kwh:8.2f} kWh")
    typer.echo(f"charge at the end {minutes[-1].soc:.0f} %")


def _explain_file(file: Path, as_json: bool) -> None:
    from busbar_battery.explain import snapshots

    try:
        opened = file.open("rb")
    except OSError as error:
        fail(f"{file}: {error.strerror}")
        return
    with opened:
        # The shell's <(...) and /dev/stdin are pipes: each line is answered when it comes.
        _explain(snapshots(opened) if file.is_file() else opened, as_json)


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
            for note in row.get("notes", ()):
                typer.echo(note)
            typer.echo(row["reason"])


def _explain_live(config: Path | None, as_json: bool) -> None:
    import json

    from busbar_battery.asked import live_decision

    row = answer_or_exit(live_decision(load_or_exit(config), os.environ))
    typer.echo(json.dumps(row) if as_json else row["reason"])
