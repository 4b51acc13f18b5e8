"""`busbar contract`: the products of the contract, and whether live traffic keeps to it."""

from pathlib import Path
from typing import Annotated

import typer

from busbar_shared.command_line import ConfigOption, load_or_exit, print_json

app = typer.Typer(help="Export the contract, or check live traffic against it.", no_args_is_help=True)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Where asyncapi.json, TOPICS.md and config.schema.json go.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Write the products of the contract."""
    from busbar_contracts.export import as_json, asyncapi, topics_page
    from busbar_shared.config.describe import schema_text

    made = {
        "asyncapi.json": as_json(asyncapi()),
        "TOPICS.md": topics_page(),
        "config.schema.json": schema_text(),
    }
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    if json:
        print_json({"written": [str(folder / name) for name in made]})


@app.command()
def check(
    config: ConfigOption = None,
    seconds: Annotated[float, typer.Option(help="How long to listen.", min=1)] = 30.0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Name every message on a live broker that is off the contract, missing, late or wrongly retained. Exit code 1 if any."""
    import asyncio

    from busbar_cli.conformance import check_live

    raise typer.Exit(asyncio.run(check_live(load_or_exit(config), seconds, as_json=json)))
