"""The option --config, and reading what it names."""

import os
from pathlib import Path
from typing import Annotated

import typer

from busbar_shared.config.load import BadConfig, read_file
from busbar_shared.config.root import Site
from busbar_shared.life import EXIT_CONFIG

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The site's file; default: BUSBAR_CONFIG, else busbar.toml here."),
]


def path_of(config: Path | None) -> Path:
    """Where the configuration is."""
    return config or Path(os.environ.get("BUSBAR_CONFIG", "busbar.toml"))


def load_or_exit(config: Path | None) -> Site:
    """The site, or its problems on standard error and exit code 2."""
    try:
        return read_file(path_of(config))
    except BadConfig as error:
        for line in str(error).splitlines():
            typer.echo(f"{path_of(config)}: {line}", err=True)
        raise typer.Exit(EXIT_CONFIG) from error
