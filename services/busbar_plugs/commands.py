"""`busbar plug ...`: what the plugs do and have learned, a switch by hand, and plugs found on the broker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from busbar_shared.command_line import (
    AsJson,
    ConfigOption,
    answer_or_exit,
    fail,
    known_or_exit,
    load_or_exit,
    print_json,
    print_state,
    print_table,
)

if TYPE_CHECKING:
    from busbar_contracts.load import PlugState

app = typer.Typer(help="Plugs, relays and generic loads.", no_args_is_help=True)


@app.command("list")
def list_(config: ConfigOption = None, as_json: AsJson = False) -> None:
    """Show every plug: on or off, what it draws, what it was learned to draw."""
    site = load_or_exit(config)
    from busbar_plugs.asked import states

    known = answer_or_exit(states(site))
    if as_json:
        print_json({name: known.get(name) for name in site.plugs})
        return
    heads = ("Plug", "Link", "Is", "Draws", "Learned", "Wants power", "Told by")
    print_table(heads, ((name, *_row(known.get(name))) for name in site.plugs))


@app.command()
def show(plug: str, config: ConfigOption = None, as_json: AsJson = False) -> None:
    """Show everything known of one plug, what was learned included."""
    site = load_or_exit(config)
    known_or_exit(plug, site.plugs)
    from busbar_plugs.asked import states

    state = answer_or_exit(states(site)).get(plug)
    if state is None:
        fail(f"nothing is known of plug {plug}; is the plug service running?", 1)
    print_state(state, as_json=as_json)


@app.command()
def switch(
    plug: str,
    to: Annotated[Literal["on", "off"], typer.Argument(help="on or off")],
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Switch a plug by hand; it is respected for the configured hold (manual_hold_s)."""
    site = load_or_exit(config)
    known_or_exit(plug, site.plugs)
    from busbar_plugs import asked

    state = answer_or_exit(asked.switch(site, plug, to == "on"))
    if as_json:
        print_json(state)
    if state.on is not (to == "on"):
        fail(
            f"{plug} does not say that it is {to}"
            + (f": {state.last_refusal}" if state.last_refusal else ""),
            1,
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
    site = load_or_exit(config)
    from busbar_plugs import asked
    from busbar_plugs.detect import snippet

    relays = answer_or_exit(asked.detect(site, seconds, ask=ask))
    if as_json:
        print_json(relays)
    elif relays:
        typer.echo(snippet(relays))
    if not relays:
        fail(f"no plug gave itself away within {seconds:g} s; Tasmota and Shelly report every 30 to 300 s", 1)


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
