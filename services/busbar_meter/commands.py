"""`busbar meter ...`: find devices, read them, dump them for a bug report, check a register map."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from busbar_shared.command_line import AsJson

if TYPE_CHECKING:
    from busbar_meter.answers import Wire
    from busbar_meter.image import Dump

app = typer.Typer(help="Scan, read and dump meters and inverters.", no_args_is_help=True)
maps = typer.Typer(help="Register maps of devices without SunSpec.", no_args_is_help=True)
app.add_typer(maps, name="map")

# Unit ids makers use: 1 first, Kostal 71, Fronius 100, 200, 201, 240, SMA 126, GoodWe 247.
LIKELY_UNITS = "1,2,3,71,100,126,200,201,240,247"
LIKELY_PORTS = "502,1502"

Host = Annotated[
    str, typer.Argument(help="Name or address of the device, or a serial line such as /dev/ttyUSB0.")
]
Port = Annotated[int, typer.Option(help="TCP port.")]
UnitId = Annotated[int, typer.Option(help="Modbus unit id.")]
Base = Annotated[int | None, typer.Option(help="SunSpec base address; default: 40000, 0 and 50000.")]
Timeout = Annotated[float, typer.Option(help="Seconds to wait for an answer.")]
Rtu = Annotated[bool, typer.Option("--rtu-over-tcp", help="RTU frames over TCP.")]


@app.command()
def scan(
    host: Host,
    ports: Annotated[str, typer.Option(help="Ports to try, for example 502,1502.")] = LIKELY_PORTS,
    units: Annotated[str, typer.Option(help="Unit ids to try, for example 1-10,200.")] = LIKELY_UNITS,
    timeout: Timeout = 1.0,
    rtu_over_tcp: Rtu = False,
    as_json: AsJson = False,
) -> None:
    """Find SunSpec devices: ports, units, bases and models, with lines for the configuration."""
    from busbar_meter.scan import scan_host

    found = asyncio.run(scan_host(host, _numbers(ports), _numbers(units), timeout, rtu_over_tcp))
    if as_json:
        typer.echo(json.dumps([each.row() for each in found], indent=2))
    else:
        for each in found:
            typer.echo(each.text())
        snippets = "\n".join(each.snippet for each in found if each.snippet)
        typer.echo(
            f"\nFor busbar.toml:\n\n{snippets}" if snippets else f"\nNo SunSpec device answered at {host}."
        )
    if not any(each.snippet for each in found):
        raise typer.Exit(1)


@app.command()
def read(
    host: Annotated[
        str | None, typer.Argument(help="Name or address of the device, or a serial line.")
    ] = None,
    port: Port = 502,
    unit: UnitId = 1,
    base: Base = None,
    timeout: Timeout = 2.0,
    rtu_over_tcp: Rtu = False,
    dump: Annotated[Path | None, typer.Option(help="Read this dump instead of a device.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show every point a device implements, scaled."""
    if (host is None) == (dump is None):
        typer.echo("either HOST or --dump FILE", err=True)
        raise typer.Exit(2)
    wire: Wire
    if dump is not None:
        from busbar_meter.image import DumpWire

        image = _loaded(dump)
        wire = DumpWire(image)
        unit = unit if unit in wire.units else image.units[0].unit
    else:
        wire = _wire(host or "", port, timeout, rtu_over_tcp)
    _show(_guarded(_read(wire, unit, base)), as_json)


@app.command()
def dump(
    host: Host,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write it.")] = Path("meter-dump.json"),
    port: Port = 502,
    unit: Annotated[list[int] | None, typer.Option(help="Unit id; repeat the option for several.")] = None,
    base: Base = None,
    timeout: Timeout = 2.0,
    rtu_over_tcp: Rtu = False,
    as_json: AsJson = False,
) -> None:
    """Write all registers of a device to a file for a bug report. Serial numbers are blotted out."""
    import msgspec

    made = _guarded(_dump(_wire(host, port, timeout, rtu_over_tcp), unit or [1], base))
    out.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=1))
    count = sum(len(image.registers()) for image in made.units)
    if as_json:
        typer.echo(
            json.dumps({"file": str(out), "units": [each.unit for each in made.units], "registers": count})
        )
    else:
        typer.echo(
            f"{count} registers of {len(made.units)} unit(s) written to {out}; serial numbers are blotted out."
        )


@maps.command("list")
def list_maps(as_json: AsJson = False) -> None:
    """The register maps that come with Busbar."""
    from busbar_meter.registermap import load, shipped

    found = {name: load(name) for name in shipped()}
    if as_json:
        rows = {
            name: {"title": each.title, "source": each.source, "verified": each.verified}
            for name, each in found.items()
        }
        typer.echo(json.dumps(rows, indent=2))
        return
    for name, each in found.items():
        typer.echo(f"{name:22} {each.title} ({'verified' if each.verified else 'not verified on hardware'})")


@maps.command("check")
def check_map(
    file: Annotated[str, typer.Argument(help="A .toml file, or the name of a shipped map.")],
    as_json: AsJson = False,
) -> None:
    """Check a register map: its form, its points, and its own test vectors."""
    from busbar_meter.registermap import POINTS, BadMap, load

    try:
        found = load(file)
    except BadMap as error:
        problems = str(error).splitlines()
        typer.echo(
            json.dumps({"ok": False, "problems": problems}) if as_json else "\n".join(problems),
            err=not as_json,
        )
        raise typer.Exit(1) from error
    counts = {kind: len(found.registers(kind)) for kind in POINTS if found.registers(kind)}
    if as_json:
        typer.echo(
            json.dumps({"ok": True, "title": found.title, "registers": counts, "vectors": len(found.vector)})
        )
    else:
        told = ", ".join(f"{kind} {count}" for kind, count in counts.items())
        typer.echo(
            f"{file}: {found.title}: points read: {told}; {len(found.vector)} test vector(s) decode as expected."
        )


def _numbers(text: str) -> list[int]:
    numbers: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        try:
            numbers += range(int(first), int(last or first) + 1)
        except ValueError:
            typer.echo(f"{part!r} is not a number or a range such as 1-10", err=True)
            raise typer.Exit(2) from None
    return numbers


def _wire(host: str, port: int, timeout_s: float, rtu_over_tcp: bool) -> Wire:
    from busbar_meter.scan import wire_to

    return wire_to(host, port, timeout_s, rtu_over_tcp)


def _loaded(path: Path) -> Dump:
    import msgspec

    from busbar_meter.image import Dump

    try:
        made = msgspec.json.decode(path.read_bytes(), type=Dump)
    except (OSError, msgspec.DecodeError) as error:
        typer.echo(f"{path}: {error}", err=True)
        raise typer.Exit(2) from error
    if not made.units:
        typer.echo(f"{path}: no unit in it", err=True)
        raise typer.Exit(2)
    return made


def _guarded(asking: Any) -> Any:
    from busbar_meter.answers import DeviceRefused, DeviceSilent

    try:
        return asyncio.run(asking)
    except (DeviceSilent, DeviceRefused) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


async def _read(wire: Wire, unit: int, base: int | None) -> list[dict[str, Any]]:
    from busbar_meter.discovery import BASES
    from busbar_meter.show import points_of
    from busbar_meter.unit import Unit, whole_block
    from busbar_shared.clock import RealClock

    device = Unit(unit, RealClock(), bases=BASES if base is None else (base,))
    rows: list[dict[str, Any]] = []
    try:
        await device.prepare(wire)
        for place in device.chain.places if device.chain else ():
            block = await whole_block(wire, unit, place)
            points = points_of(block)
            if "SN" in points:
                points["SN"] = str(points["SN"])[:2] + "..."
            rows.append(
                {"model": place.model, "address": place.start, "length": place.length, "points": points}
            )
    finally:
        wire.close()
    return rows


def _show(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        typer.echo(f"\nmodel {row['model']} at {row['address']}, {row['length']} registers")
        for name, value in row["points"].items():
            typer.echo(f"  {name:20} {value:g}" if isinstance(value, float) else f"  {name:20} {value}")


async def _dump(wire: Wire, units: list[int], base: int | None) -> Dump:
    from busbar_meter.answers import DeviceSilent
    from busbar_meter.discovery import BASES, NotSunSpec
    from busbar_meter.image import Dump, find_chain, take
    from busbar_shared.clock import RealClock
    from busbar_shared.life import program_version

    images = []
    try:
        for unit in units:
            chain = await find_chain(wire, unit, BASES if base is None else (base,))
            if isinstance(chain, NotSunSpec):
                raise DeviceSilent(f"unit {unit} is not a SunSpec device ({'; '.join(chain.tried)})")
            images.append(await take(wire, unit, chain))
    finally:
        wire.close()
    return Dump(tuple(images), RealClock().now(), f"busbar {program_version()}")
