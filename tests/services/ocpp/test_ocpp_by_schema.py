"""A stranger made from the official schemas alone: every message they know, in every shape they allow.

What is served is answered as the schema of its answer demands, what is not with the error that docs/ocpp.md names;
nothing makes the service fail, whatever the words and numbers in it.
"""

import logging
from pathlib import Path
from random import Random
from typing import Any

import pytest
from ocpp_charge_point import ChargePoint
from ocpp_house import House
from ocpp_schemas import actions, request, response
from ocpp_time import until

SERVED = {
    "1.6": {
        "Authorize", "BootNotification", "DataTransfer", "DiagnosticsStatusNotification", "FirmwareStatusNotification",
        "Heartbeat", "LogStatusNotification", "MeterValues", "SecurityEventNotification",
        "SignedFirmwareStatusNotification", "StartTransaction", "StatusNotification", "StopTransaction",
    },
    "2.0.1": {
        "Authorize", "BootNotification", "ClearedChargingLimit", "DataTransfer", "FirmwareStatusNotification",
        "Get15118EVCertificate", "GetCertificateStatus", "Heartbeat", "LogStatusNotification", "MeterValues",
        "NotifyChargingLimit", "NotifyEVChargingNeeds", "NotifyEvent", "NotifyReport",
        "PublishFirmwareStatusNotification", "SecurityEventNotification", "SignCertificate", "StatusNotification",
        "TransactionEvent",
    },
}  # fmt: skip
"""What docs/ocpp.md lists as served or declined in the protocol's words."""
NOT_SUPPORTED = {
    "1.6": {"SignCertificate"},
    "2.0.1": {
        "ReservationStatusUpdate", "NotifyCustomerInformation", "NotifyDisplayMessages", "NotifyMonitoringReport",
        "NotifyEVChargingSchedule", "ReportChargingProfiles", "PullDynamicScheduleUpdate",
    },
}  # fmt: skip
SHAPES = (0.0, 1.0, 0.5, 0.5, 0.5, 0.8)


PLACED = {"StatusNotification", "MeterValues", "StartTransaction", "TransactionEvent"}


def odd(action: str, payload: dict[str, Any]) -> bool:
    """Whether what the schema allows cannot be meant: a connector below nothing, or a transaction on the unit."""
    if action not in PLACED:
        return False
    evse = payload.get("evse")
    places = [
        payload.get("connectorId"),
        payload.get("evseId"),
        evse.get("id") if isinstance(evse, dict) else None,
    ]
    if any(isinstance(one, int) and not 0 <= one <= 1000 for one in places):
        return True
    return action == "StartTransaction" and payload.get("connectorId") == 0


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_every_message_the_schemas_know_is_answered_as_they_demand(
    tmp_path: Path, version: str, caplog: pytest.LogCaptureFixture
) -> None:
    dice, said, expected = Random(4), {}, {}
    served, listed = (one["1.6" if version == "1.6" else "2.0.1"] for one in (SERVED, NOT_SUPPORTED))
    async with House(tmp_path, factor=20) as house:
        charger = await house.arrived(version=version)
        with caplog.at_level(logging.ERROR):
            for action in actions(version):
                for number, fullness in enumerate(SHAPES):
                    payload = request(version, action, dice, fullness)
                    answer = await charger.call(action, payload)
                    row = f"{action} {number}: {payload}"
                    said[row] = answer if isinstance(answer, str) else "answered"
                    if odd(action, payload):
                        expected[row] = "PropertyConstraintViolation"
                    elif action in served:
                        expected[row] = "answered"
                    else:
                        expected[row] = "NotSupported" if action in listed else "NotImplemented"

        assert {row: one for row, one in said.items() if one != expected[row]} == {}
        assert [record.getMessage() for record in caplog.records if record.name.startswith("busbar")] == []
        other = await house.arrived("CP-2", version=version)
        house.order(13.0, "right")
        await until(lambda: other.limit() == 13.0, what="another charger has its limit")


class AnswersAnything(ChargePoint):
    """Answers every call with some words that the schema allows."""

    dice = Random(7)

    async def _answer(self, frame: list[Any]) -> None:
        _, id, action, payload = frame
        self.received.append((action, payload))
        fullness = self.dice.choice([0.0, 0.5, 1.0])
        await self._send([3, id, response(self.version, action, self.dice, fullness)])


ASKED = (
    {"action": "start", "tag": "A"}, {"action": "stop"}, {"action": "unlock"}, {"action": "reset"},
    {"action": "hard_reset"}, {"action": "clear_profiles"}, {"action": "disable"}, {"action": "enable"},
    {"action": "trigger", "key": "MeterValues"}, {"action": "get_configuration", "key": "A.B"},
    {"action": "set_configuration", "key": "A.B", "value": "1"}, {"action": "diagnostics", "value": "ftp://192.0.2.1/"},
    {"action": "release"}, {"action": "accept"},
)  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_whatever_a_charger_answers_each_command_ends_with_a_sentence(
    tmp_path: Path, version: str, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with House(tmp_path, factor=20) as house:
        charger = AnswersAnything(house.clock, house.port, version=version)
        charger.dice = Random(seed)
        with caplog.at_level(logging.ERROR):
            await charger.connect()
            await charger.boot()
            await charger.start()
            house.order(13.0)
            for number, asked in enumerate(ASKED):
                mark = f"[{seed}.{number}]"
                house.command(id=mark.strip("[]"), **asked)
                await house.says(
                    lambda state, mark=mark: (state.last_answer or "").startswith(mark),
                    what=f"an answer to {asked}",
                )
            await charger.measure(amps=8.0)
            await house.says(lambda state: state.power_w is not None)

        assert [record.getMessage() for record in caplog.records if record.name.startswith("busbar")] == []
        await charger.disconnect()
