"""`busbar config`: check, schema, example, reference."""

import tomllib
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from busbar_cli.ladder import ladder
from busbar_cli.service_checks import service_problems
from busbar_shared.command_line import ConfigOption, console, load_or_exit, path_of, print_json
from busbar_shared.life import EXIT_CONFIG

app = typer.Typer(help="Check, describe or make a configuration.", no_args_is_help=True)


@app.command()
def check(
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Read the whole file and say what is wrong; then say how fast everything becomes safe. Exit code 2 when wrong."""
    site = load_or_exit(config)
    if wrong := list(service_problems(site)):
        for line in wrong:
            typer.echo(f"{path_of(config)}: {line}", err=True)
        raise typer.Exit(EXIT_CONFIG)
    rows = ladder(site)
    if as_json:
        typer.echo(
            msgspec.json.encode({"ok": True, "services": site.services(), "safe_within": rows}).decode()
        )
        return
    typer.echo(f"The configuration of {site.site.name} is good. Services: {', '.join(site.services())}.")
    table = Table(title="When a part dies")
    for head in ("What dies", "Who acts", "Safe within"):
        table.add_column(head)
    for row in rows:
        table.add_row(row.what, row.who, row.within)
    console().print(table)


@app.command()
def schema(json: Annotated[bool, typer.Option("--json", help="It is JSON anyway.")] = True) -> None:
    """Print the JSON Schema of the configuration, for editors."""
    from busbar_shared.config.describe import schema_text

    typer.echo(schema_text(), nl=False)


@app.command()
def example(
    json: Annotated[
        bool, typer.Option("--json", help="The same as one JSON object, without its comments.")
    ] = False,
) -> None:
    """Print an example configuration with every section that is often used."""
    from busbar_shared.config.describe import example_text

    if json:
        print_json(tomllib.loads(example_text()))
        return
    typer.echo(example_text(), nl=False)


@app.command()
def reference(
    json: Annotated[bool, typer.Option("--json", help="The same as JSON Schema.")] = False,
) -> None:
    """Print every key of the configuration with its type, default and meaning, as docs/configuration.md has it."""
    if json:
        schema()
        return
    from busbar_shared.config.reference import reference_page

    typer.echo(reference_page(), nl=False)
