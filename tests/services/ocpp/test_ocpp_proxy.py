"""A charger with its own back office: both hear it, Busbar keeps the limits, and the smaller one holds."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ocpp.messages
import pytest
from ocpp_house import SITE, House
from ocpp_time import until
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from busbar_ocpp.foreign_profiles import UNLIMITED_A, ForeignProfiles

SIX_PM = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)


class BackOffice:
    """A central system somewhere else. It checks what it is sent, and gives its own transaction numbers."""

    def __init__(self, version: str = "1.6") -> None:
        self.version = version
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.errors: list[str] = []
        self.tags = {"THEIRS"}
        self.answers: dict[str, list[dict[str, Any] | str]] = {}
        """Action → what it answers at first instead, a payload or the code of an error."""
        self.silent: set[str] = set()
        self.wire: ServerConnection | None = None
        self._answers: dict[str, asyncio.Future[list[Any]]] = {}
        self._count = 0

    async def handle(self, wire: ServerConnection) -> None:
        self.wire = wire
        async for text in wire:
            frame = json.loads(text)
            if frame[0] != 2:
                self._answers[frame[1]].set_result(frame)
                continue
            _, id, action, payload = frame
            self.heard.append((action, payload))
            try:
                await ocpp.messages.validate_payload(ocpp.messages.Call(id, action, payload), self.version)
            except Exception as error:
                self.errors.append(f"{action}: {error!r}")
            if action in self.silent:
                continue
            other = self.answers.get(action)
            said = other.pop(0) if other else self.answer(action, payload)
            await wire.send(json.dumps([4, id, said, "", {}] if isinstance(said, str) else [3, id, said]))

    def answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        token = payload.get("idToken")
        tag = payload.get("idTag") or (token["idToken"] if token else None)
        status = "Accepted" if tag in self.tags else "Invalid"
        if self.version != "1.6" and action in ("Authorize", "TransactionEvent"):
            return {"idTokenInfo": {"status": status}} if tag else {}
        if action == "StartTransaction":
            return {"transactionId": 900, "idTagInfo": {"status": status}}
        if action == "Authorize":
            return {"idTagInfo": {"status": status}}
        if action == "BootNotification":
            return {"currentTime": SIX_PM.isoformat(), "interval": 60, "status": "Accepted"}
        return {"currentTime": SIX_PM.isoformat()} if action == "Heartbeat" else {}

    async def ask(self, action: str, payload: dict[str, Any]) -> Any:
        assert self.wire is not None
        self._count += 1
        id = f"b{self._count}"
        self._answers[id] = asyncio.get_running_loop().create_future()
        await self.wire.send(json.dumps([2, id, action, payload]))
        frame = await asyncio.wait_for(self._answers[id], 30)
        return frame[2]

    def told(self, action: str) -> list[dict[str, Any]]:
        return [payload for name, payload in self.heard if name == action]


@asynccontextmanager
async def back_office(port: int = 0, version: str = "1.6") -> AsyncIterator[tuple[BackOffice, int]]:
    office = BackOffice(version)
    protocols = [Subprotocol(f"ocpp{version}")]
    async with serve(office.handle, "127.0.0.1", port, subprotocols=protocols) as server:
        yield office, next(iter(server.sockets)).getsockname()[1]
    assert office.errors == []


def site(port: int, more: str = "") -> str:
    own = f'charge_point = "CP-1"\nupstream_url = "ws://127.0.0.1:{port}/ocpp"'
    return SITE.replace('charge_point = "CP-1"', own).replace("security = 0", f"security = 0\n{more}")


def profile(limit: float, purpose: str = "TxDefaultProfile", **more: Any) -> dict[str, Any]:
    return {
        "chargingProfileId": 5,
        "stackLevel": 9,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "chargingRateUnit": "A",
            "startSchedule": "2026-01-01T00:00:00Z",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        },
        **more,
    }


async def test_both_hear_the_charger_and_each_has_its_own_transaction_number(tmp_path: Path) -> None:
    async with back_office() as (office, port), House(tmp_path, site=site(port)) as house:
        charger = await house.arrived()
        await until(lambda: office.told("BootNotification"))
        ours = await charger.start()
        await charger.measure(amps=8.0)
        await until(lambda: office.told("MeterValues"))
        assert office.told("MeterValues")[0]["transactionId"] == 900

        asking = asyncio.create_task(office.ask("RemoteStopTransaction", {"transactionId": 900}))
        assert (await asking)["status"] == "Accepted"
        assert charger.told("RemoteStopTransaction") == [{"transactionId": int(ours)}]
        await charger.stop()

        await until(lambda: office.told("StopTransaction"))
        assert office.told("StopTransaction")[0]["transactionId"] == 900


async def test_the_back_offices_profile_never_reaches_the_charger_and_caps_the_grant(tmp_path: Path) -> None:
    async with back_office() as (office, port), House(tmp_path, site=site(port)) as house:
        charger = await house.arrived()
        house.order(13.0)
        await until(lambda: charger.limit() == 13.0)
        await until(lambda: office.wire is not None)

        said = await office.ask("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile(8.0)})

        assert said == {"status": "Accepted"}
        await until(lambda: charger.limit() == 8.0)
        assert all(one.id != 5 for one in charger.model.stored)
        composite = await office.ask("GetCompositeSchedule", {"connectorId": 1, "duration": 60})
        assert composite["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 8.0}]
        house.order(7.0)
        await until(lambda: charger.limit() == 7.0)
        await office.ask("ClearChargingProfile", {"id": 5})
        house.order(13.0)
        await until(lambda: charger.limit() == 13.0)


async def test_a_back_office_that_is_away_hears_of_transactions_later(tmp_path: Path) -> None:
    async with back_office() as (_, port):
        pass
    async with House(tmp_path, site=site(port)) as house:
        charger = await house.arrived()
        await charger.start()
        await charger.measure(amps=8.0)
        began = charger.clock.now()
        await charger.stop()
        house.order(9.0)
        await until(lambda: charger.limit() == 9.0, what="nothing changes at home")
    async with back_office(port) as (office, _), House(tmp_path, site=site(port), clock=house.clock) as again:
        await again.arrived(model=charger.model)
        await until(lambda: office.told("StopTransaction"))

        [start], [stop] = office.told("StartTransaction"), office.told("StopTransaction")
        assert stop["transactionId"] == 900
        assert abs((datetime.fromisoformat(start["timestamp"]) - began).total_seconds()) < 30


async def test_a_tag_of_the_back_office_may_charge(tmp_path: Path) -> None:
    async with (
        back_office() as (office, port),
        House(tmp_path, site=site(port, "accept_all_tags = false")) as house,
    ):
        charger = await house.arrived()
        await until(lambda: office.told("BootNotification"))

        theirs = await charger.call("Authorize", {"idTag": "THEIRS"})
        other = await charger.call("Authorize", {"idTag": "OTHER"})

        assert (theirs["idTagInfo"]["status"], other["idTagInfo"]["status"]) == ("Accepted", "Invalid")


async def test_settings_the_home_needs_are_not_the_back_offices(tmp_path: Path) -> None:
    async with back_office() as (office, port), House(tmp_path, site=site(port)) as house:
        charger = await house.arrived()
        await until(lambda: office.told("BootNotification"))

        own = await office.ask("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "900"})
        light = await office.ask("ChangeConfiguration", {"key": "LightIntensity", "value": "50"})

        assert (own["status"], light["status"]) == ("Rejected", "Accepted")
        assert charger.configuration["LightIntensity"] == "50"
        assert charger.configuration.get("MeterValueSampleInterval") != "900"


@pytest.mark.parametrize(
    ("profiles", "transaction", "cap"),
    [
        pytest.param([], None, UNLIMITED_A, id="none"),
        pytest.param([(1, profile(8.0))], None, 8.0, id="the default"),
        pytest.param([(0, profile(8.0))], None, 8.0, id="the default of the unit"),
        pytest.param([(2, profile(8.0))], None, UNLIMITED_A, id="of another connector"),
        pytest.param([(1, profile(8.0)), (1, profile(12.0, "TxProfile", chargingProfileId=6))], "7", 12.0,
            id="a transaction's profile rules over the default"),
        pytest.param([(1, profile(8.0)), (1, profile(12.0, "TxProfile", chargingProfileId=6))], None, 8.0,
            id="but only during a transaction"),
        pytest.param([(1, profile(12.0)), (0, profile(10.0, "ChargePointMaxProfile", chargingProfileId=6))], None, 10.0,
            id="the station's maximum is below all"),
        pytest.param([(1, profile(8.0, validTo="2026-02-01T00:00:00Z"))], None, UNLIMITED_A, id="no longer valid"),
        pytest.param([(1, profile(8.0, validFrom="2026-04-01T00:00:00Z"))], None, UNLIMITED_A, id="not yet valid"),
        pytest.param([(1, profile(16.0)), (1, profile(6.0, stackLevel=10, chargingProfileId=6))], None, 6.0,
            id="the higher level"),
        pytest.param([(1, "nonsense"), (None, profile(8.0)), (1, {"chargingProfileId": 1})], None, UNLIMITED_A,
            id="nonsense is rejected"),
    ],
)  # fmt: skip
def test_what_the_back_office_allows(
    profiles: list[tuple[Any, Any]], transaction: str | None, cap: float
) -> None:
    store = ForeignProfiles(230.0, 3)
    for connector, wire in profiles:
        store.install(connector, wire)

    assert store.cap_a(1, SIX_PM, transaction, SIX_PM - timedelta(hours=1)) == cap
