"""`busbar simulator ...`: parts of the simulated house for a test bench."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from busbar_shared.command_line import AsJson, print_json

app = typer.Typer(no_args_is_help=True, help="Parts of the simulated house for a test bench.")


@app.callback()
def simulator() -> None:
    """Parts of the simulated house for a test bench."""


@app.command("replay")
def replay(
    dump: Annotated[Path, typer.Argument(help="What `busbar meter dump` wrote.")],
    port: Annotated[int, typer.Option(help="Port to listen on; 0: any free one.")] = 1502,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    json: AsJson = False,
) -> None:
    """Serve a register image as if it were the device it was taken from, until interrupted."""
    from busbar_simulator.modbus_server import ModbusServer
    from busbar_simulator.sunspec.replay import BadDump, replays

    try:
        units = replays(dump.read_bytes())
    except (OSError, BadDump) as error:
        typer.echo(f"{dump}: {error}", err=True)
        raise typer.Exit(2) from error

    async def serve() -> None:
        server = ModbusServer(units, host=host, port=port)
        try:
            found = await server.start()
        except OSError as error:
            typer.echo(f"{host}:{port}: {error.strerror}", err=True)
            raise typer.Exit(1) from error
        if json:
            print_json({"units": sorted(units), "host": host, "port": found})
        else:
            typer.echo(f"units {', '.join(map(str, sorted(units)))} on {host}:{found}")
        await asyncio.Event().wait()

    _until_interrupted(serve())


@app.command("chargers")
def chargers(
    url: Annotated[str, typer.Argument(help="The central system, for example ws://127.0.0.1:9000/.")],
    count: Annotated[int, typer.Option(min=1, max=5000, help="How many charge points.")] = 10,
    version: Annotated[str, typer.Option(help="1.6 or 2.0.1.")] = "1.6",
    prefix: Annotated[str, typer.Option(help="Ids are this and a number from 1.")] = "CP-",
    password: Annotated[str | None, typer.Option(help="For security profile 1.")] = None,
    fault: Annotated[list[str] | None, typer.Option(help="What they do wrong; may be repeated.")] = None,
    seconds: Annotated[
        float | None, typer.Option(help="End after so long; else run until interrupted.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Connect many charge points with a car each, and say how they fare once a second."""
    from busbar_simulator.herd import Herd
    from busbar_simulator.station.faults import Fault

    try:
        faults = frozenset(Fault(name) for name in fault or ())
    except ValueError as error:
        typer.echo(f"{error}; there are {', '.join(Fault)}", err=True)
        raise typer.Exit(2) from error
    if version not in ("1.6", "2.0.1"):
        typer.echo(f"version: {version} is not 1.6 or 2.0.1", err=True)
        raise typer.Exit(2)
    herd = Herd(url, count=count, version=version, prefix=prefix, password=password, faults=faults)

    def say(sentence: str) -> None:
        figures = {"online": herd.online, "of": len(herd.links), "charging": herd.charging}
        typer.echo(msgspec.json.encode(figures).decode() if json else sentence)

    _until_interrupted(herd.run(seconds, say))


def _until_interrupted(work: Coroutine[None, None, None]) -> None:
    try:
        asyncio.run(work)
    except KeyboardInterrupt:
        typer.echo("")
