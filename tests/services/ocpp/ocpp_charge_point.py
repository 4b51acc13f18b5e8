"""A small charge point over a real WebSocket. It checks every frame it gets against the official schemas."""

import asyncio
import base64
import json
import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

import ocpp.messages
from ocpp_charger_model import ModelCharger
from ocpp_obliging import Obliging, Payload
from ocpp_time import FastClock
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

ocpp.messages.ASYNC_VALIDATION = False


class ChargePoint(Obliging):
    """Connects, boots, charges, and obeys by its own composite of profiles. `faults` as in the model."""

    def __init__(
        self,
        clock: FastClock,
        port: int,
        id: str = "CP-1",
        *,
        version: str = "1.6",
        connectors: int = 1,
        model: ModelCharger | None = None,
        configuration: dict[str, str] | None = None,
        vendor: str = "Acme",
        model_name: str = "One",
    ) -> None:
        self.clock, self.port, self.id, self.version = clock, port, id, version
        self.model = model or ModelCharger(version=version)
        self.connectors = connectors
        self.configuration = configuration if configuration is not None else {}
        self.vendor, self.model_name = vendor, model_name
        self.received: list[tuple[str, Payload]] = []
        self.errors: list[str] = []
        self.closed: tuple[int, str] | None = None
        self.refuses: dict[str, Payload | str] = {}
        """Action → another answer, an error code, or "silence"."""
        self.delay_s = 0.0
        self.car_a: dict[int, float] = {}
        """What the car would take, per connector."""
        self.car_legs = 3
        self.energy_wh = 1000.0
        self.availability: dict[int, str] = {}
        self.resets: list[str] = []
        self.list_version = 0
        self._number = 0
        self._answers: dict[str, asyncio.Future[Any]] = {}
        self._ws: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None

    # -- the wire ------------------------------------------------------------------------------

    async def connect(
        self,
        *,
        password: str | None = None,
        protocols: list[str] | None = None,
        authority: Path | None = None,
    ) -> None:
        """Come in; with an authority over TLS, which must have signed what the server shows."""
        headers = {}
        if password is not None:
            token = base64.b64encode(f"{self.id}:{password}".encode()).decode()
            headers["Authorization"] = f"Basic {token}"
        names = protocols if protocols is not None else [f"ocpp{self.version}"]
        self._ws = await connect(
            f"{'ws' if authority is None else 'wss'}://127.0.0.1:{self.port}/{self.id}",
            ssl=None if authority is None else ssl.create_default_context(cafile=authority),
            subprotocols=[Subprotocol(name) for name in names] or None,
            additional_headers=headers,
            proxy=None,
        )
        self.closed = None
        self._task = asyncio.create_task(self._listen())

    @property
    def subprotocol(self) -> str | None:
        return None if self._ws is None else self._ws.subprotocol

    async def disconnect(self) -> None:
        if self._ws is not None:
            if not self._ws.transport.is_reading():
                self._ws.transport.abort()
            await self._ws.close()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def drop(self) -> None:
        """Lose the connection without a word."""
        assert self._ws is not None
        self._ws.transport.abort()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def go_deaf(self) -> None:
        """Read nothing more, as a charger behind a dead modem: pings are not answered."""
        assert self._ws is not None
        self._ws.transport.pause_reading()

    async def send_text(self, text: str | bytes) -> None:
        assert self._ws is not None
        await self._ws.send(text)

    async def call(
        self, action: str, payload: Payload, *, checked: bool = True, id: str | None = None
    ) -> Any:
        """The answer's payload, or the error as its code."""
        self._number += 1
        id = id or f"m{self._number}"
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[id] = answer
        if checked:
            await self._check(ocpp.messages.Call(id, action, payload))
        await self.send_text(json.dumps([2, id, action, payload]))
        said = await asyncio.wait_for(answer, 30)
        if said[0] == 4:
            return said[2]
        result = ocpp.messages.CallResult(id, said[2])
        result.action = action
        if checked:
            await self._check(result)
        return said[2]

    async def _listen(self) -> None:
        assert self._ws is not None
        try:
            async for text in self._ws:
                frame = json.loads(text)
                if frame[0] == 2:
                    asyncio.get_running_loop().create_task(self._answer(frame))
                else:
                    self._answered(frame)
        except ConnectionClosed:
            pass
        self.closed = (self._ws.close_code or 0, self._ws.close_reason or "")

    def _answered(self, frame: list[Any]) -> None:
        """Give an answer to who asked; a test that was cancelled while it asked waits for its answer no more."""
        asking = self._answers.get(frame[1])
        if asking is None or (asking.done() and not asking.cancelled()):
            self.errors.append(f"stray {frame}")
        elif not asking.done():
            asking.set_result(frame)

    async def _check(self, message: Any) -> None:
        try:
            await ocpp.messages.validate_payload(message, self.version)
        except Exception as error:
            self.errors.append(f"{message.action} is off schema: {error!r} {message.payload}")

    # -- what it is told -----------------------------------------------------------------------

    async def _answer(self, frame: list[Any]) -> None:
        _, id, action, payload = frame
        await self._check(ocpp.messages.Call(id, action, json.loads(json.dumps(payload))))
        self.received.append((action, payload))
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        other = self.refuses.get(action)
        if other == "silence":
            return
        if isinstance(other, str):
            await self._send([4, id, other, "", {}])
            return
        if other is not None:
            await self._send([3, id, other])
            return
        handler = getattr(self, f"do_{action}", None)
        if handler is None:
            await self._send([4, id, "NotImplemented", "", {}])
            return
        await self._send([3, id, handler(payload)])

    async def _send(self, frame: list[Any]) -> None:
        try:
            await self.send_text(json.dumps(frame))
        except ConnectionClosed:
            return

    # -- what it does --------------------------------------------------------------------------

    @property
    def own_time(self) -> str:
        own = self.clock.now() + self.model.clock_ahead
        return own.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    async def boot(self) -> Payload:
        if self.version == "1.6":
            said = {
                "chargePointVendor": self.vendor,
                "chargePointModel": self.model_name,
                "firmwareVersion": "1.0",
            }
        else:
            station = {"vendorName": self.vendor, "model": self.model_name, "firmwareVersion": "1.0"}
            said = {"chargingStation": station, "reason": "PowerUp"}
        return await self.call("BootNotification", said)

    async def status(self, status: str, connector: int = 1) -> None:
        if self.version == "1.6":
            said = {
                "connectorId": connector,
                "status": status,
                "errorCode": "NoError",
                "timestamp": self.own_time,
            }
        else:
            said = {
                "evseId": connector,
                "connectorId": 1,
                "connectorStatus": status,
                "timestamp": self.own_time,
            }
        await self.call("StatusNotification", said)

    async def start(self, connector: int = 1, tag: str = "TAG1") -> str:
        """Start a transaction and give its id."""
        if self.version == "1.6":
            answer = await self.call(
                "StartTransaction",
                {
                    "connectorId": connector,
                    "idTag": tag,
                    "meterStart": int(self.energy_wh),
                    "timestamp": self.own_time,
                },
            )
            id = str(answer["transactionId"])
        else:
            self._number += 1
            id = f"tx-{self._number}"
            await self.event("Started", id, connector=connector, tag=tag, state="Charging", seq=0)
        self.model.transactions[connector] = (id, self.clock.now())
        return id

    async def event(
        self,
        kind: str,
        id: str,
        *,
        connector: int | None = 1,
        tag: str | None = None,
        state: str | None = None,
        seq: int = 0,
        values: list[Payload] | None = None,
    ) -> Any:
        """A TransactionEvent of 2.0.1."""
        said: Payload = {
            "eventType": kind,
            "timestamp": self.own_time,
            "triggerReason": "ChargingStateChanged",
            "seqNo": seq,
            "transactionInfo": {"transactionId": id},
        }
        if state is not None:
            said["transactionInfo"]["chargingState"] = state
        if connector is not None:
            said["evse"] = {"id": connector, "connectorId": 1}
        if tag is not None:
            said["idToken"] = {"idToken": tag, "type": "ISO14443"}
        if values is not None:
            said["meterValue"] = [{"timestamp": self.own_time, "sampledValue": values}]
        return await self.call("TransactionEvent", said)

    async def stop(self, connector: int = 1, reason: str = "Local") -> None:
        id, _ = self.model.transactions[connector]
        if self.version == "1.6":
            await self.call(
                "StopTransaction",
                {
                    "transactionId": int(id),
                    "meterStop": int(self.energy_wh),
                    "timestamp": self.own_time,
                    "reason": reason,
                },
            )
        else:
            await self.event("Ended", id, connector=connector, seq=9)
        self.model.end_transaction(connector)

    def limit(self, connector: int = 1) -> float:
        """What it offers the car now."""
        return self.model.limit_a(connector, self.clock.now())

    def limit_after(self, seconds: float, connector: int = 1) -> float:
        """What it will offer the car by itself when it hears nothing more for so long."""
        return self.model.limit_a(connector, self.clock.now() + timedelta(seconds=seconds))

    def draw(self, connector: int = 1) -> float:
        """What the car takes now; less than 6 A is no charging."""
        limit = min(self.limit(connector), 32.0)
        return min(self.car_a.get(connector, 0.0), limit) if limit >= 6 else 0.0

    async def measure(self, connector: int = 1, *, amps: float | None = None) -> None:
        """Send what the car takes, leg by leg."""
        drawn = self.draw(connector) if amps is None else amps
        values: list[Payload] = []
        for place, phase in enumerate(("L1", "L2", "L3")):
            current = drawn if place < self.car_legs else 0.0
            values.append(
                {"value": f"{current:.1f}", "measurand": "Current.Import", "phase": phase, "unit": "A"}
            )
        total = drawn * 230 * self.car_legs
        values.append({"value": f"{total:.0f}", "measurand": "Power.Active.Import", "unit": "W"})
        values.append(
            {"value": f"{self.energy_wh:.0f}", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        )
        if self.version == "1.6":
            said: Payload = {
                "connectorId": connector,
                "meterValue": [{"timestamp": self.own_time, "sampledValue": values}],
            }
            running = self.model.transactions.get(connector)
            if running is not None:
                said["transactionId"] = int(running[0])
            await self.call("MeterValues", said)
            return
        converted = [
            {
                **{key: value for key, value in one.items() if key != "unit"},
                "value": float(one["value"]),
                "unitOfMeasure": {"unit": one["unit"]},
            }
            for one in values
        ]
        await self.call(
            "MeterValues",
            {"evseId": connector, "meterValue": [{"timestamp": self.own_time, "sampledValue": converted}]},
        )

    def told(self, action: str) -> list[Payload]:
        """Payloads of this action, in the order they came."""
        return [payload for name, payload in self.received if name == action]
