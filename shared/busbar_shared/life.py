"""The life of a service: from the configuration to online, and from SIGTERM to offline.

There is one writer per role. A service that finds another living instance of its role does not
start; of two that meet later, the younger stops giving orders.
"""

import asyncio
import contextlib
import errno
import logging
import os
import resource
import secrets
import signal
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
import platformdirs

from busbar_contracts import CONTRACT_VERSION
from busbar_contracts.service import ServiceStatus
from busbar_contracts.topics import topic_of
from busbar_shared.bus import Bus, MqttBus
from busbar_shared.clock import Clock, RealClock
from busbar_shared.config.broker import BrokerConfig
from busbar_shared.config.load import BadConfig, secret
from busbar_shared.config.root import SERVICES, Site
from busbar_shared.rivals import OtherInstance, Rival

log = logging.getLogger(__name__)

HEARTBEAT_S = 5.0
SECOND_BEAT_S = 7.0
"""A living instance speaks again within this; the retained word of a dead one does not."""
RELEASE_S = 8.0
"""How long a service may take to leave its devices in their safe state."""

PORT_TROUBLES = (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES)

EXIT_CONFIG = 2
EXIT_OTHER_INSTANCE = 3


@dataclass
class Service:
    """What a service is given to work with."""

    name: str
    site: Site
    bus: Bus
    clock: Clock
    state_dir: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    instance: str = field(default_factory=lambda: secrets.token_hex(8))
    ready: bool = True
    """Said in the status: it has what it needs to do its work."""
    passive: bool = False
    """An older instance of this role lives: no orders are given and no device is written to."""
    handing_over: bool = False
    """A planned restart: leave devices as they are, their leases run on and the next instance takes over."""


def program_version() -> str:
    """The version of the installed program."""
    try:
        return version("busbar")
    except PackageNotFoundError:
        return "unknown"


def state_dir_of(site: Site, environ: Mapping[str, str]) -> Path:
    """Where this site's state files are: BUSBAR_STATE_DIR, else the system's place for them."""
    given = environ.get("BUSBAR_STATE_DIR")
    return Path(given) if given else platformdirs.user_state_path("busbar") / site.site.id


def connect(
    site: Site, name: str, environ: Mapping[str, str], *, will: tuple[str, bytes] | None = None
) -> MqttBus:
    """A bus for this service of this site; enter it to connect. Raises BadConfig for a secret that cannot be read."""
    broker = site.broker
    # What is no service is a person at the command line.
    account = name if name in SERVICES else "owner"
    username = broker.username.replace("{service}", account) if broker.username else None
    if username is not None:
        broker = msgspec.structs.replace(broker, username=username)
    password = secret(broker.password, environ, service=account)
    if username is not None and broker.password and password is None:
        raise BadConfig(
            f"broker.password: neither {broker.password} nor {broker.password}_FILE is set, and {username} needs it"
        )
    return MqttBus(
        broker,
        client_id=f"busbar-{site.site.id}-{name}-{secrets.token_hex(4)}",
        root=site.site.topic_root,
        service=name,
        will=will,
        password=password,
        tls=_tls(broker) if broker.tls else None,
    )


def _tls(broker: BrokerConfig) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=broker.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise BadConfig(f"broker.ca_file: {broker.ca_file} cannot be used: {error}") from error


async def serve(
    name: str,
    run: Callable[[Service], Awaitable[None]],
    site: Site,
    environ: Mapping[str, str] = os.environ,
) -> int:
    """Run one service until SIGTERM, SIGINT, or the end of the process that started it. Returns the exit code."""
    started_at = RealClock().now()
    instance = secrets.token_hex(8)
    offline = _status(instance, started_at, "offline")
    topic = topic_of(ServiceStatus).address.format(service=name).replace("hems", site.site.topic_root, 1)
    bus = connect(site, name, environ, will=(topic, msgspec.json.encode(offline)))
    service = Service(
        name=name, site=site, bus=bus, clock=RealClock(), environ=environ, instance=instance,
        state_dir=state_dir_of(site, environ) / name,
    )  # fmt: skip
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    def hand_over() -> None:
        service.handing_over = True
        stop.set()

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hand_over)
    async with bus:
        parent = asyncio.create_task(_end_with_parent(environ, stop))
        role = _Role(service, bus, started_at)
        try:
            return await _live(service, role, run, stop)
        except OtherInstance as other:
            log.error("%s", other)
            return EXIT_OTHER_INSTANCE
        finally:
            parent.cancel()
            if role.held:
                await bus.say(_status(instance, RealClock().now(), "offline", started_at), service=name)
                await bus.drain()


async def _live(
    service: Service, role: "_Role", run: Callable[[Service], Awaitable[None]], stop: asyncio.Event
) -> int:
    watching = asyncio.create_task(role.watch())
    stopping = asyncio.create_task(stop.wait())
    claiming = asyncio.create_task(role.claim())
    tasks: list[asyncio.Task[object]] = [watching, stopping, claiming]
    try:
        await asyncio.wait({stopping, claiming}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            return 0
        claiming.result()
        beating = asyncio.create_task(role.beat())
        working = asyncio.create_task(_as_coroutine(run(service)), name=service.name)
        tasks += [beating, working]
        await asyncio.wait({stopping, working}, return_when=asyncio.FIRST_COMPLETED)
        return await _finish(service, working)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _as_coroutine(awaitable: Awaitable[None]) -> None:
    await awaitable


async def _finish(service: Service, working: "asyncio.Task[None]") -> int:
    if not working.done():
        working.cancel()
        done, _ = await asyncio.wait({working}, timeout=RELEASE_S)
        if not done:
            log.error("did not leave its devices within %g s", RELEASE_S)
            return 1
    if working.cancelled():
        return 0
    error = working.exception()
    if isinstance(error, BadConfig):
        log.error("%s", error)
        return EXIT_CONFIG
    if error is not None:
        # A port that is taken is no fault of the program, and may be free at the next try: a sentence is enough.
        known = isinstance(error, OSError) and error.errno in PORT_TROUBLES
        log.error("stopped: %s", error, exc_info=None if known else error)
        with contextlib.suppress(Exception):
            await service.bus.event("service_failed", f"{service.name} stopped: {error}", severity="error")
        return 1
    return 0


async def _end_with_parent(environ: Mapping[str, str], stop: asyncio.Event) -> None:
    """Stop when the supervisor that started us is gone, even if it was killed."""
    parent = environ.get("BUSBAR_PARENT")
    if parent is None or not parent.isdigit():
        return
    while os.getppid() == int(parent):  # noqa: ASYNC110 -- nothing tells a process that its parent died
        await asyncio.sleep(0.5)
    log.warning("the supervisor is gone; stopping")
    stop.set()


class _Role:
    """The claim of one instance to be the only one of its role."""

    def __init__(self, service: Service, bus: MqttBus, started_at: datetime) -> None:
        self._service, self._bus, self._started_at = service, bus, started_at
        self._rival = Rival()
        self._spoke = asyncio.Event()
        self._heard = bus.listen_where((ServiceStatus, {"service": service.name}))
        self.held = False

    async def watch(self) -> None:
        """Listen for others of our role; the younger of two gives way."""
        async for heard in self._heard:
            status: ServiceStatus = heard.message
            if status.instance == self._service.instance:
                continue
            self._rival.heard(status, heard.at_s, retained=heard.retained)
            if status.state != "offline":
                self._spoke.set()
                self._give_way()

    def _give_way(self) -> None:
        service = self._service
        passive = self.held and self._rival.outranks(
            self._started_at, service.instance, service.clock.monotonic()
        )
        if passive != service.passive:
            service.passive = self._bus.muted = passive
            log.warning(
                "an older %s lives: no orders are given" if passive else "the older %s is gone", service.name
            )

    async def claim(self) -> None:
        """Wait until the role is known to be free. Raises OtherInstance when it is not."""
        await self._bus.connected.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await self._spoke.wait()
        if self._rival.may_live(self._service.clock.now()):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SECOND_BEAT_S):
                    while self._rival.status is not None and not self._rival.is_proven:
                        self._spoke.clear()
                        await self._spoke.wait()
            other = self._rival.status
            if other is not None and self._rival.is_proven:
                raise OtherInstance(
                    f"another {self._service.name} is alive: instance {other.instance}, "
                    f"started {other.started_at.isoformat(timespec='seconds')}; this one does not start"
                )
        self.held = True

    async def beat(self) -> None:
        """Say that we live, each 5 s."""
        while True:
            self._give_way()
            await self._bus.say(
                _status(
                    self._service.instance, self._service.clock.now(), "online", self._started_at,
                    ready=self._service.ready, passive=self._service.passive, dropped=self._bus.dropped,
                ),
                service=self._service.name,
            )  # fmt: skip
            await asyncio.sleep(HEARTBEAT_S)


def _status(
    instance: str, at: datetime, state: str, started_at: datetime | None = None, *,
    ready: bool = True, passive: bool = False, dropped: int = 0,
) -> ServiceStatus:  # fmt: skip
    return ServiceStatus(
        state=state,  # type: ignore[arg-type]
        instance=instance, version=program_version(), contract=CONTRACT_VERSION,
        started_at=started_at or at, at=at, ready=ready, passive=passive,
        memory_mib=_resident_mib(), dropped=dropped,
    )  # fmt: skip


def _resident_mib() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return round(pages * resource.getpagesize() / 2**20, 1)
    except (OSError, ValueError, IndexError):
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
