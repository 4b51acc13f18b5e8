"""A charge point on the `ocpp` package's own ChargePoint class: it routes, checks and answers by itself.

    python mobility.py ws://host:port/CP-1 1.6|2.0.1|2.1

Lines in and out as `life.cjs`. Its profiles are reckoned by the model of the service's tests.
"""

import asyncio
import importlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "services" / "ocpp"))

from ocpp.routing import on
from ocpp_charger_model import UNLIMITED, ModelCharger
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

CAR_A = 16.0
PARTS = {"1.6": "ocpp.v16", "2.0.1": "ocpp.v201", "2.1": "ocpp.v21"}


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def on_the_wire(value: Any) -> Any:
    """The package hands over snake_case; profiles are reckoned as they were on the wire."""
    if isinstance(value, dict):
        return {camel(key): on_the_wire(one) for key, one in value.items()}
    return [on_the_wire(one) for one in value] if isinstance(value, list) else value


class Car:
    """What outlives a connection."""

    def __init__(self, version: str) -> None:
        self.model = ModelCharger(version=version)
        self.transaction: str | None = None
        self.energy_wh = 1000.0
        self.seq = 0

    @property
    def limit_a(self) -> float:
        return self.model.limit_a(1, datetime.now(UTC))

    @property
    def draw_a(self) -> float:
        return min(self.limit_a, CAR_A) if self.transaction is not None and self.limit_a >= 6 else 0.0

    def begin(self, transaction: str) -> None:
        self.transaction = transaction
        self.model.transactions[1] = (transaction, datetime.now(UTC))

    def end(self) -> None:
        self.transaction = None
        self.model.end_transaction(1)


def now() -> str:
    return datetime.now(UTC).isoformat()


class Common:
    """What a charge point says and answers alike in each version; `part` is the package's module of one."""

    part: Any
    car: Car
    call: Any  # the package's own

    @on("SetChargingProfile")
    def set_profile(self, **given: Any) -> Any:
        wire = on_the_wire(given.get("cs_charging_profiles") or given.get("charging_profile"))
        place = given.get("connector_id", given.get("evse_id"))
        status = self.car.model.install(place, wire, datetime.now(UTC))
        return self.part.call_result.SetChargingProfile(status=status)

    @on("ClearChargingProfile")
    def clear_profile(self, **given: Any) -> Any:
        asked = given.get("charging_profile_criteria") or given
        status = self.car.model.clear(
            purpose=asked.get("charging_profile_purpose"), level=asked.get("stack_level")
        )
        return self.part.call_result.ClearChargingProfile(status=status)

    async def ask(self, name: str, **given: Any) -> Any:
        return await self.call(getattr(self.part.call, name)(**given), suppress=False)

    def begin_later(self, tag: str, profile: Any) -> None:
        """Begin once the answer to the start is out."""
        self.task = asyncio.create_task(self._begin(tag, on_the_wire(profile)))

    async def _begin(self, tag: str, profile: Any) -> None:
        await asyncio.sleep(0.1)
        await self.started(tag)
        if profile is not None:
            self.car.model.install(1, profile, datetime.now(UTC))

    async def arrive(self) -> None:
        await self.boot()
        await self.status("Preparing")
        await asyncio.sleep(6)
        await self.status("Preparing")

    async def sample(self) -> None:
        if self.car.transaction is not None:
            await self.measured()

    async def stop(self) -> None:
        if self.car.transaction is not None:
            await self.stopped()
            self.car.end()

    def values(self) -> list[dict[str, Any]]:
        draw_a = self.car.draw_a
        sampled = [self.value("Current.Import", draw_a, "A") | {"phase": leg} for leg in ("L1", "L2", "L3")]
        sampled.append(self.value("Power.Active.Import", draw_a * 690, "W"))
        sampled.append(self.value("Energy.Active.Import.Register", self.car.energy_wh, "Wh"))
        return [{"timestamp": now(), "sampled_value": sampled}]

    async def boot(self) -> None:
        raise NotImplementedError

    async def status(self, word: str) -> None:
        raise NotImplementedError

    async def started(self, tag: str) -> None:
        raise NotImplementedError

    async def measured(self) -> None:
        raise NotImplementedError

    async def stopped(self) -> None:
        raise NotImplementedError

    def value(self, measurand: str, value: float, unit: str) -> dict[str, Any]:
        raise NotImplementedError


class Speaks16(Common):
    """OCPP 1.6."""

    @on("RemoteStartTransaction")
    def remote_start(self, **given: Any) -> Any:
        self.begin_later(given["id_tag"], given.get("charging_profile"))
        return self.part.call_result.RemoteStartTransaction(status="Accepted")

    @on("GetConfiguration")
    def settings(self, **given: Any) -> Any:
        return self.part.call_result.GetConfiguration(unknown_key=given.get("key", []))

    async def boot(self) -> None:
        await self.ask("BootNotification", charge_point_vendor="mobility", charge_point_model="Peer")

    async def status(self, word: str) -> None:
        await self.ask(
            "StatusNotification", connector_id=1, error_code="NoError", status=word, timestamp=now()
        )

    async def started(self, tag: str) -> None:
        meter_start = int(self.car.energy_wh)
        answer = await self.ask(
            "StartTransaction", connector_id=1, id_tag=tag, meter_start=meter_start, timestamp=now()
        )
        self.car.begin(str(answer.transaction_id))
        await self.status("Charging")

    async def measured(self) -> None:
        transaction = int(self.car.transaction or 0)
        await self.ask("MeterValues", connector_id=1, meter_value=self.values(), transaction_id=transaction)

    async def stopped(self) -> None:
        transaction, meter_stop = int(self.car.transaction or 0), int(self.car.energy_wh)
        await self.ask("StopTransaction", transaction_id=transaction, meter_stop=meter_stop, timestamp=now())

    def value(self, measurand: str, value: float, unit: str) -> dict[str, Any]:
        return {"measurand": measurand, "value": str(round(value, 1)), "unit": unit}


class Speaks2(Common):
    """OCPP 2.0.1 and 2.1."""

    @on("RequestStartTransaction")
    def remote_start(self, **given: Any) -> Any:
        self.begin_later(given["id_token"]["id_token"], given.get("charging_profile"))
        return self.part.call_result.RequestStartTransaction(status="Accepted")

    @on("GetVariables")
    def settings(self, **given: Any) -> Any:
        unknown = [{**one, "attribute_status": "UnknownVariable"} for one in given["get_variable_data"]]
        return self.part.call_result.GetVariables(get_variable_result=unknown)

    async def boot(self) -> None:
        station = {"vendor_name": "mobility", "model": "Peer"}
        await self.ask("BootNotification", charging_station=station, reason="PowerUp")

    async def status(self, word: str) -> None:
        await self.ask(
            "StatusNotification", timestamp=now(), connector_status="Occupied", evse_id=1, connector_id=1
        )

    async def started(self, tag: str) -> None:
        self.car.begin("stranger-1")
        await self.event("Started", id_token={"id_token": tag, "type": "Central"})

    async def measured(self) -> None:
        await self.event("Updated")

    async def stopped(self) -> None:
        await self.event("Ended", "EVConnected")

    async def event(self, kind: str, state: str = "Charging", **more: Any) -> None:
        self.car.seq += 1
        info = {"transaction_id": self.car.transaction, "charging_state": state}
        await self.ask(
            "TransactionEvent", event_type=kind, timestamp=now(), trigger_reason="RemoteStart", seq_no=self.car.seq,
            transaction_info=info, evse={"id": 1, "connector_id": 1}, meter_value=self.values(), **more,
        )  # fmt: skip

    def value(self, measurand: str, value: float, unit: str) -> dict[str, Any]:
        return {"measurand": measurand, "value": round(value, 1), "unit_of_measure": {"unit": unit}}


def peer(version: str, car: Car) -> Any:
    """A charge point class of this version, of the package's own and what is said here."""
    part = importlib.import_module(PARTS[version])
    speech = Speaks16 if version == "1.6" else Speaks2
    return type("Peer", (speech, part.ChargePoint), {"part": part, "car": car})


async def show(car: Car) -> None:
    told: dict[str, Any] = {}
    while True:
        await asyncio.sleep(0.25)
        car.energy_wh += car.draw_a * 690 * 0.25 / 3600
        limit = 1000.0 if car.limit_a >= UNLIMITED else car.limit_a
        state = {"limit": limit, "draw": car.draw_a, "transaction": car.transaction}
        if state != told:
            say(**state)
        told = state


async def listen(current: list[Any]) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while word := (await reader.readline()).decode().strip():
        if word == "quit":
            sys.exit(0)
        await current[0].stop()


async def sampling(point: Any) -> None:
    while True:
        await asyncio.sleep(2)
        await point.sample()


async def main(url: str, version: str) -> None:
    car, arrived, current = Car(version), False, [None]
    life = [asyncio.create_task(show(car)), asyncio.create_task(listen(current))]
    while life:
        try:
            async with connect(
                url, subprotocols=[Subprotocol(f"ocpp{version}")], proxy=None, ping_interval=3, ping_timeout=3
            ) as wire:
                point = peer(version, car)(url.rpartition("/")[2], wire, response_timeout=5)
                current[0] = point
                hearing = asyncio.create_task(point.start())
                samples = asyncio.create_task(sampling(point))
                try:
                    if not arrived:
                        await point.arrive()
                        arrived = True
                    await asyncio.wait({hearing, samples}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    hearing.cancel()
                    samples.cancel()
        except (OSError, WebSocketException, TimeoutError) as lost:
            say(lost=str(lost))
        await asyncio.sleep(1)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
