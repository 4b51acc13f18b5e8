"""Lets one thing go wrong in a running house at full power, and measures the true currents until it is well again."""

import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pymodbus.client import AsyncModbusTcpClient

from busbar_cli.child import Child
from busbar_shared.stopping import still_wanted
from houses import DARK_HOUSE, House, quick_site
from kills import BREAKER_A, EVERYONE, HA, TOLERANCE_A, Fault
from whole_house import NIGHT, OTHER, WholeHouse, lined, whole_house

# A meter that is silent on purpose would fill the log.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

ANSWERED_S = 1.0
FULL_A, FALLBACK_A = 15.0, 6.5
BACKGROUND_W = 2000.0
"""The house on each phase: 8.7 A, which with the car's 16 A leave 0.3 A of the breaker's 25 A."""
BACK_S = 90.0
SWITCHED = {"pump": (2.5, 0.5), "water": (6.0, 0.5)}
"""Loads that are on or off: above the first figure they are on, below the second off."""


@dataclass(frozen=True)
class Row:
    """What was measured."""

    fault: Fault
    safe_s: float | None
    rest_a: tuple[float, float, float] | None
    back_s: float
    highest_a: tuple[float, float, float]
    verdict: str


class Judge:
    """The true current of each phase, read from the registers of the simulated meter, or from the plant's own word."""

    def __init__(self, house: House, load: str) -> None:
        self._house, self._load = house, load
        assert house.scene.site.simulator is not None
        place = house.scene.site.meters["grid"].modbus
        assert place is not None
        self._port, self._unit = house.scene.site.simulator.modbus_port, place.unit
        self.highest_a = [0.0, 0.0, 0.0]
        self.latest_a = (0.0, 0.0, 0.0)
        self.at_s = 0.0

    async def watch(self) -> None:
        """Look five times a second until cancelled."""
        client = AsyncModbusTcpClient("127.0.0.1", port=self._port, timeout=0.5, retries=0)
        try:
            while True:
                try:
                    self._take(await self._registers(client))
                except Exception:
                    # A meter that is silent on purpose: the plant's word, while the broker carries it.
                    self._from_truth()
                still_wanted()
                await asyncio.sleep(0.2)
        finally:
            client.close()

    async def _registers(self, client: AsyncModbusTcpClient) -> tuple[float, ...]:
        if not client.connected:
            await client.connect()
        # SunSpec: the meter's model begins at 40070; AphA, AphB, AphC at 3 to 5 and A_SF at 6 (model 203).
        answer = await client.read_holding_registers(40070, count=7, device_id=self._unit)
        signed = [value - 0x10000 if value & 0x8000 else value for value in answer.registers]
        assert signed[0] in (201, 202, 203, 204), f"not a meter: model {signed[0]}"
        return tuple(value * 10.0 ** signed[6] for value in signed[3:6])

    def _from_truth(self) -> None:
        truth = self._house.scene.truth
        if truth is not None:
            self._take(tuple(getattr(truth, name).current_a for name in "abc"))

    def _take(self, amps: tuple[float, ...]) -> None:
        self.latest_a, self.at_s = (amps[0], amps[1], amps[2]), time.monotonic()
        self.highest_a = [max(old, new) for old, new in zip(self.highest_a, amps, strict=True)]

    @property
    def full(self) -> bool:
        """Whether the load has all it can use."""
        return self._drawn_a() > SWITCHED.get(self._load, (FULL_A, 0))[0]

    @property
    def safe(self) -> bool:
        """Whether the load is at its safe value."""
        return self._drawn_a() < SWITCHED.get(self._load, (0, FALLBACK_A))[1]

    def _drawn_a(self) -> float:
        # Where only the car is managed its current is what is not the house: seen also while no broker carries a word.
        if self._load in SWITCHED or self._house.scene.site.batteries:
            return self._house.amps(self._load)
        return max(self.latest_a) - BACKGROUND_W / 230.0


@asynccontextmanager
async def house_of(kind: str, folder: Path) -> AsyncIterator[WholeHouse]:
    """The house in which such rows are measured: `car` is small and dark, `whole` has every service."""
    if kind == "car":
        async with lined(quick_site(more=DARK_HOUSE), folder) as small, _home_assistant(small, folder):
            yield small
        return
    made = whole_house(folder, mode="standard", pump="continuous", heat="boost", sky=NIGHT, start="00:30")
    async with made as large:
        yield large


@asynccontextmanager
async def _home_assistant(whole: WholeHouse, folder: Path) -> AsyncIterator[None]:
    script = Path(__file__).with_name("home_assistant_stand_in.py")
    command = [sys.executable, str(script), str(whole.lines[OTHER].port), "left-1"]
    child = Child(
        HA, command, {**os.environ, "PYTHONPATH": ":".join(sys.path)}, folder / "home-assistant.log"
    )
    whole.house.supervisor.children[HA] = child
    living = asyncio.create_task(child.live(lambda: None))
    try:
        yield
    finally:
        del whole.house.supervisor.children[HA]
        await child.stop()
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)


async def measure(kind: str, faults: Sequence[Fault], folder: Path, told: Callable[[Row], None]) -> list[Row]:
    """Let each fault happen once in one house, with the load back at full power before the next."""
    rows = []
    async with house_of(kind, folder) as whole:
        await _wish(whole, {"extra_w": [BACKGROUND_W] * 3})
        for fault in faults:
            try:
                row = await _one(whole, fault)
            except AssertionError as error:
                # A row that fails is a row of the table too, and the others are worth knowing.
                _end(whole, fault)
                row = Row(fault, None, None, BACK_S, (0.0, 0.0, 0.0), f"FAILED: {str(error)[:300]}")
            told(row)
            rows.append(row)
    return rows


async def _one(whole: WholeHouse, fault: Fault) -> Row:
    house, judge = whole.house, Judge(whole.house, fault.load)
    watching = asyncio.create_task(judge.watch())
    try:
        await house.until(lambda: house.amps() > FULL_A, BACK_S, f"the car charges before {fault.what}")
        await house.until(lambda: judge.full, BACK_S, f"{fault.load} is at full power before {fault.what}")
        judge.highest_a = [0.0, 0.0, 0.0]
        began = time.monotonic()
        await _begin(whole, fault)
        safe_s = await _safe_after(house, judge, fault, began)
        await asyncio.sleep(max(0.0, began + fault.within_s + 2 - time.monotonic()) if fault.lasts else 0.0)
        rest_a = judge.latest_a if safe_s is not None and fault.lasts else None
        ended = time.monotonic()
        _end(whole, fault)
        await house.until(lambda: judge.full, BACK_S, f"full power after {fault.what} {fault.how}")
        back_s = time.monotonic() - ended
        await house.until(lambda: house.bus.connected.is_set(), BACK_S, "the test's own bus is back")
        heard = house.scene.truth
        await house.until(lambda: house.scene.truth is not heard, BACK_S, "the plant is heard again")
        a, b, c = judge.highest_a
        return Row(fault, safe_s, rest_a, back_s, (a, b, c), house.truth.verdict)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _begin(whole: WholeHouse, fault: Fault) -> None:
    if fault.wish:
        await _wish(whole, {**fault.wish, **({"for_s": fault.within_s + 2} if fault.lasts else {})})
    for name in fault.parts:
        if fault.kind == "frozen":
            whole.house.kill(name, signal.SIGSTOP)
        elif fault.kind == "dead":
            await whole.house.stop(name)
        else:
            whole.house.kill(name)
    for name in fault.cuts:
        for line in whole.lines if name == EVERYONE else (name,):
            if name != EVERYONE or line not in ("modbus", "chargers"):
                whole.lines[line].cut()


async def _safe_after(house: House, judge: Judge, fault: Fault, began: float) -> float | None:
    """When the load was at its safe value; None where it may go on and did."""
    while time.monotonic() - began < fault.within_s + ANSWERED_S:
        # Only what was measured after the fault began.
        if judge.at_s > began and judge.safe:
            return time.monotonic() - began
        await asyncio.sleep(0.05)
    assert not fault.falls, (
        f"{fault.what} {fault.how}: not safe within {fault.within_s:g} s; {house.describe()}"
    )
    return None


def _end(whole: WholeHouse, fault: Fault) -> None:
    for name in fault.parts:
        if fault.kind == "frozen":
            whole.house.kill(name, signal.SIGCONT)
        elif fault.kind == "dead":
            whole.house.restart(name)
    for line in whole.lines.values():
        line.mend()


async def _wish(whole: WholeHouse, wish: dict[str, object]) -> None:
    site = whole.house.scene.site.site.id
    await whole.house.bus.say_raw(f"busbar-simulator/{site}/wish", json.dumps(wish), qos=1)


def judged(row: Row) -> None:
    """What must be so of every row of the matrix."""
    name = f"{row.fault.what} {row.fault.how}"
    assert row.verdict == "ok", f"{name}: a phase was overloaded by the loads"
    limit_a = BREAKER_A[row.fault.house]
    assert max(row.highest_a) <= limit_a + TOLERANCE_A, f"{name}: {row.highest_a} A behind {limit_a:g} A"
    if row.fault.falls:
        assert row.safe_s is not None, name
        assert row.safe_s <= row.fault.within_s, f"{name}: {row.safe_s:.1f} s of {row.fault.within_s:g} s"
