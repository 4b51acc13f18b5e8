"""`busbar battery ...`: the commands of the battery service, and the one that writes a device's own reserve.

That one needs the meter's registers, which a service may not know of another; the command line may.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from busbar_battery.commands import app
from busbar_shared.command_line import EXIT_UNANSWERED, AsJson, ConfigOption, fail, load_or_exit, print_json

if TYPE_CHECKING:
    from busbar_cli.battery_reserve import Reserve
    from busbar_meter.config import LinePlan, RolePlan, StationPlan
    from busbar_shared.config.root import Site

__all__ = ["app"]


@app.command("reserve")
def reserve_(
    percent: Annotated[
        float | None, typer.Argument(help="The new reserve in percent; without it the present one is read.")
    ] = None,
    battery: Annotated[str | None, typer.Option(help="Which battery; needed when there are several.")] = None,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Read the inverter's own reserve, or write it once. Exit code 1 when the device says no or nothing."""
    if percent is not None and not 0 <= percent <= 100:
        fail(f"{percent:g} is not a percentage between 0 and 100")
    site = load_or_exit(config)
    line, station, plan = _place(site, battery, writes=percent is not None)
    found = _asked(line, station, plan, percent)
    if as_json:
        print_json({"battery": plan.id, "reserve": found})
        return
    if percent is None:
        typer.echo(f"{plan.id}: the inverter keeps {found.now_percent:g} % in reserve.")
    elif not found.written:
        typer.echo(f"{plan.id}: the reserve is {found.now_percent:g} % already; nothing was written.")
    else:
        typer.echo(
            f"{plan.id}: the reserve is {found.now_percent:g} % now, it was {found.before_percent:g} %. "
            "It stays in the inverter until somebody changes it; "
            "below it some inverters charge from the grid by themselves."
        )


def _place(site: Site, battery: str | None, *, writes: bool) -> tuple[LinePlan, StationPlan, RolePlan]:
    """Where the battery is, or a sentence and exit code 2."""
    from busbar_meter.config import lines_of

    name = battery or (next(iter(site.batteries)) if len(site.batteries) == 1 else None)
    if name is None or name not in site.batteries:
        fail(f"--battery: which one? There are: {', '.join(site.batteries) or 'none'}")
    one = site.batteries[name]
    if one.driver != "sunspec":
        fail(f"batteries.{name}.driver: {one.driver!r} has no reserve Busbar knows of; only sunspec has")
    if writes and not one.writable:
        fail(f"batteries.{name}.writable: false; Busbar writes to a device only where this is true")
    return next(
        (line, station, role)
        for line in lines_of(site)
        for station in line.stations
        for role in station.roles
        if (role.kind, role.id) == ("battery", name)
    )


def _asked(line: LinePlan, station: StationPlan, plan: RolePlan, percent: float | None) -> Reserve:
    """The device's answer, or why there is none on standard error and exit code 1."""
    from busbar_cli.battery_reserve import NoReserve, reserve
    from busbar_meter.answers import DeviceRefused, DeviceSilent
    from busbar_meter.wire import ModbusWire
    from busbar_shared.clock import RealClock

    clock = RealClock()
    wire = ModbusWire(line.address, clock, timeout_s=line.timeout_s, gap_s=line.gap_s)

    async def asked() -> Reserve:
        try:
            return await reserve(wire, station, plan, percent, clock)
        finally:
            wire.close()

    try:
        return asyncio.run(asked())
    except (NoReserve, DeviceRefused) as error:
        fail(f"{plan.id}: {error}", EXIT_UNANSWERED)
    except DeviceSilent as error:
        more = "" if percent is None else "; ask for the reserve to see whether it was written"
        fail(f"{plan.id}: {error}{more}", EXIT_UNANSWERED)
