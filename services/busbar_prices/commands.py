"""`busbar prices ...`: ask a source now, without a broker."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from busbar_shared.command_line import EXIT_UNANSWERED, fail, known_or_exit, load_or_exit

if TYPE_CHECKING:
    from busbar_contracts.prices import PriceSeries
    from busbar_shared.config.root import Site

app = typer.Typer(no_args_is_help=True, help="Prices of electricity.")


@app.callback()
def prices() -> None:
    """Prices of electricity."""


@app.command()
def fetch(
    series: Annotated[str, typer.Argument(help="Name in [prices.series].")] = "import",
    as_json: Annotated[bool, typer.Option("--json", help="The message as it would go on the bus.")] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", help="The site's file; default: BUSBAR_CONFIG, else busbar.toml here."
        ),
    ] = None,
) -> None:
    """Ask the source of a series once and show its prices with the household's tariff on them."""
    import asyncio

    import msgspec

    from busbar_prices.http import SourceSilent
    from busbar_prices.quotes import Garbled
    from busbar_shared.config.load import BadConfig

    site = load_or_exit(config)
    known_or_exit(series, site.prices.series if site.prices else ())
    try:
        message = asyncio.run(_fetch(site, series))
    except BadConfig as error:
        fail(str(error))
    except (SourceSilent, Garbled, OSError, UnicodeDecodeError) as error:
        fail(str(error), EXIT_UNANSWERED)
    if as_json:
        typer.echo(msgspec.json.encode(message).decode())
    if not message.slots:
        fail(f"{message.source} has no prices for today or later", EXIT_UNANSWERED)
    if as_json:
        return
    for slot in message.slots:
        typer.echo(f"{slot.start.isoformat()} {slot.price:9.5f} {message.unit}")


async def _fetch(site: Site, series: str) -> PriceSeries:
    from busbar_prices.main import open_http
    from busbar_prices.reader import Reader
    from busbar_shared.clock import RealClock
    from busbar_shared.config.load import BadConfig
    from busbar_shared.config.services import PricesSection

    told = (site.prices or PricesSection()).series[series]
    if told.kind == "mqtt":
        raise BadConfig(f"prices.series.{series}: mqtt listens to {told.topic} and can ask nobody")
    async with open_http() as fetch_one:
        return await Reader(site, series, told, os.environ).once(fetch_one, RealClock().now())
