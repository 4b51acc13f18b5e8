"""What the commands of all services share: which site, and how an error ends a command."""

import os
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from busbar_shared.config.load import BadConfig, read_file
from busbar_shared.config.root import Site

EXIT_WRONG = 2
"""The configuration or the arguments cannot be used."""

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The site's file; default: BUSBAR_CONFIG, else busbar.toml here."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def path_of(config: Path | None) -> Path:
    """Where the configuration is."""
    return config or Path(os.environ.get("BUSBAR_CONFIG", "busbar.toml"))


def load_or_exit(config: Path | None) -> Site:
    """The site, or its problems on standard error and exit code 2."""
    path = path_of(config)
    try:
        return read_file(path)
    except BadConfig as error:
        fail("\n".join(f"{path}: {line}" for line in str(error).splitlines()), EXIT_WRONG)


def fail(text: str, code: int = EXIT_WRONG) -> NoReturn:
    """End the command with a sentence on standard error."""
    typer.echo(text, err=True)
    raise typer.Exit(code)
