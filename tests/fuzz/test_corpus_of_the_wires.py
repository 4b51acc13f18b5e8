"""Frames of charge points, replies of Modbus devices and answers of the Charge Amps cloud that are no good, kept for ever.

Random ones are tried in tests/services/{ocpp,meter,chargeamps}; what is found there becomes a file in tests/corpus.
"""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from busbar_chargeamps import eapi, web
from busbar_chargeamps.cloud import Answer, CloudRefused, CloudSilent
from busbar_meter.answers import DeviceRefused, DeviceSilent, LineAddress, UnitAbsent
from busbar_meter.wire import ModbusWire
from busbar_ocpp import frames, hear16, hear201
from busbar_ocpp.hear16 import Unreadable
from busbar_shared.clock import RealClock
from services.meter.modbus_servers import CrookedServer

CORPUS = Path(__file__).parents[1] / "corpus"


def rows(kind: str) -> list[str]:
    """The files of one ear."""
    return sorted(one.name for one in (CORPUS / kind).iterdir())


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
@pytest.mark.parametrize("name", rows("ocpp"))
def test_a_frame_of_a_charge_point_is_read_or_refused_by_name(name: str, version: str) -> None:
    raw = (CORPUS / "ocpp" / name).read_bytes()
    words = hear16 if version == "1.6" else hear201
    try:
        frame: Any = frames.read(raw.decode(errors="replace"), version)
        if hasattr(frame, "action"):
            words.read(frame.action, frame.payload)
    except (frames.BadFrame, Unreadable) as error:
        refusal = error.code
    else:
        refusal = None

    assert refusal is None or refusal[0].isupper()


@pytest.mark.parametrize("name", rows("modbus"))
async def test_a_reply_of_a_device_is_silence_and_the_next_one_is_heard(name: str) -> None:
    reply = bytes.fromhex((CORPUS / "modbus" / name).read_text())
    async with CrookedServer(unit1={40000: 0x5375, 40001: 0x6E53}) as server:
        server.fault = lambda pdu, honest: reply or None
        wire = ModbusWire(LineAddress("tcp", "127.0.0.1", server.port), RealClock(), timeout_s=0.2, gap_s=0)
        try:
            with pytest.raises((DeviceSilent, DeviceRefused, UnitAbsent)):
                await wire.read(1, 40000, 2)
            server.fault = None
            assert await wire.read(1, 40000, 2) == (0x5375, 0x6E53)
        finally:
            wire.close()


@pytest.mark.parametrize("surface", ["web", "eapi"])
@pytest.mark.parametrize("name", rows("chargeamps"))
async def test_an_answer_of_the_cloud_is_a_sight_or_silence(name: str, surface: str) -> None:
    body = (CORPUS / "chargeamps" / name).read_bytes()

    async def call(method: str, url: str, headers: dict[str, str], sent: bytes | None) -> Answer:
        return Answer(200, {}, b'{"token": "a.b.c"}' if "login" in url else body)

    cloud: Any
    if surface == "web":
        cloud = web.WebCloud(call, RealClock(), email="e", password="p", zone=ZoneInfo("Europe/Oslo"))
    else:
        cloud = eapi.ExternalCloud(call, RealClock(), email="e", password="p", api_key="k")
    try:
        seen = await cloud.look({"CP": [1]})
    except (CloudSilent, CloudRefused):
        seen = {}

    assert all(key[0] == "CP" for key in seen)
