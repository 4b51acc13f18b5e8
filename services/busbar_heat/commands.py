"""`busbar heat ...`: how warm it is, what the model knows, and SG Ready by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

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
    from busbar_contracts.load import HeatState, LoadSettings

app = typer.Typer(help="Hot water tanks, rooms and heat pumps.", no_args_is_help=True)


@app.command("list")
def list_(config: ConfigOption = None, as_json: AsJson = False) -> None:
    """Show every heater: how warm, what it wants, what it could still take."""
    site = load_or_exit(config)
    from busbar_heat.asked import states

    known = answer_or_exit(states(site))
    if as_json:
        print_json({name: known.get(name) for name in site.heaters})
        return
    heads = ("Heater", "Is", "Now", "Target", "Wants", "Could take", "Grant")
    print_table(heads, ((name, *_row(known.get(name))) for name in site.heaters))


@app.command()
def show(heater: str, config: ConfigOption = None, as_json: AsJson = False) -> None:
    """Show everything known of one heater, its thermal model included."""
    site = load_or_exit(config)
    known_or_exit(heater, site.heaters)
    from busbar_heat.asked import states

    state = answer_or_exit(states(site)).get(heater)
    if state is None:
        fail(f"nothing is known of heater {heater}; is the heat service running?", 1)
    print_state(state, as_json=as_json)


@app.command()
def sg(
    heater: str,
    to: Annotated[
        Literal["1", "2", "3", "4", "auto"],
        typer.Argument(help="1 block, 2 normal, 3 recommend, 4 force, or auto."),
    ],
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Set an SG Ready heat pump by hand; `auto` gives it back. Its dwell time is kept."""
    site = load_or_exit(config)
    known_or_exit(heater, site.heaters)
    if site.heaters[heater].kind != "sg_ready":
        fail(f"{heater} is a {site.heaters[heater].kind}, not an SG Ready heat pump", 2)
    from busbar_heat import asked

    state = answer_or_exit(asked.by_hand(site, heater, None if to == "auto" else int(to)))
    if state is None:
        fail(f"heater {heater} does not answer; is the heat service running?", 1)
    if as_json:
        print_json(state)
        return
    zone = ZoneInfo(site.site.timezone)
    later = (
        f", no change before {state.may_switch_at.astimezone(zone):%H:%M:%S}" if state.may_switch_at else ""
    )
    typer.echo(f"{heater} is in state {state.sg_state}{later}")


@app.command()
def switch(
    heater: str,
    to: Annotated[
        Literal["normal", "boost", "solar_only", "excess", "off"],
        typer.Argument(help="normal, boost, solar_only, excess or off"),
    ],
    for_s: Annotated[
        float | None,
        typer.Option(help="With boost: for so many seconds at most; its mode stays.", min=1, max=604_800),
    ] = None,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Switch a heater to another mode; boost stores once, off heats nothing at all."""
    site = load_or_exit(config)
    known_or_exit(heater, site.heaters)
    if for_s is not None and to != "boost":
        fail(f"--for-s goes with boost only, not with {to}", 2)
    from busbar_contracts.load import LoadMode
    from busbar_heat import asked

    settings = answer_or_exit(asked.switch(site, heater, LoadMode(to), for_s))
    if as_json:
        print_json(settings)
    if for_s is not None:
        _boosted(heater, settings, ZoneInfo(site.site.timezone), quiet=as_json)
        return
    if settings.mode.value != to:
        fail(f"{heater} stays in mode {settings.mode.value}: {settings.refused or 'no answer came'}", 1)
    if not as_json:
        typer.echo(f"{heater} is in mode {to}")


@app.command()
def detect(
    config: ConfigOption = None,
    seconds: Annotated[float, typer.Option(help="How long to listen.", min=0.5, max=600)] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Find thermometers on the broker and print lines for the configuration."""
    site = load_or_exit(config)
    from busbar_heat import asked
    from busbar_heat.detect import snippet

    thermometers = answer_or_exit(asked.detect(site, seconds))
    if as_json:
        print_json(thermometers)
    elif thermometers:
        typer.echo(snippet(thermometers, site.plugs))
    if not thermometers:
        fail(f"no thermometer gave itself away within {seconds:g} s; many report every 5 to 60 min", 1)


def _boosted(heater: str, settings: LoadSettings, zone: ZoneInfo, *, quiet: bool) -> None:
    if not settings.boost or settings.boost_until is None:
        fail(f"{heater} does not boost: {settings.refused or 'no answer came'}", 1)
    if not quiet:
        until = settings.boost_until.astimezone(zone)
        typer.echo(
            f"{heater} boosts until it is hot, at most until {until:%H:%M:%S}; then {settings.mode.value}"
        )


def _row(state: HeatState | None) -> tuple[str, ...]:
    if state is None:
        return ("never seen", "", "", "", "", "")
    wants = " and ".join(
        name for name, wish in (("comfort", state.comfort_demand), ("storage", state.storage_demand)) if wish
    )
    takes = "" if state.wanted_wh is None else f"{state.wanted_wh / 1000:.1f} kWh"
    if state.wanted_wh is not None and state.confidence is not None:
        takes += f" ({100 * state.confidence:.0f} % sure)"
    position = (
        f"SG {state.sg_state}" if state.sg_state else {True: "on", False: "off", None: "unknown"}[state.on]
    )
    grant = "none" if state.order is None else f"{state.order.value} by {state.issuer}"
    return (
        position,
        _celsius(state.temperature_c),
        _celsius(state.target_c),
        wants or "nothing",
        takes,
        grant,
    )


def _celsius(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.1f} °C"
