"""One process of a site: started, started again whenever it dies, and ended with whoever started it."""

import asyncio
import contextlib
import ctypes
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import typer

from busbar_shared.life import EXIT_CONFIG, EXIT_OTHER_INSTANCE

FIRST_RETRY_S = 0.3
LAST_RETRY_S = 10.0
STEADY_S = 30.0
"""After running this long a service that dies is restarted at once again."""
STOP_S = 12.0
"""So long may it take to leave its devices safe, once it is asked to end; then it is killed."""


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


def _cause(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        # Of the real-time signals Python names only the first and the last.
        return f"signal {-code}"


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
