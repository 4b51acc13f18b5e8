"""What the commands about chargers share: their arguments, and how they answer programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from busbar_shared.command_line import fail

if TYPE_CHECKING:
    from busbar_shared.config.root import Site

ChargerArgument = Annotated[str, typer.Argument(help="Id of the charger in the configuration.")]
ConnectorOption = Annotated[str, typer.Option(help="Connector of the charger.")]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for programs.")]


def charger_or_exit(site: Site, charger: str, connector: str | None = None) -> None:
    """Nothing for a charger and connector of the configuration; for others exit code 2 and those there are."""
    if charger not in site.chargers:
        fail(f"{charger}: no such charger; there are: {', '.join(site.chargers) or 'none'}")
    numbers = site.chargers[charger].all_connectors()
    if connector is not None and connector not in numbers:
        fail(f"{charger} has no connector {connector}; there are: {', '.join(numbers)}")


def print_json_line(value: Any) -> None:
    """A value as JSON, in one line."""
    import msgspec

    typer.echo(msgspec.json.encode(value).decode())
