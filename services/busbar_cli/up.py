"""Supervises the services of a site as processes: starts them, restarts those that die, ends them together."""

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import typer

from busbar_cli.broker import BrokerProcess, broker_process, is_listening
from busbar_shared.command_line import path_of
from busbar_shared.config.load import BadConfig
from busbar_shared.config.root import SERVICES, Site
from busbar_shared.life import EXIT_CONFIG, EXIT_OTHER_INSTANCE, state_dir_of
from busbar_shared.statefile import StateFile

FIRST_RETRY_S = 0.3
LAST_RETRY_S = 10.0
STEADY_S = 30.0
"""After running this long a service that dies is restarted at once again."""
STOP_S = 12.0
WARDEN = Path(__file__).with_name("warden.py")


class Child:
    """One process and its restarts."""

    def __init__(self, name: str, command: list[str], environ: dict[str, str], log: Path | None) -> None:
        self.name, self._command, self._environ, self._log = name, command, environ, log
        self.process: asyncio.subprocess.Process | None = None
        self.restarts = 0
        self.failed_for_good: int | None = None
        self._ran = False
        self._stopping = False
        self._may_run = asyncio.Event()
        self._may_run.set()

    def hold(self) -> None:
        """Do not start it again when it ends."""
        self._may_run.clear()

    def resume(self) -> None:
        """Start it again whenever it ends, from now on."""
        self._may_run.set()

    @property
    def pid(self) -> int | None:
        """Its process id while it lives."""
        return self.process.pid if self.process is not None and self.process.returncode is None else None

    async def live(self, on_change: Callable[[], None]) -> None:
        """Start, and start again whenever it dies, until stopped."""
        retry_s = FIRST_RETRY_S
        while not self._stopping:
            await self._may_run.wait()
            began = time.monotonic()
            self.process = await self._start()
            on_change()
            code = await self.process.wait()
            on_change()
            if self._stopping:
                return
            lived_s = time.monotonic() - began
            self._ran = self._ran or lived_s > STEADY_S
            # One that ran before may run again, for example when both halves of a new certificate are there.
            if code == EXIT_CONFIG and not self._ran:
                self.failed_for_good = code
                typer.echo(f"{self.name} cannot run with this configuration (exit code {code})", err=True)
                return
            retry_s = FIRST_RETRY_S if lived_s > STEADY_S else min(retry_s * 2, LAST_RETRY_S)
            if code in (EXIT_OTHER_INSTANCE, EXIT_CONFIG):
                retry_s = LAST_RETRY_S
            self.restarts += 1
            if not self._may_run.is_set():
                continue
            typer.echo(
                f"{self.name} ended with {_cause(code)}; starting it again in {retry_s:.1f} s", err=True
            )
            await asyncio.sleep(retry_s)

    async def _start(self) -> asyncio.subprocess.Process:
        target = None
        if self._log is not None:
            target = open(self._log, "ab")  # noqa: SIM115, ASYNC230 -- handed to the child and closed below
        try:
            return await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environ,
                stderr=target,
                stdout=target,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        finally:
            if target is not None:
                target.close()

    async def stop(self) -> None:
        """Ask it to end, and make it end when it does not."""
        self._stopping = True
        process = self.process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _end_with_parent() -> None:
    """In the child: ask Linux for SIGTERM when the supervisor dies. Elsewhere our services look for themselves."""
    if _PRCTL is not None:
        _PRCTL(PR_SET_PDEATHSIG, signal.SIGTERM)


def _prctl() -> Callable[..., int] | None:
    try:
        return ctypes.CDLL(None).prctl if sys.platform == "linux" else None
    except (OSError, AttributeError):
        return None


PR_SET_PDEATHSIG = 1
# Found before any fork: a child should not load libraries between fork and exec.
_PRCTL = _prctl()


def _warden() -> "subprocess.Popen[bytes] | None":
    """A process that outlives us by a moment, to end children that cannot follow; only where there is /proc."""
    if not Path("/proc/self/stat").exists():
        return None
    command = [sys.executable, "-I", "-S", str(WARDEN), str(STOP_S)]
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    except OSError:
        return None


def _cause(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _is_ours(pid: int, *marks: str) -> bool:
    """Whether this process still runs and its command line names our files, and is not another with the same number."""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return False
    return pid != os.getpid() and any(mark in line for mark in marks)


def _runs(pid: int, name: str) -> bool:
    """Whether this process is the service of this name; believed where there is no /proc to look."""
    return not Path("/proc/self/cmdline").exists() or _is_ours(pid, f"run\0{name}")


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rsplit(")", 1)[1].split()[1])
    except (OSError, IndexError):
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
        self._pids: StateFile[dict[str, int]] = StateFile(self._folder / "up.json", dict[str, int])
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
            ours = [pid for pid in left.values() if _is_ours(pid, *marks)]
            if not ours:
                return
            if supervisor is not None and supervisor in map(_parent, ours):
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


def restart(site: Site, service: str, environ: Mapping[str, str] = os.environ) -> int:
    """Ask one service of a running `busbar up` to restart without dropping what it granted. Returns the exit code."""
    file = state_dir_of(site, environ) / "up.json"
    try:
        pids = msgspec.json.decode(file.read_bytes(), type=dict[str, int])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        pids = {}
    # After a power cut the file names processes that are others now, and the end of the supervisor ends the house.
    ours = {name: pid for name, pid in pids.items() if name in SERVICES and _runs(pid, name)}
    if not ours:
        typer.echo("no `busbar up` runs for this site", err=True)
        return 1
    if service not in ours:
        typer.echo(f"{service!r} does not run; there are {', '.join(ours)}", err=True)
        return 1
    try:
        os.kill(pids[service], signal.SIGHUP)
    except ProcessLookupError:
        typer.echo(f"{service} (process {pids[service]}) is gone", err=True)
        return 1
    except PermissionError:
        typer.echo(f"{service} (process {pids[service]}) belongs to another account", err=True)
        return 1
    return 0
