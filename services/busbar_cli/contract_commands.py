"""`busbar contract`: the products of the contract, and whether live traffic keeps to it."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from busbar_shared.command_line import EXIT_WRONG, ConfigOption, fail, load_or_exit, print_json

app = typer.Typer(
    help="Export the contract, compare it, or check live traffic against it.", no_args_is_help=True
)


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
    try:
        for name, text in made.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{error.filename} cannot be written: {error.strerror}", EXIT_WRONG)
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


@app.command()
def compare(
    old: Annotated[Path, typer.Argument(help="asyncapi.json as somebody else wrote his program by it.")],
    new: Annotated[
        Path | None, typer.Argument(help="The one to compare it with; default: this program's.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Name each change between two contracts that would break somebody's program. Exit code 1 if any."""
    from busbar_contracts.compat import breaks
    from busbar_contracts.export import asyncapi

    documents = [_document(old), asyncapi() if new is None else _document(new)]
    try:
        found = breaks(*documents)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        fail(f"this is not asyncapi.json of Busbar: {error!r}", EXIT_WRONG)
    if json:
        print_json({"breaks": found})
    else:
        for sentence in found:
            typer.echo(sentence)
        typer.echo(f"{len(found)} changes that break a program")
    raise typer.Exit(1 if found else 0)


def _document(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror}", EXIT_WRONG)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        fail(f"{path}: {error}", EXIT_WRONG)
