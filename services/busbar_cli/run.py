"""Runs one service as this process."""

import asyncio
import importlib
import os
from collections.abc import Awaitable, Callable

import typer
from msgspec.structs import replace

from busbar_shared.config.load import BadConfig
from busbar_shared.config.root import Site
from busbar_shared.life import EXIT_CONFIG, Service, serve
from busbar_shared.log import configure

SERVICES = {
    "simulator": "busbar_simulator.main",
    "meter": "busbar_meter.main",
    "ocpp": "busbar_ocpp.main",
    "plugs": "busbar_plugs.main",
    "heat": "busbar_heat.main",
    "prices": "busbar_prices.main",
    "chargeamps": "busbar_chargeamps.main",
    "battery": "busbar_battery.main",
    "allocator": "busbar_allocator.main",
}
"""The word a person types, and the module that does it."""


LOG_JSON = "BUSBAR_LOG_JSON"
"""Set by `busbar up --json` for its children: log JSON, whatever the file says."""


def run_service(name: str, site: Site, *, json_log: bool = False) -> int:
    """Run the service until it is asked to stop. Returns its exit code."""
    if name not in SERVICES:
        typer.echo(f"there is no service {name!r}; there are {', '.join(SERVICES)}", err=True)
        return EXIT_CONFIG
    section = replace(site.log, json=site.log.json or json_log or bool(os.environ.get(LOG_JSON)))
    configure(section, name, site.site.timezone)
    module = importlib.import_module(SERVICES[name])
    work: Callable[[Service], Awaitable[None]] = module.run
    try:
        return asyncio.run(serve(name, work, site, os.environ))
    except BadConfig as error:
        typer.echo(str(error), err=True)
        return EXIT_CONFIG
