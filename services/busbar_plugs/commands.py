"""`busbar plug ...`: what the plugs do and have learned, a switch by hand, and plugs found on the broker."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

if TYPE_CHECKING:
    from busbar_contracts.load import PlugState
    from busbar_shared.config.root import Site

app = typer.Typer(help="Plugs, relays and generic loads.", no_args_is_help=True)

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The site's file; default: BUSBAR_CONFIG, else busbar.toml here."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.command("list")
def list_(config: ConfigOption = None, as_json: AsJson = False) -> None:
    """Show every plug: on or off, what it draws, what it was learned to draw."""
    site = _site(config)
    from busbar_plugs.asked import states

    known = _asked(states(site))
    if as_json:
        _print_json({name: known.get(name) for name in site.plugs})
        return
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for head in ("Plug", "Link", "Is", "Draws", "Learned", "Wants power", "Told by"):
        table.add_column(head)
    for name in site.plugs:
        table.add_row(name, *_row(known.get(name)))
    Console().print(table)


@app.command()
def show(plug: str, config: ConfigOption = None, as_json: AsJson = False) -> None:
    """Show everything known of one plug, what was learned included."""
    site = _site(config)
    if plug not in site.plugs:
        _fail(f"{plug!r} is not configured; there are: {', '.join(site.plugs) or 'none'}", 2)
    from busbar_plugs.asked import states

    state = _asked(states(site)).get(plug)
    if state is None:
        _fail(f"nothing is known of plug {plug}; is the plug service running?")
    if as_json:
        _print_json(state)
        return
    for name in state.__struct_fields__:
        value = getattr(state, name)
        typer.echo(f"  {name:15} {'unknown' if value is None else value}")


@app.command()
def switch(
    plug: str,
    to: Annotated[Literal["on", "off"], typer.Argument(help="on or off")],
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Switch a plug by hand; it is respected for the configured hold (manual_hold_s)."""
    site = _site(config)
    if plug not in site.plugs:
        _fail(f"{plug!r} is not configured; there are: {', '.join(site.plugs) or 'none'}", 2)
    from busbar_plugs import asked

    state = _asked(asked.switch(site, plug, to == "on"))
    if as_json:
        _print_json(state)
    if state.on is not (to == "on"):
        _fail(
            f"{plug} does not say that it is {to}" + (f": {state.last_refusal}" if state.last_refusal else "")
        )
    if not as_json:
        typer.echo(f"{plug} is {to}, by hand for {site.plugs[plug].manual_hold_s / 60:g} min")


@app.command()
def detect(
    config: ConfigOption = None,
    seconds: Annotated[float, typer.Option(help="How long to listen.", min=0.5, max=600)] = 10.0,
    ask: Annotated[bool, typer.Option(help="Also ask old Shellys for their names.")] = True,
    as_json: AsJson = False,
) -> None:
    """Find plugs on the broker and print lines for the configuration."""
    site = _site(config)
    from busbar_plugs import asked
    from busbar_plugs.detect import snippet

    relays = _asked(asked.detect(site, seconds, ask=ask))
    if as_json:
        _print_json(relays)
    elif relays:
        typer.echo(snippet(relays))
    else:
        _fail(f"no plug gave itself away within {seconds:g} s; Tasmota and Shelly report every 30 to 300 s")


def _row(state: PlugState | None) -> tuple[str, ...]:
    if state is None:
        return ("never seen", "", "", "", "", "")
    position = "unknown" if state.on is None else "on" if state.on else "off"
    learned = "" if state.learned_w is None else f"{state.learned_w:.0f} W"
    if state.duty_percent is not None:
        learned += f", {state.duty_percent:.0f} % of the time"
    told = "the owner" if state.manual else state.issuer or "nobody"
    wants = "idle" if state.idle else "yes" if state.wants_power else "no"
    draws = "" if state.power_w is None else f"{state.power_w:.0f} W"
    return ("yes" if state.link else "no", position, draws, learned, wants, told)


def _site(config: Path | None) -> Site:
    from busbar_shared.config.load import BadConfig, read_file

    path = config or Path(os.environ.get("BUSBAR_CONFIG", "busbar.toml"))
    try:
        return read_file(path)
    except BadConfig as error:
        _fail("\n".join(f"{path}: {line}" for line in str(error).splitlines()), 2)


def _asked(asking: Coroutine[Any, Any, Any]) -> Any:
    from busbar_plugs.asked import NoAnswer

    try:
        return asyncio.run(asking)
    except NoAnswer as error:
        _fail(str(error))


def _print_json(value: Any) -> None:
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def _fail(text: str, code: int = 1) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(code)
