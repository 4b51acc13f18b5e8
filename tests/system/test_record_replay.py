"""A running house is recorded by the command, and the file keeps its secrets and decides the same again and again."""

import asyncio
import gzip
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from houses import QUICK, House, charging, quick_site, running

pytestmark = [pytest.mark.system, pytest.mark.timeout(360)]

SECRETS = {
    "the tag of the car": "04A2B3C4D5E6F7",
    "a tag that was shown once": "0499887766",
    "the password of the charger": "correct-horse-staple",
    "the password of the broker": "broker-s3cret-99",
    "the token of the prices": "tibber-token-abcdef",
    "a login in an address": "hunter2hunter2",
}
WITH_BATTERY = (
    QUICK.replace("security = 0", 'security = 0\ntags = ["04A2B3C4D5E6F7"]')
    + """
[batteries.house]
modbus = {{ host = "127.0.0.1", port = {modbus}, unit = 1 }}
inverter = "roof"
writable = true
[battery_flow]
[prices.series.import]
kind = "tibber"
token = "TIBBER_TOKEN"
"""
)


async def busbar(folder: Path, *words: str, environ: dict[str, str] | None = None) -> tuple[int, str]:
    """A command as a person types it: its exit code and what it printed."""
    whole = {**os.environ, "BUSBAR_CONFIG": str(folder / "busbar.toml"), "PYTHONPATH": ":".join(sys.path)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "busbar_cli",
        *words,
        env=whole | (environ or {}),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def say_secrets(house: House) -> None:
    """What others may say on the bus while it is recorded."""
    topic = "hems/charger/left/1/command/set"
    said: list[tuple[str, Any]] = [
        (topic, {"action": "start", "tag": SECRETS["a tag that was shown once"]}),
        (
            topic,
            {
                "action": "configure",
                "key": "AuthorizationKey",
                "value": SECRETS["the password of the charger"],
            },
        ),
        ("hems/somebody/else", f"the tag {SECRETS['the tag of the car']} was here"),
        ("hems/somebody/says", {"text": f"refused {SECRETS['the password of the broker']}"}),
        ("hems/somebody/asks", f"https://me:{SECRETS['a login in an address']}@192.0.2.1/x"),
        (
            "hems/somebody/looks",
            {"url": f"https://192.0.2.1/x?api_token={SECRETS['the token of the prices']}&a=1"},
        ),
    ]
    for name, payload in said:
        raw = payload if isinstance(payload, str) else json.dumps(payload)
        await house.bus.say_raw(name, raw, qos=1, retain=False)


async def test_a_recorded_house_keeps_its_secrets_and_decides_the_same_again(tmp_path: Path) -> None:
    text = quick_site(text=WITH_BATTERY).replace(
        "[circuits.main]", 'username = "kitchen"\npassword = "MQTT_SECRET"\n[circuits.main]', 1
    )
    held = {
        "MQTT_SECRET": SECRETS["the password of the broker"],
        "TIBBER_TOKEN": SECRETS["the token of the prices"],
    }
    file = tmp_path / "evening.busbar.gz"
    # All but the price service, which would ask somebody far away.
    here = ["simulator", "meter", "ocpp", "battery", "allocator"]
    async with running(text, tmp_path, here, more=held) as house:
        await charging(house)
        recording = asyncio.create_task(
            busbar(tmp_path, "record", str(file), "--minutes", "1.4", environ=held)
        )
        await asyncio.sleep(10)
        await say_secrets(house)
        code, _ = await recording
    assert code == 0

    plain = gzip.decompress(file.read_bytes()).decode()
    found = [what for what, secret in SECRETS.items() if secret in plain]
    assert found == []
    assert "somebody/says" in plain

    _, first = await busbar(tmp_path, "replay", str(file), "--json")
    _, second = await busbar(tmp_path, "replay", str(file), "--json")
    assert first == second
    played = json.loads(first)
    assert played["differences"] == []
    assert played["compared"] >= 2
    assert played["limits"]["left-1"] == pytest.approx(16, abs=0.1)

    code, changed = await busbar(tmp_path, "replay", str(file), "--json", "--set", "circuits.main.limit_a=8")
    assert code == 1
    difference = json.loads(changed)["differences"][0]
    assert difference["load"] == "left-1"
    assert difference["replayed_a"] < difference["recorded_a"]
    assert "circuit main" in difference["replayed_why"]
    assert json.loads(changed)["digest"] != played["digest"]
