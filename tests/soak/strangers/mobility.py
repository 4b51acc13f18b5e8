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


def peer(version: str, car: Car) -> Any:
    """A charge point class of this version."""
    part = importlib.import_module(PARTS[version])
    call, result, is_16 = part.call, part.call_result, version == "1.6"

    class Peer(part.ChargePoint):  # type: ignore[name-defined,misc]
        @on("SetChargingProfile")
        def set_profile(self, **given: Any) -> Any:
            wire = on_the_wire(given.get("cs_charging_profiles") or given.get("charging_profile"))
            place = given.get("connector_id", given.get("evse_id"))
            return result.SetChargingProfile(status=car.model.install(place, wire, datetime.now(UTC)))

        @on("ClearChargingProfile")
        def clear_profile(self, **given: Any) -> Any:
            asked = given.get("charging_profile_criteria") or given
            status = car.model.clear(
                purpose=asked.get("charging_profile_purpose"), level=asked.get("stack_level")
            )
            return result.ClearChargingProfile(status=status)

        @on("RemoteStartTransaction" if is_16 else "RequestStartTransaction")
        def remote_start(self, **given: Any) -> Any:
            tag = given.get("id_tag") or given["id_token"]["id_token"]
            self.later(self.begin(tag, on_the_wire(given.get("charging_profile"))))
            kind = result.RemoteStartTransaction if is_16 else result.RequestStartTransaction
            return kind(status="Accepted")

        @on("GetConfiguration" if is_16 else "GetVariables")
        def settings(self, **given: Any) -> Any:
            if is_16:
                return result.GetConfiguration(unknown_key=given.get("key", []))
            unknown = [{**one, "attribute_status": "UnknownVariable"} for one in given["get_variable_data"]]
            return result.GetVariables(get_variable_result=unknown)

        def later(self, work: Any) -> None:
            self.task = asyncio.create_task(work)

        async def ask(self, name: str, **given: Any) -> Any:
            return await self.call(getattr(call, name)(**given), suppress=False)

        async def arrive(self) -> None:
            if is_16:
                await self.ask("BootNotification", charge_point_vendor="mobility", charge_point_model="Peer")
            else:
                station = {"vendor_name": "mobility", "model": "Peer"}
                await self.ask("BootNotification", charging_station=station, reason="PowerUp")
            await self.status("Preparing")
            await asyncio.sleep(6)
            await self.status("Preparing")

        async def status(self, word: str) -> None:
            if is_16:
                await self.ask(
                    "StatusNotification", connector_id=1, error_code="NoError", status=word, timestamp=now()
                )
            else:
                await self.ask(
                    "StatusNotification",
                    timestamp=now(),
                    connector_status="Occupied",
                    evse_id=1,
                    connector_id=1,
                )

        async def begin(self, tag: str, profile: Any) -> None:
            await asyncio.sleep(0.1)
            if is_16:
                answer = await self.ask(
                    "StartTransaction",
                    connector_id=1,
                    id_tag=tag,
                    meter_start=int(car.energy_wh),
                    timestamp=now(),
                )
                car.begin(str(answer.transaction_id))
                await self.status("Charging")
            else:
                car.begin("stranger-1")
                await self.event("Started", id_token={"id_token": tag, "type": "Central"})
            if profile is not None:
                car.model.install(1, profile, datetime.now(UTC))

        async def event(self, kind: str, state: str = "Charging", **more: Any) -> None:
            car.seq += 1
            info = {"transaction_id": car.transaction, "charging_state": state}
            await self.ask(
                "TransactionEvent", event_type=kind, timestamp=now(), trigger_reason="RemoteStart", seq_no=car.seq,
                transaction_info=info, evse={"id": 1, "connector_id": 1}, meter_value=self.values(), **more,
            )  # fmt: skip

        def values(self) -> list[dict[str, Any]]:
            amps = [("Current.Import", phase, car.draw_a, "A") for phase in ("L1", "L2", "L3")]
            whole = [
                ("Power.Active.Import", None, car.draw_a * 690, "W"),
                ("Energy.Active.Import.Register", None, car.energy_wh, "Wh"),
            ]
            sampled = []
            for measurand, phase, value, unit in (*amps, *whole):
                one: dict[str, Any] = {"measurand": measurand, "value": round(value, 1)}
                one |= {"phase": phase} if phase else {}
                one |= {"unit": unit} if is_16 else {"unit_of_measure": {"unit": unit}}
                sampled.append({**one, "value": str(one["value"])} if is_16 else one)
            return [{"timestamp": now(), "sampled_value": sampled}]

        async def sample(self) -> None:
            if car.transaction is None:
                return
            if is_16:
                await self.ask(
                    "MeterValues",
                    connector_id=1,
                    meter_value=self.values(),
                    transaction_id=int(car.transaction),
                )
            else:
                await self.event("Updated")

        async def stop(self) -> None:
            if car.transaction is None:
                return
            if is_16:
                await self.ask(
                    "StopTransaction",
                    transaction_id=int(car.transaction),
                    meter_stop=int(car.energy_wh),
                    timestamp=now(),
                )
            else:
                await self.event("Ended", "EVConnected")
            car.end()

    return Peer


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
