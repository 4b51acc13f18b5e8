"""`busbar meter ...`: find devices, read them, dump them for a bug report, check a register map."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from busbar_meter.map_commands import maps
from busbar_shared.command_line import EXIT_UNANSWERED, AsJson, fail

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from busbar_meter.answers import Wire
    from busbar_meter.image import Dump
    from busbar_meter.registermap import RegisterMap
    from busbar_meter.scan import Where

T = TypeVar("T")

app = typer.Typer(help="Scan, read and dump meters and inverters.", no_args_is_help=True)
app.add_typer(maps, name="map")

# Unit ids makers use: 1 first, Kostal 71, Fronius 100, 200, 201, 240, SMA 126, GoodWe 247.
LIKELY_UNITS = "1,2,3,71,100,126,200,201,240,247"
LIKELY_PORTS = "502,1502"
# What an option may say; of a base see busbar_meter.config, which is not loaded for a word of help.
RANGES = {
    "port": (1, 65535),
    "unit": (0, 255),
    "base": (0, 65531),
    "timeout": (0.05, 60),
    "baudrate": (300, 921_600),
}

Host = Annotated[
    str, typer.Argument(help="Name or address of the device, or a serial line such as /dev/ttyUSB0.")
]
Port = Annotated[int, typer.Option(help="TCP port.")]
Base = Annotated[int | None, typer.Option(help="SunSpec base address; default: 40000, 0 and 50000.")]
Timeout = Annotated[float, typer.Option(help="Seconds to wait for an answer.")]
Rtu = Annotated[bool, typer.Option("--rtu-over-tcp", help="RTU frames over TCP.")]
Baudrate = Annotated[int, typer.Option(help="Of a serial line.")]
Parity = Annotated[str, typer.Option(help="Of a serial line: N, E or O.")]
MapName = Annotated[
    str | None,
    typer.Option("--map", help="Read by this register map instead of SunSpec: a name, or a .toml file."),
]


@app.command()
def scan(
    host: Host,
    ports: Annotated[str, typer.Option(help="Ports to try, for example 502,1502.")] = LIKELY_PORTS,
    units: Annotated[str, typer.Option(help="Unit ids to try, for example 1-10,200.")] = LIKELY_UNITS,
    base: Base = None,
    timeout: Timeout = 1.0,
    rtu_over_tcp: Rtu = False,
    baudrate: Baudrate = 9600,
    parity: Parity = "N",
    as_json: AsJson = False,
) -> None:
    """Find SunSpec devices: ports, units, bases and models, with lines for the configuration."""
    from busbar_meter.scan import scan_host
    from busbar_shared.progress import waiting

    _within(base=base, timeout=timeout, baudrate=baudrate)
    at, ids = _numbers(ports, 1, 65535), _numbers(units, 0, 255)
    where = _where(host, rtu_over_tcp, baudrate, parity)
    # Most units are not there, and each of those is waited for once.
    with waiting(f"asking {host}", len(at) * len(ids) * timeout):
        done = asyncio.run(scan_host(where, at, ids, timeout, base))
    if as_json:
        typer.echo(json.dumps([each.row() for each in done.found], indent=2))
    else:
        for each in done.found:
            typer.echo(each.text())
        for port in done.closed:
            typer.echo("the serial line cannot be opened" if where.serial else f"port {port}: no connection")
        snippets = "\n".join(each.snippet for each in done.found if each.snippet)
        typer.echo(
            f"\nFor busbar.toml:\n\n{snippets}" if snippets else f"\nNo SunSpec device answered at {host}."
        )
    if not any(each.snippet for each in done.found):
        raise typer.Exit(EXIT_UNANSWERED)


@app.command()
def read(
    host: Annotated[
        str | None, typer.Argument(help="Name or address of the device, or a serial line.")
    ] = None,
    port: Port = 502,
    unit: Annotated[
        int | None,
        typer.Option(help="Modbus unit id; default: 1, or the first one of a dump."),
    ] = None,
    base: Base = None,
    timeout: Timeout = 2.0,
    rtu_over_tcp: Rtu = False,
    baudrate: Baudrate = 9600,
    parity: Parity = "N",
    map_name: MapName = None,
    dump: Annotated[Path | None, typer.Option(help="Read this dump instead of a device.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show every point a device implements, scaled."""
    from busbar_meter.inspection import chain_points, map_points

    _within(port=port, unit=unit, base=base, timeout=timeout, baudrate=baudrate)
    if (host is None) == (dump is None):
        fail("either HOST or --dump FILE")
    wire: Wire
    if dump is not None:
        from busbar_meter.image import DumpWire

        image = _loaded(dump)
        wire = DumpWire(image)
        unit = image.units[0].unit if unit is None else unit
        if unit not in wire.units:
            fail(f"{dump}: unit {unit} is not in it; there is {', '.join(map(str, wire.units))}")
    else:
        unit = 1 if unit is None else unit
        wire = _where(host or "", rtu_over_tcp, baudrate, parity).wire(port, timeout)
    definition = _map(map_name)
    asking = chain_points(wire, unit, base) if definition is None else map_points(wire, unit, definition)
    _show(_guarded(asking, wire), as_json)


@app.command()
def dump(
    host: Host,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write it.")] = Path("meter-dump.json"),
    port: Port = 502,
    unit: Annotated[list[int] | None, typer.Option(help="Unit id; repeat the option for several.")] = None,
    base: Base = None,
    timeout: Timeout = 2.0,
    rtu_over_tcp: Rtu = False,
    baudrate: Baudrate = 9600,
    parity: Parity = "N",
    map_name: MapName = None,
    as_json: AsJson = False,
) -> None:
    """Write all registers of a device to a file for a bug report. Serial numbers are blotted out."""
    import msgspec

    from busbar_meter.inspection import image_of

    _within(port=port, base=base, timeout=timeout, baudrate=baudrate)
    for each in unit or ():
        _within(unit=each)
    wire = _where(host, rtu_over_tcp, baudrate, parity).wire(port, timeout)
    made = _guarded(image_of(wire, unit or [1], base, _map(map_name)), wire)
    try:
        out.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=1))
    except OSError as error:
        fail(f"{out}: {error.strerror}")
    count = sum(len(image.registers()) for image in made.units)
    refused = [problem for image in made.units for problem in image.refused]
    if as_json:
        units = [each.unit for each in made.units]
        typer.echo(json.dumps({"file": str(out), "units": units, "registers": count, "refused": refused}))
        return
    typer.echo(
        f"{count} registers of {len(made.units)} unit(s) written to {out}; serial numbers are blotted out."
    )
    for problem in refused:
        typer.echo(f"not answered: {problem}")


def _within(**given: float | None) -> None:
    """End with a sentence if an option says what no device can be asked with."""
    for name, value in given.items():
        least, most = RANGES[name]
        if value is not None and not least <= value <= most:
            fail(f"--{name}: {least:g} to {most:.0f} (found {value:g})")


def _numbers(text: str, least: int, most: int) -> list[int]:
    numbers: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        try:
            numbers += range(int(first), int(last or first) + 1)
        except ValueError:
            fail(f"{part!r} is not a number or a range such as 1-10")
    for number in numbers:
        if not least <= number <= most:
            fail(f"{number} is not between {least} and {most}")
    if not numbers:
        fail(f"{text!r} names no number")
    return numbers


def _where(host: str, rtu_over_tcp: bool, baudrate: int, parity: str) -> Where:
    import msgspec

    from busbar_meter.scan import Where

    try:
        where = msgspec.convert(
            {"host": host, "rtu_over_tcp": rtu_over_tcp, "baudrate": baudrate, "parity": parity.upper()},
            Where,
        )
    except msgspec.ValidationError as error:
        fail(str(error))
    problem = where.problem()
    if problem:
        fail(problem, EXIT_UNANSWERED)
    return where


def _map(name: str | None) -> RegisterMap | None:
    from busbar_meter.map_file import BadMap, load

    try:
        return None if name is None else load(name)
    except BadMap as error:
        fail(str(error))


def _loaded(path: Path) -> Dump:
    import msgspec

    from busbar_meter.image import Dump

    try:
        made = msgspec.json.decode(path.read_bytes(), type=Dump)
    except (OSError, msgspec.DecodeError) as error:
        fail(f"{path}: {error}")
    if not made.units:
        fail(f"{path}: no unit in it")
    return made


def _guarded(asking: Coroutine[Any, Any, T], wire: Wire) -> T:
    from busbar_meter.answers import DeviceRefused, DeviceSilent

    async def asked() -> T:
        try:
            return await asking
        finally:
            wire.close()

    try:
        return asyncio.run(asked())
    except (DeviceSilent, DeviceRefused) as error:
        fail(str(error), EXIT_UNANSWERED)


def _show(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        head = row.get("kind") or f"model {row['model']} at {row['address']}, {row['length']} registers"
        typer.echo(f"\n{head}")
        for name, value in row["points"].items():
            typer.echo(f"  {name:20} {value:g}" if isinstance(value, float) else f"  {name:20} {value}")
        if row.get("doubt"):
            typer.echo(f"  not believed: {row['doubt']}")
        for problem in row.get("refused", ()):
            typer.echo(f"  not answered: {problem}")
