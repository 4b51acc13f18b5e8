"""How long from the word of the meter to the limit on the bus, and to the profile at the charger.

Real broker, real allocator and OCPP service as processes; the meter and the charge point are played here.
The house load rises a little with each reading at a full line, so every reading must cut the car.
"""

import asyncio
import contextlib
import json
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect as ws_connect
from websockets.typing import Subprotocol

from busbar_cli.broker import free_port
from busbar_cli.up import Supervisor
from busbar_contracts.charger import ChargerLimit, ChargerState
from busbar_contracts.meter import MeterReading, PhaseSample
from busbar_shared.bus import MqttBus
from busbar_shared.config.load import read
from busbar_shared.life import connect

SITE = """
[site]
id = "bench"
[broker]
host = "embedded"
port = {mqtt}
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15
[meters.grid]
driver = "mqtt"
mqtt = {{ topic = "bench/unused" }}
assumed_unbalance_a = 0
[ocpp]
port = {ocpp}
security = 0
[chargers.left]
charge_point = "CP"
fallback_a = 6
"""
STEP_A = 0.2
CYCLES = 4


class Car:
    """A charge point that accepts everything, and the car on it, which obeys at once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.limit_a = 0.0
        self.told: list[tuple[float, float]] = []
        """When each profile came, and its first limit."""
        self._calls = 0
        self._ws: Any = None

    async def live(self) -> None:
        """Boot, plug in, charge, and measure each second."""
        async with ws_connect(
            f"ws://127.0.0.1:{self._port}/CP", subprotocols=[Subprotocol("ocpp1.6")], proxy=None
        ) as self._ws:
            hearing = asyncio.create_task(self._hear())
            try:
                await self._say("BootNotification", chargePointVendor="Bench", chargePointModel="One")
                await self._status("Preparing")
                await self._say(
                    "StartTransaction", connectorId=1, idTag="OWNER", meterStart=0, timestamp=now()
                )
                await self._status("Charging")
                while True:
                    await self._measure()
                    await asyncio.sleep(1.0)
            finally:
                hearing.cancel()
                await asyncio.gather(hearing, return_exceptions=True)

    async def _status(self, status: str) -> None:
        await self._say(
            "StatusNotification", connectorId=1, errorCode="NoError", status=status, timestamp=now()
        )

    async def _measure(self) -> None:
        phases = [
            {"value": f"{self.limit_a:.1f}", "measurand": "Current.Import", "phase": f"L{leg}", "unit": "A"}
            for leg in (1, 2, 3)
        ]
        values = [{"timestamp": now(), "sampledValue": phases}]
        await self._say("MeterValues", connectorId=1, transactionId=self.transaction, meterValue=values)

    transaction = 1

    async def _say(self, action: str, **payload: Any) -> None:
        self._calls += 1
        await self._ws.send(json.dumps([2, str(self._calls), action, payload]))

    async def _hear(self) -> None:
        async for text in self._ws:
            frame = json.loads(text)
            if frame[0] == 3 and "transactionId" in frame[2]:
                self.transaction = frame[2]["transactionId"]
            if frame[0] != 2:
                continue
            if frame[2] == "SetChargingProfile":
                self._take(frame[3]["csChargingProfiles"])
            answer = {"configurationKey": []} if frame[2] == "GetConfiguration" else {"status": "Accepted"}
            await self._ws.send(json.dumps([3, frame[1], answer]))

    def _take(self, profile: dict[str, Any]) -> None:
        if profile["chargingProfilePurpose"] == "TxProfile":
            limit_a = profile["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"]
            self.told.append((time.perf_counter(), limit_a))
            self.limit_a = limit_a


def now() -> str:
    """This moment as OCPP writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def reading(background_a: float, car_a: float, ago_s: float = 0.0) -> MeterReading:
    """What the grid meter shows."""
    amps = background_a + car_a
    phase = PhaseSample(current_a=amps, power_w=amps * 230, voltage_v=230.0)
    return MeterReading(
        at=datetime.now(UTC) - timedelta(seconds=ago_s), power_w=amps * 690, a=phase, b=phase, c=phase
    )


async def measure(broker: str = "auto") -> dict[str, Any]:
    """Milliseconds from the reading to the limit message, and to the profile: median, 99 %, count."""
    with tempfile.TemporaryDirectory(prefix="busbar-bench-") as name:
        folder = Path(name)
        text = SITE.format(mqtt=free_port(), ocpp=free_port())
        (folder / "busbar.toml").write_text(text, encoding="utf-8")
        site = read(text)
        environ = {"BUSBAR_STATE_DIR": str(folder / "state")}
        supervisor = Supervisor(
            site,
            folder / "busbar.toml",
            only=["ocpp", "allocator"],
            broker=broker,
            logs=folder,
            environ=environ,
        )
        assert site.ocpp is not None
        car = Car(site.ocpp.port)
        await supervisor.start()
        try:
            async with connect(site, "bench", {**os.environ, **environ}) as bus:
                return {
                    "broker": supervisor.broker.kind if supervisor.broker else "",
                    **await _cycles(bus, car),
                }
        finally:
            await supervisor.stop()


async def _cycles(bus: MqttBus, car: Car) -> dict[str, Any]:
    limits: list[tuple[float, float]] = []

    async def hear() -> None:
        async for heard in bus.listen(ChargerLimit, ChargerState):
            if isinstance(heard.message, ChargerLimit):
                limits.append((time.perf_counter(), heard.message.limit_a))

    hearing = asyncio.create_task(hear())
    await asyncio.sleep(3)
    driving = asyncio.create_task(car.live())
    to_limit: list[float] = []
    to_profile: list[float] = []
    try:
        for _ in range(CYCLES):
            await _charge_fully(bus, car)
            await _squeeze(bus, car, limits, to_limit, to_profile)
    finally:
        for task in (hearing, driving):
            task.cancel()
    return {"reading_to_limit_ms": summary(to_limit), "reading_to_profile_ms": summary(to_profile)}


async def _charge_fully(bus: MqttBus, car: Car) -> None:
    for _ in range(90):
        await bus.say(reading(8.5, car.limit_a), meter="grid")
        if car.limit_a >= 15.9:
            return
        await asyncio.sleep(1.0)
    raise AssertionError(f"the car was never granted all it can take, but {car.limit_a:g} A")


async def _squeeze(
    bus: MqttBus, car: Car, limits: list[tuple[float, float]], to_limit: list[float], to_profile: list[float]
) -> None:
    """Raise the house a little with each reading, and time the answers."""
    background = 9.2
    while background < 18.0:
        background += STEP_A
        heard, told = len(limits), len(car.told)
        began = time.perf_counter()
        await bus.say(reading(background, car.limit_a), meter="grid")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while len(car.told) == told:
                    await asyncio.sleep(0.0005)
        if len(limits) > heard:
            to_limit.append((limits[heard][0] - began) * 1000)
        if len(car.told) > told:
            to_profile.append((car.told[told][0] - began) * 1000)
        await asyncio.sleep(0.2)


def summary(values: list[float]) -> dict[str, float]:
    """Median and 99 % in milliseconds."""
    if len(values) < 2:
        return {"count": float(len(values))}
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"median": round(cuts[49], 2), "p99": round(cuts[98], 2), "count": float(len(values))}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure()), indent=1))
