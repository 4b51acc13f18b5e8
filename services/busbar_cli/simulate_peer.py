"""Another controller in the simulated house: it sees what Busbar sees, and its set-points hold until it changes them.

It is a program of any language that reads lines of JSON and answers each with one (docs/simulate.md). Simulated time
stands still until it has answered, so that a slow machine changes nothing.
"""

import queue
import shlex
import subprocess
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Protocol

import msgspec

from busbar_cli.simulate_minds import Said
from busbar_cli.simulate_view import View, site_line
from busbar_contracts.battery import BatterySetpoint
from busbar_contracts.charger import ChargerLimit
from busbar_contracts.load import HeatMode, HeatOrder, LoadMode, PlugSwitch
from busbar_contracts.meter import MeterReading
from busbar_shared.bus import Heard
from busbar_shared.config.root import Site
from busbar_shared.leases import OrderStamp

ANSWER_S = 30.0
LEASE_S = 7200.0
RENEW_S = 1800.0


class BadPeer(Exception):
    """The other controller cannot be started, did not answer, or answered what cannot be understood."""


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a charger may draw per leg, A; on how many phases where it can switch."""

    limit_a: float
    phases: int | None = None


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Between which powers a battery stays, W, charging positive; both null give it back to itself."""

    min_w: float | None = None
    max_w: float | None = None
    grid_charging: bool = False


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What another controller wants from now on; what it does not name stays as it is."""

    chargers: dict[str, float | Limit] = {}
    plugs: dict[str, bool] = {}
    heaters: dict[str, HeatMode] = {}
    batteries: dict[str, Window] = {}


class Talk(Protocol):
    """One line in, one line out."""

    def ask(self, line: bytes) -> bytes:
        """The answer to a line. Raises BadPeer."""

    def close(self) -> None:
        """No more lines will come."""


class Program:
    """A program of its own, asked over its standard input and output."""

    def __init__(self, command: str) -> None:
        """Start it; it is stopped by `close`."""
        if not command.strip():
            raise BadPeer("controller: '' is neither a name nor a program")
        try:
            self._process = subprocess.Popen(
                shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
        except (OSError, ValueError) as error:
            raise BadPeer(f"controller: {command!r} cannot be started: {error}") from error
        self._command = command
        self._lines: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def ask(self, line: bytes) -> bytes:
        """The next line it prints."""
        stdin = self._process.stdin
        try:
            if stdin is not None:
                stdin.write(line + b"\n")
            answer = self._lines.get(timeout=ANSWER_S)
        except queue.Empty as error:
            raise BadPeer(f"controller {self._command!r} did not answer within {ANSWER_S:g} s") from error
        except OSError as error:
            raise BadPeer(f"controller {self._command!r} has ended") from error
        if not answer:
            raise BadPeer(f"controller {self._command!r} has ended")
        return answer

    def close(self) -> None:
        """Let it end, and see to it that it does."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> None:
        stdout = self._process.stdout
        while stdout is not None:
            line = stdout.readline()
            self._lines.put(line)
            if not line:
                return


class Peer:
    """A controller that is not Busbar, in Busbar's place."""

    def __init__(self, site: Site, talk: Talk) -> None:
        """It is told the site first; what it answers to that is the first it wants."""
        self._site, self._talk = site, talk
        self._view = View(site)
        self._stamp = OrderStamp("allocator", "another")
        self._wanted = Answer()
        self._told: dict[tuple[str, str], tuple[Any, float]] = {}
        self._alive, self._new = True, False
        self._understand(talk.ask(msgspec.json.encode(site_line(site))))

    def hear(self, heard: Heard[Any], at: datetime, now_s: float) -> bool:
        """Keep what is seen; a reading of the grid meter is a reason to ask."""
        self._view.hear(heard, now_s)
        grid = isinstance(heard.message, MeterReading) and heard.ids.get("meter") == self._site.grid_meter()
        self._new = self._new or grid
        return grid

    def decide(self, at: datetime, now_s: float) -> Iterator[Said]:
        """Ask it when the grid meter has spoken; order what it wants. What it wanted last holds without it."""
        if self._new and self._alive:
            self._new = False
            self._understand(self._talk.ask(msgspec.json.encode(self._view.line(at, now_s))))
        for kind, name, wanted in self._all():
            known = self._told.get((kind, name))
            if known is None or known[0] != wanted or now_s - known[1] >= RENEW_S:
                self._told[kind, name] = (wanted, now_s)
                yield self._order(kind, name, wanted, at)

    def modes(self) -> dict[str, LoadMode]:
        """As configured: nobody changes them."""
        return {load: one.mode for load, one in self._view.plan.loads.items()}

    def die(self) -> None:
        """It is asked no more."""
        self._alive = False

    def rise(self, now_s: float) -> None:
        """It is asked again."""
        self._alive = True

    def close(self) -> None:
        """Let it go."""
        self._talk.close()

    def _understand(self, line: bytes) -> None:
        try:
            answer = msgspec.json.decode(line, type=Answer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            shown = line[:120].decode("utf-8", "replace").strip()
            raise BadPeer(f"controller: {shown!r} is no answer: {error}") from error
        known = self._view.names()
        for kind, names in known.items():
            for name in getattr(answer, kind):
                if name not in names:
                    raise BadPeer(f"controller: {kind}.{name}: the site has none of this id")
        self._wanted = Answer(*({**getattr(self._wanted, kind), **getattr(answer, kind)} for kind in known))

    def _all(self) -> Iterator[tuple[str, str, Any]]:
        for kind in self._view.names():
            for name, wanted in getattr(self._wanted, kind).items():
                yield kind, name, wanted

    def _order(self, kind: str, name: str, wanted: Any, at: datetime) -> Said:
        lease: dict[str, Any] = {**self._stamp.next(at), "lease_s": LEASE_S, "reason": "another controller"}
        if kind == "chargers":
            charger, _, connector = name.rpartition("-")
            limit = wanted if isinstance(wanted, Limit) else Limit(wanted)
            amps = max(0.0, limit.limit_a)
            message = ChargerLimit(**lease, limit_a=amps, number_of_phases=limit.phases)
            return message, {"charger": charger, "connector": connector}
        if kind == "plugs":
            return PlugSwitch(**lease, on=wanted), {"plug": name}
        if kind == "heaters":
            return HeatOrder(**lease, mode=wanted), {"heater": name}
        window = BatterySetpoint(
            **lease, min_w=wanted.min_w, max_w=wanted.max_w, grid_charging=wanted.grid_charging
        )
        return window, {"battery": name}
