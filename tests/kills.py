"""What happens at full power when a part dies, freezes or comes back: measured on the plant's true currents."""

import asyncio
import json
import logging
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pymodbus.client import AsyncModbusTcpClient

from houses import DARK_HOUSE, LEASE_S, LOST_S, VALIDITY_S, House, charging, quick_site, running

# A meter that is silent on purpose would fill the log.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

DEAD_S = 5.5
"""From the order to what is seen: the answer 0.5 s, the dead time 2 s, the ramp 2 s, the truth each second."""
ANSWERED_S = 1.0
FULL_A, FALLBACK_A = 15.0, 6.5
BACKGROUND_W = 2000.0
"""The house on each phase: 8.7 A, which with the car's 16 A leave 0.3 A of the breaker's 25 A."""
BREAKER_A = 25.0
TOLERANCE_A = 0.2
"""Resolution of meter and charger, as in the plant's own ledger."""
BACK_S = 60.0

METER_S = LOST_S + 1 + DEAD_S
LEASE_ENDS_S = LEASE_S + 1 + DEAD_S
CHARGER_S = VALIDITY_S + 10


@dataclass(frozen=True)
class Fault:
    """One way in which something goes wrong, and within what time the car must be at its fallback."""

    what: str
    how: str
    within_s: float
    parts: tuple[str, ...] = ()
    wish: dict[str, object] = field(default_factory=dict)
    falls: bool = True
    """False: it may go on, because the part is back before its leases end."""


@dataclass(frozen=True)
class Row:
    """What was measured."""

    fault: Fault
    safe_s: float | None
    back_s: float
    highest_a: tuple[float, float, float]
    verdict: str


def _killed(what: str, within_s: float, *parts: str) -> Fault:
    return Fault(what, "killed (-9), stays dead", within_s, parts or (what,))


def _frozen(what: str, within_s: float, *parts: str) -> Fault:
    return Fault(what, "frozen (SIGSTOP), goes on later", within_s, parts or (what,))


def _restarted(what: str, within_s: float) -> Fault:
    return Fault(what, "killed (-9), the supervisor restarts it", within_s, (what,), falls=False)


MATRIX: tuple[Fault, ...] = (
    _killed("meter", METER_S),
    _frozen("meter", METER_S),
    _restarted("meter", METER_S),
    Fault("grid meter (the device)", "answers nothing", METER_S, wish={"silent": True}),
    _killed("allocator", LEASE_ENDS_S),
    _frozen("allocator", LEASE_ENDS_S),
    _restarted("allocator", LEASE_ENDS_S),
    _killed("broker", LEASE_ENDS_S),
    _frozen("broker", LEASE_ENDS_S),
    _restarted("broker", LEASE_ENDS_S),
    _killed("ocpp", CHARGER_S),
    _frozen("ocpp", CHARGER_S),
    _restarted("ocpp", CHARGER_S),
    Fault("charger (the device)", "loses its link", CHARGER_S, wish={"offline": ["left"]}),
    Fault(
        "charger (the device)",
        "loses its power for a moment",
        CHARGER_S,
        wish={"reboot": ["left"]},
        falls=False,
    ),
    _killed("meter and allocator", LEASE_ENDS_S, "meter", "allocator"),
    _killed("allocator and broker", LEASE_ENDS_S, "allocator", "broker"),
    _killed("ocpp and allocator", CHARGER_S, "ocpp", "allocator"),
    _frozen("ocpp and broker", CHARGER_S, "ocpp", "broker"),
)
"""Everything that is tried. Home Assistant is not in it: nothing listens to it for safety."""

SHORT: tuple[Fault, ...] = (
    _frozen("allocator", LEASE_ENDS_S),
    _frozen("meter", METER_S),
    _frozen("broker", LEASE_ENDS_S),
)
"""What every change is measured against; the others are killed in tests/system/test_house.py or by `make soak`."""


class Judge:
    """The true current of each phase, read from the registers of the simulated meter, or from the plant's own word."""

    def __init__(self, house: House) -> None:
        self._house = house
        place = house.scene.site.meters["grid"].modbus
        assert place is not None
        self._port, self._unit = place.port, place.unit
        self.highest_a = [0.0, 0.0, 0.0]
        self.over_since: float | None = None
        self.longest_over_s = 0.0
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
                    await self._from_truth()
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

    async def _from_truth(self) -> None:
        truth = self._house.scene.truth
        if truth is not None:
            self._take(tuple(getattr(truth, name).current_a for name in "abc"))

    def _take(self, amps: tuple[float, ...]) -> None:
        now_s = time.monotonic()
        self.latest_a, self.at_s = (amps[0], amps[1], amps[2]), now_s
        self.highest_a = [max(old, new) for old, new in zip(self.highest_a, amps, strict=True)]
        if max(amps) > BREAKER_A + TOLERANCE_A:
            self.over_since = self.over_since or now_s
            self.longest_over_s = max(self.longest_over_s, now_s - self.over_since)
        else:
            self.over_since = None

    @property
    def car_a(self) -> float:
        """What the car draws: what is not the house."""
        return max(self.latest_a) - BACKGROUND_W / 230.0


async def measure(faults: Sequence[Fault], folder: Path, told: Callable[[Row], None]) -> list[Row]:
    """Let each fault happen once in one house, with the car back at full power before the next."""
    rows = []
    async with running(quick_site(more=DARK_HOUSE), folder) as house:
        await _wish(house, {"extra_w": [BACKGROUND_W] * 3})
        for fault in faults:
            row = await _one(house, fault)
            told(row)
            rows.append(row)
    return rows


async def _one(house: House, fault: Fault) -> Row:
    await charging(house, seconds=BACK_S)
    judge = Judge(house)
    watching = asyncio.create_task(judge.watch())
    try:
        await house.until(lambda: judge.car_a > FULL_A, 10, "the meter shows the car at full power")
        began = time.monotonic()
        lasting_s = fault.within_s + 2
        await _begin(house, fault, lasting_s)
        safe_s = await _safe_after(house, judge, fault, began)
        if fault.wish:
            await asyncio.sleep(max(0.0, began + lasting_s - time.monotonic()) if fault.falls else 0.0)
        ended = time.monotonic()
        _end(house, fault)
        await house.until(
            lambda: judge.car_a > FULL_A, BACK_S, f"back at full power after {fault.what} {fault.how}"
        )
        back_s = time.monotonic() - ended
        await house.until(lambda: house.bus.connected.is_set(), BACK_S, "the test's own bus is back")
        heard = house.scene.truth
        await house.until(lambda: house.scene.truth is not heard, BACK_S, "the plant is heard again")
        a, b, c = judge.highest_a
        return Row(fault, safe_s, back_s, (a, b, c), house.truth.verdict)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _begin(house: House, fault: Fault, lasting_s: float) -> None:
    if fault.wish:
        await _wish(house, {**fault.wish, **({"for_s": lasting_s} if fault.falls else {})})
    # A broker is the last to go, or the others would not be at full power.
    for name in fault.parts:
        if "SIGSTOP" in fault.how:
            house.kill(name, signal.SIGSTOP)
        elif fault.falls:
            await house.stop(name)
        else:
            house.kill(name)


async def _safe_after(house: House, judge: Judge, fault: Fault, began: float) -> float | None:
    """When the car was at its fallback; None where it may go on and did."""
    while time.monotonic() - began < fault.within_s + ANSWERED_S:
        # Only what was measured after the fault began.
        if judge.at_s > began and judge.car_a < FALLBACK_A:
            return time.monotonic() - began
        await asyncio.sleep(0.05)
    assert not fault.falls, (
        f"{fault.what} {fault.how}: not at its fallback within {fault.within_s:g} s; {house.describe()}"
    )
    return None


def _end(house: House, fault: Fault) -> None:
    for name in fault.parts:
        if "SIGSTOP" in fault.how:
            house.kill(name, signal.SIGCONT)
        elif fault.falls:
            house.restart(name)


async def _wish(house: House, wish: dict[str, object]) -> None:
    await house.bus.say_raw("busbar-simulator/test/wish", json.dumps(wish), qos=1)


def as_table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        "| What | How | Promised within | At its fallback after | Full power again after | Highest true current a, b, c "
        "| Ledger |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        safe = "kept its current" if row.safe_s is None else f"{row.safe_s:.1f} s"
        highest = ", ".join(f"{amps:.1f}" for amps in row.highest_a)
        lines.append(
            f"| {row.fault.what} | {row.fault.how} | {row.fault.within_s:g} s | {safe} | {row.back_s:.1f} s "
            f"| {highest} A | {row.verdict} |"
        )
    return "\n".join(lines)
