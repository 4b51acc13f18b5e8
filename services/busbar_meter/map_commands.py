"""`busbar meter map ...`: the register maps that come with Busbar, and a check of one's own."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from busbar_shared.command_line import AsJson

maps = typer.Typer(help="Register maps of devices without SunSpec.", no_args_is_help=True)


@maps.command("list")
def list_maps(as_json: AsJson = False) -> None:
    """The register maps that come with Busbar."""
    from busbar_meter.map_file import load, shipped

    found = {name: load(name) for name in shipped()}
    if as_json:
        rows = {
            name: {"title": each.title, "source": each.source, "verified": each.verified}
            for name, each in found.items()
        }
        typer.echo(json.dumps(rows, indent=2))
        return
    for name, each in found.items():
        typer.echo(f"{name:22} {each.title} ({'verified' if each.verified else 'not verified on hardware'})")


@maps.command("check")
def check_map(
    file: Annotated[str, typer.Argument(help="A .toml file, or the name of a shipped map.")],
    as_json: AsJson = False,
) -> None:
    """Check a register map: its form, its points, and its own test vectors."""
    from busbar_meter.map_file import BadMap, load
    from busbar_meter.registermap import POINTS

    try:
        found = load(file)
    except BadMap as error:
        problems = str(error).splitlines()
        typer.echo(
            json.dumps({"ok": False, "problems": problems}) if as_json else "\n".join(problems),
            err=not as_json,
        )
        raise typer.Exit(1) from error
    counts = {kind: len(found.registers(kind)) for kind in POINTS if found.registers(kind)}
    if as_json:
        typer.echo(
            json.dumps({"ok": True, "title": found.title, "registers": counts, "vectors": len(found.vector)})
        )
    else:
        told = ", ".join(f"{kind} {count}" for kind, count in counts.items())
        typer.echo(
            f"{file}: {found.title}: points read: {told}; {len(found.vector)} test vector(s) decode as expected."
        )
