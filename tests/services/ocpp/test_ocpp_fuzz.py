"""Frames that no charger would send, by the thousand, while another charger charges undisturbed."""

import asyncio
import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest
from bench_ocpp import resident_kib
from ocpp_house import SITE, House
from ocpp_time import until
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

SEEDS: dict[str, list[list[Any]]] = {
    "ocpp1.6": [
        [2, "1", "BootNotification", {"chargePointVendor": "A", "chargePointModel": "B"}],
        [2, "2", "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}],
        [2, "3", "StartTransaction", {"connectorId": 1, "idTag": "T", "meterStart": 0, "timestamp": "2026-03-01T18:00:00Z"}],
        [2, "4", "StopTransaction", {"transactionId": 1, "meterStop": 0, "timestamp": "2026-03-01T18:00:00Z"}],
        [2, "5", "MeterValues", {"connectorId": 1, "meterValue": [{"timestamp": "2026-03-01T18:00:00Z",
            "sampledValue": [{"value": "16", "measurand": "Current.Import", "phase": "L1", "unit": "A"}]}]}],
        [2, "6", "Authorize", {"idTag": "T"}],
        [2, "7", "DataTransfer", {"vendorId": "x"}],
        [3, "8", {"status": "Accepted"}],
        [4, "9", "InternalError", "", {}],
    ],
    "ocpp2.0.1": [
        [2, "1", "BootNotification", {"chargingStation": {"model": "a", "vendorName": "b"}, "reason": "PowerUp"}],
        [2, "2", "StatusNotification", {"timestamp": "2026-03-01T18:00:00Z", "connectorStatus": "Occupied",
            "evseId": 1, "connectorId": 1}],
        [2, "3", "TransactionEvent", {"eventType": "Started", "timestamp": "2026-03-01T18:00:00Z",
            "triggerReason": "Authorized", "seqNo": 0, "transactionInfo": {"transactionId": "x"}, "evse": {"id": 1}}],
        [2, "4", "NotifyReport", {"requestId": 1, "generatedAt": "2026-03-01T18:00:00Z", "seqNo": 0,
            "reportData": [{"component": {"name": "a"}, "variable": {"name": "b"},
            "variableAttribute": [{"value": "1"}]}]}],
    ],
}  # fmt: skip
FRAMES = 1500
"""A hundred thousand against the real process: tests/soak/test_ocpp_fuzz_long.py."""
STRANGE = [
    None, True, -1, 0, 1e308, 2**63, -(2**63), "", "a" * 3000, "\x00", "😀", "NaN", [], {}, [[]], {"a": {}}, 1.5,
    "2026-13-45T99:99:99Z", "9999-12-31T23:59:59+14:00", "0001-01-01T00:00:00-14:00", -5, "-5", "1e400",
]  # fmt: skip


def bent(value: Any, chance: random.Random, depth: int = 0) -> Any:
    """The value with something in it replaced, removed or repeated."""
    if depth > 6 or chance.random() < 0.15:
        return chance.choice(STRANGE)
    if isinstance(value, dict):
        kept = {key: one for key, one in value.items() if chance.random() > 0.1}
        if kept and chance.random() < 0.9:
            key = chance.choice(list(kept))
            kept[key] = bent(kept[key], chance, depth + 1)
        return kept
    if isinstance(value, list):
        items = list(value)
        if items:
            place = chance.randrange(len(items))
            items[place] = bent(items[place], chance, depth + 1)
        return items * chance.choice([1, 1, 1, 0, 3])
    return chance.choice(STRANGE)


def frame(seeds: list[list[Any]], chance: random.Random) -> str | bytes:
    """One frame: a seed bent somewhere, or its text broken."""
    whole = bent(chance.choice(seeds), chance) if chance.random() < 0.9 else chance.choice(seeds)
    text = json.dumps(whole)
    if chance.random() < 0.1 and text:
        place = chance.randrange(len(text))
        text = text[:place] + chance.choice(["", "}", "[", '"', "\\", "\x01"]) + text[place + 1 :]
    return text.encode() if chance.random() < 0.02 else text


async def flood(port: int, protocol: str, count: int, seed: int, id: str = "CP-1") -> int:
    """Send so many frames, coming again when thrown out; how many connections it took."""
    chance = random.Random(seed)
    sent = connections = 0
    while sent < count:
        connections += 1
        async with connect(
            f"ws://127.0.0.1:{port}/{id}", subprotocols=[Subprotocol(protocol)], proxy=None
        ) as wire:
            reading = asyncio.create_task(_drain(wire))
            try:
                while sent < count:
                    await wire.send(frame(SEEDS[protocol], chance))
                    sent += 1
                await wire.send('[2,"last","Heartbeat",{}]')
                await asyncio.wait_for(reading, 30)
            except ConnectionClosed:
                pass
            finally:
                reading.cancel()
    return connections


async def _drain(wire: Any) -> None:
    async for text in wire:
        if '"last"' in str(text):
            return


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1"])
async def test_a_flood_of_bent_frames_changes_nothing_for_another_charger(
    tmp_path: Path, protocol: str
) -> None:
    # Real pings: a flood that is read slowly answers late.
    site = SITE.replace("ping_s = 0.5", "ping_s = 10").replace("pong_s = 0.5", "pong_s = 5")
    async with House(tmp_path, factor=10, site=site) as house:
        good = await house.arrived("CP-2")
        good.car_a[1] = 16.0
        await good.start()
        house.order(9.0, "right")
        await until(lambda: good.limit() == 9.0)
        await flood(house.port, protocol, 200, seed=1)
        before = resident_kib()

        async def charge() -> None:
            while True:
                house.order(9.0, "right")
                await good.measure()
                assert good.limit() == 9.0
                await house.clock.sleep(8)

        charging = asyncio.create_task(charge())
        connections = await flood(house.port, protocol, FRAMES, seed=7)

        assert not charging.done()
        charging.cancel()
        assert connections < FRAMES / 50
        state = await house.says(lambda state: state.power_w is not None, "right")
        assert state.link
        assert resident_kib() - before < 20_000
        assert good.limit() == 9.0


if __name__ == "__main__":
    print(asyncio.run(flood(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), seed=7, id=sys.argv[4])))
