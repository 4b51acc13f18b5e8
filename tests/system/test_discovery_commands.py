"""`busbar discovery` and `busbar detect` at a real broker."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from busbar_cli.detect_command import detect
from busbar_cli.discovery_commands import app
from busbar_shared.bus import MqttBus
from busbar_shared.config.broker import BrokerConfig
from busbar_shared.config.load import read
from busbar_shared.discovery.chargers import chargers
from busbar_shared.discovery.payload import Naming, configs

pytestmark = pytest.mark.system

SITE = """
[broker]
host = "127.0.0.1"
port = {port}
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15
[meters.grid]
modbus = {{ host = "127.0.0.1" }}
[ocpp]
security = 0
[chargers.left]
"""


async def retain(port: int, messages: dict[str, str]) -> None:
    """Put retained messages on the broker."""
    async with MqttBus(BrokerConfig(host="127.0.0.1", port=port), client_id="test") as bus:
        for topic, payload in messages.items():
            await bus.say_raw(topic, payload, qos=1, retain=True)
        await bus.connected.wait()
        assert await bus.drain(5.0)


def shown(text: str) -> dict[str, str]:
    """What the chargers of this site and of another on the same broker left behind."""
    [device] = chargers(read(text))
    [(topic, ours)] = configs(device, Naming(service="ocpp"), "device").items()
    single = configs(device, Naming(service="ocpp"), "single")
    foreign = configs(device, Naming(service="ocpp", root="sites/2/hems"), "device")[topic]
    return {
        topic: json.dumps(ours),
        **{one: json.dumps(message) for one, message in single.items()},
        "hems/ha/busbar_home_charger_left-1/availability": "online",
        "homeassistant/device/neighbour/config": json.dumps(foreign),
        "homeassistant/light/lamp/config": '{"name": "Lamp"}',
    }


def test_what_is_ours_is_listed_and_removed_and_the_rest_is_left(broker, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "busbar.toml"
    path.write_text(SITE.format(port=broker.port), encoding="utf-8")
    asyncio.run(retain(broker.port, shown(path.read_text(encoding="utf-8"))))
    ask = ["--config", str(path), "--seconds", "3", "--json"]

    found = json.loads(CliRunner().invoke(app, ["list", *ask]).stdout)["found"]
    removed = CliRunner().invoke(app, ["remove", *ask])
    after = json.loads(CliRunner().invoke(app, ["list", *ask]).stdout)["found"]

    assert len(found) > 20
    assert not any("neighbour" in topic or "lamp" in topic for topic in found)
    assert removed.exit_code == 0
    assert json.loads(removed.stdout) == {"removed": found, "left": []}
    assert after == []


def test_without_a_broker_it_says_so(broker, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    broker.kill()
    path = tmp_path / "busbar.toml"
    path.write_text(SITE.format(port=broker.port), encoding="utf-8")

    done = CliRunner().invoke(app, ["list", "--config", str(path)])

    assert done.exit_code == 1
    assert "does not answer" in done.stderr


def test_entities_of_a_statestream_are_found(
    broker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "busbar.toml"
    path.write_text(SITE.format(port=broker.port), encoding="utf-8")
    ids = [f"statestream/sensor/power_meter_phase_{phase}_current/state" for phase in "abc"]
    asyncio.run(retain(broker.port, dict.fromkeys(ids, "1.5")))

    detect(config=path, seconds=3.0, bridge=False, json=False, base="statestream")

    assert '"c.current_a" = { topic = "busbar-bridge/meter"' in capsys.readouterr().out
