"""Every `busbar heat` command at a live bus: what it prints, for people and for programs, and how it ends."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from busbar_contracts.load import (
    HeatMode,
    HeatState,
    LoadMode,
    LoadSettings,
    LoadSettingsSet,
    ManualHeat,
)
from busbar_heat.commands import app
from busbar_shared.bus import MqttBus
from command_line import rows, shell

pytestmark = pytest.mark.system

SITE = """
[site]
id = "home"
[broker]
host = "127.0.0.1"
port = {port}
[circuits.main]
limit_a = 40
meter = "grid"
assumed_background_a = 10
[meters.grid]
modbus = {{ host = "127.0.0.1" }}
[plugs.th16]
driver = "tasmota"
[heaters.tank]
rating_w = 3500
mode = "excess"
[heaters.tank.topics]
command = "tank/set"
[heaters.pump]
kind = "sg_ready"
[heaters.pump.topics]
relay_a = {{ command = "a/set" }}
relay_b = {{ command = "b/set" }}
"""
NOON = datetime(2026, 5, 10, 12, 0, tzinfo=UTC)
TANK = HeatState(
    at=NOON, link=True, on=True, temperature_c=51.3, target_c=45.0, storage_c=70.0, storage_demand=True,
    wanted_wh=4340.0, reach_s=4464.0, confidence=0.82, max_w=3500.0, min_w=3500.0, order=HeatMode.BOOST,
    issuer="allocator",
)  # fmt: skip
PUMP = HeatState(at=NOON, link=True, on=None, sg_state=2, comfort_demand=True)
SETTINGS = LoadSettings(mode=LoadMode.EXCESS, modes=tuple(LoadMode), priority=1, enabled=True)


async def a_shell(broker: Any, folder: Path) -> Any:
    return shell(app, folder, SITE.format(port=broker.port))


async def turn(bus: MqttBus) -> None:
    """The heat service, as far as a state by hand goes."""
    async for one in bus.listen(ManualHeat):
        later = NOON + timedelta(minutes=10)
        await bus.say(replace(PUMP, sg_state=one.message.sg_state or 2, may_switch_at=later), **one.ids)


async def settle(bus: MqttBus) -> None:
    """The allocator, as far as a mode goes: it has Boost, and refuses all else."""
    async for one in bus.listen(LoadSettingsSet):
        good = one.message.mode is LoadMode.BOOST
        changed = (
            replace(SETTINGS, mode=LoadMode.BOOST) if good else replace(SETTINGS, refused="mode: not now")
        )
        await bus.say(changed, **one.ids)


async def boost(bus: MqttBus) -> None:
    """The allocator, as far as a boost goes; the second time it has none."""
    given = True
    async for one in bus.listen(LoadSettingsSet):
        until = NOON + timedelta(seconds=one.message.boost_for_s or 0)
        changed = (
            replace(SETTINGS, boost=True, boost_until=until) if given else replace(SETTINGS, refused="no")
        )
        given = False
        await bus.say(changed, **one.ids)


async def test_a_heater_is_boosted_for_a_while_and_keeps_its_mode(broker: Any, tmp_path: Path) -> None:
    async with await a_shell(broker, tmp_path) as typed:
        await typed.says(SETTINGS, load="tank")
        async with typed.while_(boost):
            done = await typed.types("switch", "tank", "boost", "--for-s", "7200")
            refused = await typed.types("switch", "tank", "boost", "--for-s", "60")
            wrong = await typed.types("switch", "tank", "normal", "--for-s", "60")

    assert (done.exit_code, done.stdout) == (
        0,
        "tank boosts until it is hot, at most until 16:00:00; then excess\n",
    )
    assert (refused.exit_code, refused.stderr) == (1, "tank does not boost: no\n")
    assert (wrong.exit_code, wrong.stderr) == (2, "--for-s goes with boost only, not with normal\n")


async def test_the_list_shows_every_configured_heater(broker: Any, tmp_path: Path) -> None:
    async with await a_shell(broker, tmp_path) as typed:
        await typed.says(TANK, heater="tank")
        done = await typed.types("list")
        machine = await typed.types("list", "--json")

    assert done.exit_code == 0
    lines = rows(done.stdout)
    assert "on 51.3 °C 45.0 °C storage 4.3 kWh (82 % sure) boost by allocator" in lines["tank"]
    assert "never seen" in lines["pump"]
    told = json.loads(machine.stdout)
    assert (told["tank"]["temperature_c"], told["pump"]) == (51.3, None)


async def test_one_heater_is_shown_with_its_model(broker: Any, tmp_path: Path) -> None:
    async with await a_shell(broker, tmp_path) as typed:
        await typed.says(TANK, heater="tank")
        done = await typed.types("show", "tank")
        machine = await typed.types("show", "tank", "--json")

    assert done.exit_code == 0
    shown = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert [shown[key] for key in ("wanted_wh", "reach_s", "confidence", "power_w")] == [
        "4340.0", "4464.0", "0.82", "unknown",
    ]  # fmt: skip
    assert json.loads(machine.stdout)["confidence"] == 0.82


async def test_a_heat_pump_is_set_by_hand_and_given_back(broker: Any, tmp_path: Path) -> None:
    async with await a_shell(broker, tmp_path) as typed:
        await typed.says(PUMP, heater="pump")
        async with typed.while_(turn):
            done = await typed.types("sg", "pump", "3")
            given_back = await typed.types("sg", "pump", "auto")
            machine = await typed.types("sg", "pump", "4", "--json")

    assert (done.exit_code, done.stdout) == (0, "pump is in state 3, no change before 14:10:00\n")
    assert (given_back.exit_code, given_back.stdout) == (
        0,
        "pump is in state 2, no change before 14:10:00\n",
    )
    assert (machine.exit_code, json.loads(machine.stdout)["sg_state"]) == (0, 4)


async def test_a_heater_is_switched_to_another_mode(broker: Any, tmp_path: Path) -> None:
    async with await a_shell(broker, tmp_path) as typed:
        await typed.says(SETTINGS, load="tank")
        async with typed.while_(settle):
            same = await typed.types("switch", "tank", "excess")
            done = await typed.types("switch", "tank", "boost")
            refused = await typed.types("switch", "tank", "off")
            machine = await typed.types("switch", "tank", "boost", "--json")

    assert (same.exit_code, same.stdout) == (0, "tank is in mode excess\n")
    assert (done.exit_code, done.stdout) == (0, "tank is in mode boost\n")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == "tank stays in mode excess: mode: not now\n"
    assert (machine.exit_code, json.loads(machine.stdout)["mode"]) == (0, "boost")


async def test_found_thermometers_are_printed_as_a_configuration_that_loads(
    broker: Any, tmp_path: Path
) -> None:
    sensor = b'{"DS18B20":{"Id":"3CE1","Temperature":47.9},"TempUnit":"C"}'
    async with await a_shell(broker, tmp_path) as typed:
        await typed.bus.say_raw("tele/th16/SENSOR", sensor, qos=1, retain=True)
        assert await typed.bus.drain()
        done = await typed.types("detect", "--seconds", "1")
        machine = await typed.types("detect", "--seconds", "1", "--json")
        typed.path.write_text(typed.path.read_text(encoding="utf-8") + done.stdout, encoding="utf-8")
        listed = await typed.types("list", "--json")

    assert done.exit_code == 0
    assert 'plug = "th16"' in done.stdout
    assert [one["celsius"] for one in json.loads(machine.stdout)] == [47.9]
    assert set(json.loads(listed.stdout)) == {"tank", "pump", "th16-ds18b20"}


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        pytest.param(
            ["show", "bath"], 2, "'bath' is not configured; there are: tank, pump", id="show: no such heater"
        ),
        pytest.param(
            ["sg", "bath", "3"], 2, "'bath' is not configured; there are: tank, pump", id="sg: no such heater"
        ),
        pytest.param(
            ["switch", "bath", "off"],
            2,
            "'bath' is not configured; there are: tank, pump",
            id="switch: no such heater",
        ),
        pytest.param(
            ["sg", "tank", "3"], 2, "tank is a tank, not an SG Ready heat pump", id="a tank has no SG states"
        ),
        pytest.param(["sg", "pump", "5"], 2, "Invalid value for", id="there is no state 5"),
        pytest.param(["switch", "tank", "warm"], 2, "Invalid value for", id="no such mode"),
        pytest.param(
            ["show", "pump"],
            1,
            "nothing is known of heater pump; is the heat service running?",
            id="show: never heard",
        ),
        pytest.param(
            ["sg", "pump", "2"],
            1,
            "heater pump does not answer; is the heat service running?",
            id="sg: no answer",
        ),
        pytest.param(
            ["switch", "tank", "off"],
            1,
            "nothing is known of the settings of tank; is the allocator running?",
            id="switch: no answer",
        ),
        pytest.param(
            ["detect", "--seconds", "0.5"],
            1,
            "no thermometer gave itself away within 0.5 s",
            id="detect: nobody spoke",
        ),
    ],
)
async def test_what_cannot_be_done_is_a_sentence(
    words: list[str], code: int, sentence: str, broker: Any, tmp_path: Path
) -> None:
    async with await a_shell(broker, tmp_path) as typed:
        done = await typed.types(*words)

    assert (done.exit_code, done.stdout) == (code, "")
    assert sentence in done.stderr


@pytest.mark.parametrize(
    "words", [["list"], ["show", "tank"], ["sg", "pump", "1"], ["switch", "tank", "off"], ["detect"]]
)
async def test_without_a_broker_every_command_says_so(words: list[str], broker: Any, tmp_path: Path) -> None:
    async with await a_shell(broker, tmp_path) as typed:
        broker.kill()
        done = await typed.types(*words)

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"the broker 127.0.0.1:{broker.port} does not answer\n"
