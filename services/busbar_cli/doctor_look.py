"""`busbar doctor`: looks at a running site for some seconds, and says what is wrong and what to do."""

import asyncio
import contextlib
import os
import secrets
import ssl
from collections.abc import Mapping
from pathlib import Path

import msgspec
import typer

from busbar_cli.broker import is_listening
from busbar_cli.certificates import days_left
from busbar_cli.doctor import findings
from busbar_cli.doctor_background import highest
from busbar_cli.doctor_facts import Facts, Finding
from busbar_contracts.allocation import Allocation
from busbar_contracts.charger import ChargerLimit, ChargerState
from busbar_contracts.meter import MeterReading
from busbar_contracts.service import ServiceEvent, ServiceStatus
from busbar_shared.bus import Heard, MqttBus
from busbar_shared.clock import RealClock
from busbar_shared.command_line import plain
from busbar_shared.config.load import BadConfig
from busbar_shared.config.root import SERVICES, Site
from busbar_shared.life import connect, state_dir_of
from busbar_shared.progress import waiting
from busbar_shared.statefile import StateFile

CONNECT_S = 5.0
LISTEN_S = 12.0
"""Long enough for two heartbeats and one decision that nothing changed."""
READ_BACK_S = 3.0
MARKS = {"good": "ok  ", "note": "note", "bad": "BAD "}


async def doctor(site: Site, *, as_json: bool, seconds: float = LISTEN_S) -> int:
    """Print every finding. Returns 0 when nothing is bad, 1 when something is."""
    facts = await look(site, os.environ, seconds)
    found = findings(site, facts)
    if as_json:
        ok = not any(one.level == "bad" for one in found)
        typer.echo(msgspec.json.encode({"ok": ok, "findings": found}).decode())
    else:
        for one in found:
            typer.echo(_line(one))
    return 1 if any(one.level == "bad" for one in found) else 0


def _line(one: Finding) -> str:
    todo = f"\n     -> {plain(one.todo)}" if one.todo else ""
    return f"{MARKS[one.level]} {plain(one.about)}: {plain(one.text)}{todo}"


async def look(site: Site, environ: Mapping[str, str], seconds: float) -> Facts:
    """Everything that can be seen of a site from here."""
    clock = RealClock()
    folder = state_dir_of(site, environ) / "doctor"
    kept = StateFile(folder / "highest.json", dict[str, dict[str, float]])
    certificates = _certificates(site)
    try:
        async with connect(site, "doctor", environ) as bus:
            ear = _Ear(bus)
            if not await _connected(bus):
                why = "does not answer, or refuses the account `owner`"
                return Facts(now=clock.now(), broker=why, certificates=certificates)
            hearing, began_s = asyncio.create_task(ear.hear()), clock.monotonic()
            try:
                logins = await _logins(site, environ, ear)
                with waiting("listening to the site", seconds):
                    await clock.sleep(seconds)
                listened_s = clock.monotonic() - began_s
            finally:
                hearing.cancel()
    except (BadConfig, ssl.SSLError, OSError) as error:
        return Facts(now=clock.now(), broker=str(error), certificates=certificates)
    seen_a = highest(kept.load() or {}, tuple(ear.allocations))
    kept.save(seen_a)
    grid = site.grid_meter() if site.circuits else ""
    return Facts(
        now=clock.now(), logins=logins, statuses=ear.statuses, skews_s=ear.skews_s,
        readings=tuple(ear.readings.get(grid, ())), chargers=ear.chargers, allocations=tuple(ear.allocations),
        orders=ear.orders, listened_s=listened_s, ports=_ports(site), certificates=certificates, highest_a=seen_a,
    )  # fmt: skip


class _Ear:
    """Collects what is said."""

    def __init__(self, bus: MqttBus) -> None:
        self._clock = RealClock()
        self._heard = bus.listen(
            ServiceStatus, MeterReading, ChargerState, Allocation, ChargerLimit, ServiceEvent
        )
        self.statuses: dict[str, ServiceStatus] = {}
        self.skews_s: dict[str, float] = {}
        self.readings: dict[str, list[MeterReading]] = {}
        self.chargers: dict[str, ChargerState] = {}
        self.allocations: list[Allocation] = []
        self.orders: dict[str, int] = {}
        self.events: dict[str, ServiceEvent] = {}
        self._news = asyncio.Event()

    async def hear(self) -> None:
        """Collect until cancelled."""
        async for one in self._heard:
            self._take(one)
            self._news.set()

    async def event(self, path: str, seconds: float) -> bool:
        """Whether the event with this path comes within so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while path not in self.events:
                    self._news.clear()
                    await self._news.wait()
        return path in self.events

    def _take(self, one: Heard[object]) -> None:
        message = one.message
        if isinstance(message, ServiceStatus):
            self.statuses[one.ids["service"]] = message
            if not one.retained and message.state == "online":
                self.skews_s[one.ids["service"]] = (message.at - self._clock.now()).total_seconds()
        elif isinstance(message, MeterReading):
            self.readings.setdefault(one.ids["meter"], []).append(message)
        elif isinstance(message, Allocation):
            self.allocations.append(message)
        elif isinstance(message, ServiceEvent):
            self.events[message.path] = message
        elif isinstance(message, (ChargerState, ChargerLimit)):
            load = f"{one.ids['charger']}-{one.ids['connector']}"
            if isinstance(message, ChargerState):
                self.chargers[load] = message
            else:
                self.orders[load] = self.orders.get(load, 0) + 1


async def _connected(bus: MqttBus) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CONNECT_S):
            await bus.connected.wait()
    return bus.connected.is_set()


async def _logins(site: Site, environ: Mapping[str, str], ear: _Ear) -> dict[str, str]:
    """Log in as each service whose password is known here, say one event, and hear it come back."""
    file = environ.get(f"{site.broker.password}_FILE", "")
    if not site.broker.username or "{service}" not in site.broker.username or "{service}" not in file:
        return {}
    names = [name for name in site.services() if os.path.exists(file.replace("{service}", name))]  # noqa: ASYNC240
    return {name: await _login(site, environ, name, ear) for name in names if name in SERVICES}


async def _login(site: Site, environ: Mapping[str, str], name: str, ear: _Ear) -> str:
    mark = f"doctor-{secrets.token_hex(4)}"
    try:
        async with connect(site, name, environ) as bus:
            if not await _connected(bus):
                return "the broker does not let it in"
            # A publish that the access list forbids is acknowledged all the same, so only hearing it proves it.
            await bus.event("doctor", "busbar doctor reads this back", path=mark, severity="info")
            if not await ear.event(mark, READ_BACK_S):
                return "what it says does not arrive: the broker's access list forbids it"
    except BadConfig as error:
        return str(error)
    return ""


def _ports(site: Site) -> dict[str, bool]:
    """Only what should listen on the machine we are on."""
    if site.ocpp is None or site.broker.host not in ("embedded", "localhost", "127.0.0.1"):
        return {}
    port = site.ocpp.port
    return {f"port {port} for charge points": is_listening(port)} if port else {}


def _certificates(site: Site) -> dict[str, float | None]:
    files = [site.broker.ca_file] if site.broker.tls and site.broker.ca_file else []
    if site.ocpp is not None and site.ocpp.security >= 2 and site.ocpp.cert_file:
        files.append(site.ocpp.cert_file)
    return {file: days_left(Path(file), RealClock().now()) for file in files}
