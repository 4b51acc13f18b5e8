"""`busbar simulate`: what a setting, a car or a roof would do to a day, before anybody lives it."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from busbar_cli.simulate import BUSBAR
from busbar_cli.simulate import simulate as lived
from busbar_cli.simulate_optimum import NoSolver, Optimum
from busbar_cli.simulate_optimum import optimum as cheapest
from busbar_cli.simulate_outcome import Ran
from busbar_cli.simulate_page import drawn, table
from busbar_cli.simulate_peer import BadPeer
from busbar_cli.simulate_scenario import Scenario, read_scenario
from busbar_cli.simulate_tariff import BadTariff, read_tariff
from busbar_shared.command_line import path_of
from busbar_shared.config.load import BadConfig
from busbar_shared.life import EXIT_CONFIG

TELL_EVERY_S = 5.0


def simulate(
    file: Annotated[
        Path | None,
        typer.Argument(help="A site's file or a scenario; default: BUSBAR_CONFIG or busbar.toml."),
    ] = None,
    days: Annotated[
        float | None, typer.Option(help="How long; default: one day.", min=0.001, max=366)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random.")] = None,
    date: Annotated[str | None, typer.Option(help="First day, for example 2026-03-15.")] = None,
    csv: Annotated[
        Path | None, typer.Option(help="A recorded day (house and sun) instead of the generator.")
    ] = None,
    prices: Annotated[
        Path | None, typer.Option(help="CSV with the columns time (HH:MM), buy and sell, per kWh.")
    ] = None,
    buy: Annotated[float | None, typer.Option(help="A constant price per kWh instead.")] = None,
    sell: Annotated[float | None, typer.Option(help="What a kWh earns.")] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", help="Another value, for example site.distribution=shared.")
    ] = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(help="One more run beside: KEY=VALUE, several with a comma; may be given again."),
    ] = None,
    controller: Annotated[
        list[str] | None,
        typer.Option(
            help="One more run steered by another: surplus-30, surplus-10, equal-10, or a program (see the docs)."
        ),
    ] = None,
    optimum: Annotated[
        bool, typer.Option("--optimum", help="Add the least the same day could have cost. Needs SciPy.")
    ] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw the first run into this SVG file.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Live through a day of a site in virtual time, with the same code as live, and print what it came to."""
    base = Wanted(file, days, seed, date, csv, prices, buy, sell, list(change or []))
    try:
        runs = [("as it is", base.scenario([]))]
        runs += [(text, base.scenario(text.split(","))) for text in compare or []]
        done = [(name, _lived(name, scenario)) for name, scenario in runs]
        done += [(other, _lived(other, base.scenario([]), other)) for other in controller or []]
    except (BadConfig, BadTariff) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_CONFIG) from error
    except BadPeer as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    solved = _solved(done) if optimum else {}
    if plot is not None:
        _plotted(plot, done[0][1], str(path_of(file)))
    typer.echo(_as_json(done, solved) if json else _as_table(done, solved))


def _solved(done: list[tuple[str, Ran]]) -> dict[str, Optimum]:
    try:
        return {name: cheapest(ran.day) for name, ran in done}
    except NoSolver as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def _plotted(plot: Path, ran: Ran, name: str) -> None:
    try:
        plot.write_text(drawn(ran, ran.title or name), encoding="utf-8")
    except OSError as error:
        typer.echo(f"{plot} cannot be written: {error.strerror}", err=True)
        raise typer.Exit(1) from error


def _as_json(done: list[tuple[str, Ran]], solved: dict[str, Optimum]) -> str:
    figures = {name: msgspec.to_builtins(ran.figures) for name, ran in done}
    for name, one in solved.items():
        figures[name]["optimum"] = msgspec.to_builtins(one)
    return msgspec.json.encode(figures if len(done) > 1 else figures[done[0][0]]).decode()


def _as_table(done: list[tuple[str, Ran]], solved: dict[str, Optimum]) -> str:
    lines = [table(done)]
    lines += [
        f"{name}: with everything known before, the same energy would have cost {one.cost:g} "
        f"instead of {one.live_cost:g} (import {one.import_kwh:g} kWh, export {one.export_kwh:g} kWh)"
        for name, one in solved.items()
    ]
    return "\n".join(lines)


@dataclass(frozen=True)
class Wanted:
    """What was asked for on the command line."""

    file: Path | None
    days: float | None
    seed: int | None
    date: str | None
    csv: Path | None
    prices: Path | None
    buy: float | None
    sell: float | None
    changes: list[str] = field(default_factory=list)

    def scenario(self, more: list[str]) -> Scenario:
        """The scenario of one run. Raises BadConfig or BadTariff."""
        changes: dict[str, Any] = {}
        if self.days is not None:
            changes["simulate.hours"] = self.days * 24
        if self.seed is not None:
            changes["simulator.seed"] = self.seed
        if self.date is not None:
            changes["simulator.sun.date"] = self.date
        if self.csv is not None:
            changes["simulator.day_csv"] = str(self.csv.absolute())
        if self.prices is not None:
            changes["simulate.tariff"] = msgspec.to_builtins(read_tariff(self.prices))
        if self.buy is not None:
            changes["simulate.tariff.buy"] = [["00:00", self.buy]]
        if self.sell is not None:
            changes["simulate.tariff.sell"] = [["00:00", self.sell]]
        return read_scenario(path_of(self.file), changes | changed([*self.changes, *more]))


def changed(texts: list[str]) -> dict[str, Any]:
    """KEY=VALUE as keys and values; a value is JSON where it can be read as such, else text. Raises BadConfig."""
    found: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.strip().partition("=")
        if not equals or not key:
            raise BadConfig(f"{text!r}: write KEY=VALUE")
        try:
            found[key] = msgspec.json.decode(value)
        except msgspec.DecodeError:
            found[key] = value
    return found


def _lived(name: str, scenario: Scenario, controller: str = BUSBAR) -> Ran:
    began = told_s = time.monotonic()

    def progress(part: float) -> None:
        nonlocal told_s
        if time.monotonic() - told_s > TELL_EVERY_S:
            told_s = time.monotonic()
            left = (told_s - began) / part - (told_s - began)
            typer.echo(f"{name}: {100 * part:.0f} %, about {left:.0f} s left", err=True)

    return lived(scenario, progress, controller)
