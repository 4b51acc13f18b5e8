"""Supervises the services of a site as processes: a broker before them, all ended together, nobody left behind."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import typer

from busbar_cli.broker import BrokerProcess, broker_process, is_listening
from busbar_cli.child import STOP_S, Child
from busbar_cli.processes import UP_FILE, is_ours, parent_of
from busbar_shared.command_line import path_of
from busbar_shared.config.load import BadConfig
from busbar_shared.config.root import Site
from busbar_shared.life import EXIT_CONFIG, state_dir_of
from busbar_shared.statefile import StateFile

WARDEN = Path(__file__).with_name("warden.py")


def _warden() -> "subprocess.Popen[bytes] | None":
    """A process that outlives us by a moment, to end children that cannot follow; only where there is /proc."""
    if not Path("/proc/self/stat").exists():
        return None
    command = [sys.executable, "-I", "-S", str(WARDEN), str(STOP_S)]
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    except OSError:
        return None


class Supervisor:
    """All processes of one site."""

    def __init__(
        self,
        site: Site,
        config: Path,
        *,
        only: list[str] | None = None,
        broker: str = "auto",
        logs: Path | None = None,
        environ: dict[str, str] | None = None,
        dressed: Callable[[str, list[str]], list[str]] | None = None,
    ) -> None:
        """`dressed` may change how a service is started: in a namespace, with a clock or a configuration of its own."""
        self._site, self._config, self._broker_kind, self._logs = site, config, broker, logs
        self._dressed = dressed or (lambda _, command: command)
        self._environ = {**os.environ, **(environ or {}), "BUSBAR_PARENT": str(os.getpid())}
        self._names = [name for name in site.services() if only is None or name in only]
        self._folder = state_dir_of(site, self._environ)
        self._pids: StateFile[dict[str, int]] = StateFile(self._folder / UP_FILE, dict[str, int])
        self.broker: BrokerProcess | None = None
        self.children: dict[str, Child] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._warden: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start the broker, if it is ours, and then the services. Raises BadConfig when there is no broker to start."""
        self._folder.mkdir(parents=True, exist_ok=True)
        port = self._site.broker.port
        await self._let_orphans_end()
        self._warden = _warden()
        if self._site.broker.host == "embedded":
            if is_listening(port):
                raise BadConfig(
                    f"broker.port: something listens on {port} already; choose another port or name its host"
                )
            self.broker = broker_process(port, self._folder, self._broker_kind)
            self._add("broker", self.broker.command)
            await self._until_listening(port)
        for name in self._names:
            command = [sys.executable, "-m", "busbar_cli", "run", name, "--config", str(self._config)]
            self._add(name, self._dressed(name, command))

    async def _let_orphans_end(self) -> None:
        """Wait for the children of a supervisor that was killed: they end by themselves; one that cannot is ended.

        Raises BadConfig when that supervisor still lives.
        """
        left = self._pids.load() or {}
        supervisor = left.pop("supervisor", None)
        marks = str(self._config), str(self._folder)
        for _ in range(int(STOP_S * 10)):
            ours = [pid for pid in left.values() if is_ours(pid, *marks)]
            if not ours:
                return
            if supervisor is not None and supervisor in map(parent_of, ours):
                raise BadConfig(f"`busbar up` runs for this site already: process {supervisor}")
            await asyncio.sleep(0.1)
        for pid in ours:
            typer.echo(f"process {pid} of an earlier `busbar up` does not end; it is killed", err=True)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _add(self, name: str, command: list[str]) -> None:
        log = self._logs / f"{name}.log" if self._logs is not None else None
        child = self.children[name] = Child(name, command, self._environ, log)
        self._tasks.append(asyncio.create_task(child.live(self._note_pids), name=name))

    def _note_pids(self) -> None:
        pids = {name: child.pid for name, child in self.children.items()}
        if self._warden is not None and self._warden.stdin is not None:
            with contextlib.suppress(OSError):
                self._warden.stdin.write(
                    "".join(f"{pid}\n" for pid in pids.values() if pid is not None).encode()
                )
                self._warden.stdin.flush()
        self._pids.save(
            {"supervisor": os.getpid(), **{name: pid for name, pid in pids.items() if pid is not None}}
        )

    async def _until_listening(self, port: int) -> None:
        for _ in range(100):
            if is_listening(port):
                return
            await asyncio.sleep(0.1)
        raise BadConfig(f"broker.port: the broker did not open port {port} within 10 s")

    async def stop(self) -> None:
        """End the services, so that each leaves its devices safe, and the broker last."""
        services = [child for name, child in self.children.items() if name not in ("broker", "simulator")]
        await asyncio.gather(*(child.stop() for child in services))
        for name in ("simulator", "broker"):
            if name in self.children:
                await self.children[name].stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._warden is not None:
            await asyncio.to_thread(self._warden.communicate)
        # One that never began has written nothing there.
        if self.children:
            with contextlib.suppress(OSError):
                self._pids.path.unlink(missing_ok=True)

    def failed_for_good(self) -> int | None:
        """The exit code of a service that cannot run with this configuration; None when all can."""
        return next(
            (child.failed_for_good for child in self.children.values() if child.failed_for_good), None
        )


async def up(site: Site, config: Path | None, only: list[str] | None) -> int:
    """Run the site until SIGTERM or SIGINT. Returns the exit code."""
    if others := [one for one in only or () if one not in site.services()]:
        there = ", ".join(site.services()) or "none"
        typer.echo(f"--only {others[0]}: this site has no such service; it has {there}", err=True)
        return EXIT_CONFIG
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    supervisor = Supervisor(site, path_of(config), only=only)
    try:
        await supervisor.start()
        if supervisor.broker is not None and supervisor.broker.kind == "amqtt":
            typer.echo(
                "using the embedded broker amqtt on loopback; for a household install mosquitto", err=True
            )
        while not stop.is_set() and supervisor.failed_for_good() is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await stop.wait()
    except BadConfig as error:
        typer.echo(str(error), err=True)
        return EXIT_CONFIG
    finally:
        await supervisor.stop()
    return supervisor.failed_for_good() or 0
