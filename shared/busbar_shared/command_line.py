"""What the commands of all services share: which site, how what is known is shown, and how an error ends a command."""

import asyncio
import os
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import msgspec
import typer

from busbar_shared.config.load import BadConfig, read_file
from busbar_shared.config.root import Site

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

EXIT_UNANSWERED = 1
"""The site was asked and there is no answer, or it is no."""
EXIT_WRONG = 2
"""The configuration or the arguments cannot be used."""

PIPE_WIDTH = 160

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The site's file; default: BUSBAR_CONFIG, else busbar.toml here."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def path_of(config: Path | None) -> Path:
    """Where the configuration is."""
    return config or Path(os.environ.get("BUSBAR_CONFIG") or "busbar.toml")


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


def answer_or_exit(asking: Coroutine[Any, Any, T]) -> T:
    """The live site's answer, or why there is none on standard error and exit code 1."""
    from busbar_shared.asking import NoAnswer

    try:
        return asyncio.run(asking)
    except NoAnswer as error:
        fail(str(error), EXIT_UNANSWERED)


def known_or_exit(name: str, configured: Iterable[str]) -> None:
    """Nothing for a device of the configuration; for any other a sentence with those there are, and exit code 2."""
    names = tuple(configured)
    if name not in names:
        fail(f"{name!r} is not configured; there are: {', '.join(names) or 'none'}", EXIT_WRONG)


def print_json(value: Any) -> None:
    """JSON for programs, and in lines for people."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_state(state: msgspec.Struct, *, as_json: bool) -> None:
    """Everything a state says, a field in a line, or as JSON."""
    if as_json:
        print_json(state)
        return
    for name in state.__struct_fields__:
        value = getattr(state, name)
        typer.echo(f"  {name:15} {'unknown' if value is None else plain(value)}")


def plain(said: object) -> str:
    """What a device or another program said, without what a terminal would obey: escapes, line breaks, bells."""
    return "".join(
        one if one.isprintable() else " " if one.isspace() else "\N{REPLACEMENT CHARACTER}"
        for one in str(said)
    )


def console() -> "Console":
    """Where tables go. Brackets and colons in them are words, not colours; a pipe has no width to fit into."""
    from rich.console import Console

    made = Console(markup=False, emoji=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = PIPE_WIDTH
    return made


def print_table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """A table as wide as the terminal."""
    from rich.table import Table

    table = Table(*heads)
    for row in rows:
        table.add_row(*map(plain, row))
    console().print(table)
