"""`busbar explain`, and `busbar allocator ...`: the engine by hand."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The allocator: who gets what, and why.")


@app.command()
def explain(
    file: Annotated[
        Path | None, typer.Argument(help="A snapshot as JSON; without it, or as -, read from standard input.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write one allocation, or an error, as JSON per snapshot.")
    ] = False,
    live: Annotated[bool, typer.Option("--live", help="The decision in force at the running site.")] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", help="The site's file; default: BUSBAR_CONFIG, else busbar.toml here."
        ),
    ] = None,
    show_schema: Annotated[
        bool,
        typer.Option("--schema", help="Print the JSON Schema of snapshot and allocation, and nothing else."),
    ] = False,
) -> None:
    """Say for each load what it gets, what binds it, and what it would take to get more."""
    if live:
        _explain_live(config, as_json)
        return
    if show_schema:
        schema()
        return
    from busbar_allocator.explain import answers, show

    if file is None and sys.stdin.isatty():
        typer.echo("Give a file, pipe a snapshot in, or ask the running site with --live.", err=True)
        raise typer.Exit(2)
    if as_json:
        _answer_all(answers(_lines(file)))
        return
    from busbar_allocator.allocate import allocate
    from busbar_allocator.decode import read_snapshot
    from busbar_allocator.snapshot import BadSnapshot

    try:
        show(allocate(read_snapshot(b"".join(_lines(file)))))
    except BadSnapshot as error:
        typer.echo(f"Nothing is granted: {error}", err=True)
        raise typer.Exit(1) from None


def _answer_all(answers: Iterable[bytes]) -> None:
    """Write each answer as it is ready; a reader that goes away ends it quietly."""
    try:
        for line in answers:
            sys.stdout.buffer.write(line + b"\n")
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Python would complain once more while it closes a pipe that nobody reads.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explain_live(config: Path | None, as_json: bool) -> None:
    import msgspec

    from busbar_allocator.live import in_force, lines
    from busbar_shared.command_line import answer_or_exit, load_or_exit

    allocation = answer_or_exit(in_force(load_or_exit(config), os.environ))
    typer.echo(msgspec.json.encode(allocation).decode() if as_json else "\n".join(lines(allocation)))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the snapshot and of the allocation."""
    import msgspec

    from busbar_allocator.snapshot import Allocation, Snapshot

    _, parts = msgspec.json.schema_components([Snapshot, Allocation], ref_template="#/$defs/{name}")
    document = {"$defs": parts, "oneOf": [{"$ref": "#/$defs/Snapshot"}, {"$ref": "#/$defs/Allocation"}]}
    typer.echo(msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=2).decode())


def _lines(file: Path | None) -> Iterable[bytes]:
    """The lines of a file, or of standard input as they arrive."""
    if file is None or str(file) == "-":
        return iter(sys.stdin.buffer.readline, b"")
    try:
        return file.read_bytes().splitlines(keepends=True)
    except OSError as error:
        typer.echo(f"{file}: {error.strerror}", err=True)
        raise typer.Exit(2) from None
