"""Every `busbar plug` command at a live bus: what it prints, for people and for programs, and how it ends."""

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from busbar_contracts.load import ManualSwitch, PlugState
from busbar_plugs.commands import app
from busbar_shared.bus import MqttBus
from command_line import Shell, rows, shell

pytestmark = pytest.mark.system

SITE = """
[site]
id = "home"
[broker]
host = "127.0.0.1"
port = {port}
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 10
[meters.grid]
modbus = {{ host = "127.0.0.1" }}
[plugs.boiler]
topic = "shellyplus1pm-1"
manual_hold_s = 600
[plugs.dryer]
driver = "tasmota"
"""
BOILER = PlugState(
    at=datetime(2026, 5, 10, 12, 0, tzinfo=UTC), link=True, on=True, power_w=1984.2, max_w=2000.0, min_w=2000.0,
    learned_w=1990.4, standby_w=1.2, peak_w=2210.0, duty_percent=17.5, wants_power=True, measures=True,
    order_on=True, issuer="allocator", device_timer=True,
)  # fmt: skip


async def a_shell(broker: Any, folder: Path) -> Any:
    return shell(app, folder, SITE.format(port=broker.port))


async def obey(bus: MqttBus) -> None:
    async for one in bus.listen(ManualSwitch):
        state = PlugState(at=BOILER.at, link=True, on=one.message.on, manual=True, issuer="owner")
        await bus.say(state, **one.ids)


async def refuse(bus: MqttBus) -> None:
    async for one in bus.listen(ManualSwitch):
        await bus.say(PlugState(at=BOILER.at, link=True, on=True, last_refusal="overpower"), **one.ids)


async def test_the_list_shows_every_configured_plug(broker: Any, tmp_path: Path) -> None:
    async with await a_shell(broker, tmp_path) as typed:
        await typed.says(BOILER, plug="boiler")
        done = await typed.types("list")
        machine = await typed.types("list", "--json")

    assert done.exit_code == 0
    lines = rows(done.stdout)
    assert "yes on 1984 W 1990 W, 18 % of the time yes allocator" in lines["boiler"]
    assert "never seen" in lines["dryer"]
    told = json.loads(machine.stdout)
    assert (told["boiler"]["power_w"], told["boiler"]["learned_w"], told["dryer"]) == (1984.2, 1990.4, None)


async def test_one_plug_is_shown_with_what_was_learned(broker: Any, tmp_path: Path) -> None:
    async with await a_shell(broker, tmp_path) as typed:
        await typed.says(BOILER, plug="boiler")
        done = await typed.types("show", "boiler")
        machine = await typed.types("show", "boiler", "--json")

    assert done.exit_code == 0
    shown = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert [shown[key] for key in ("learned_w", "standby_w", "peak_w", "duty_percent", "energy_wh")] == [
        "1990.4", "1.2", "2210.0", "17.5", "unknown",
    ]  # fmt: skip
    assert json.loads(machine.stdout)["peak_w"] == 2210.0


async def test_a_switch_by_hand_says_how_long_it_is_respected(broker: Any, tmp_path: Path) -> None:
    async with await a_shell(broker, tmp_path) as typed:
        await typed.says(BOILER, plug="boiler")
        async with typed.while_(obey):
            done = await typed.types("switch", "boiler", "off")
            machine = await typed.types("switch", "boiler", "on", "--json")

    assert (done.exit_code, done.stdout) == (0, "boiler is off, by hand for 10 min\n")
    assert (machine.exit_code, json.loads(machine.stdout)["on"]) == (0, True)


async def test_a_plug_that_does_not_obey_ends_the_command_with_its_own_reason(
    broker: Any, tmp_path: Path
) -> None:
    async with await a_shell(broker, tmp_path) as typed:
        await typed.says(BOILER, plug="boiler")
        async with typed.while_(refuse):
            done = await typed.types("switch", "boiler", "off")

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "boiler does not say that it is off: overpower\n"


async def speak(typed: Shell) -> None:
    """A Shelly and a Tasmota left retained words behind."""
    await typed.bus.say_raw("shellyplus1pm-9/online", b"true", qos=1, retain=True)
    discovered = b'{"t":"kettle","fn":["Kettle"],"ft":"%prefix%/%topic%/","rl":[1,0]}'
    await typed.bus.say_raw("tasmota/discovery/A/config", discovered, qos=1, retain=True)
    assert await typed.bus.drain()


async def test_found_plugs_are_printed_as_a_configuration_that_loads(broker: Any, tmp_path: Path) -> None:
    async with await a_shell(broker, tmp_path) as typed:
        await speak(typed)
        done = await typed.types("detect", "--seconds", "1")
        machine = await typed.types("detect", "--seconds", "1", "--json")
        # What was printed is pasted below what there is.
        typed.path.write_text(typed.path.read_text(encoding="utf-8") + done.stdout, encoding="utf-8")
        listed = await typed.types("list", "--json")

    assert done.exit_code == 0
    assert set(tomllib.loads(done.stdout)["plugs"]) == {"kettle", "shellyplus1pm-9"}
    assert [one["driver"] for one in json.loads(machine.stdout)] == ["shelly", "tasmota"]
    assert set(json.loads(listed.stdout)) == {"boiler", "dryer", "kettle", "shellyplus1pm-9"}


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        pytest.param(
            ["show", "toaster"],
            2,
            "'toaster' is not configured; there are: boiler, dryer",
            id="show: no such plug",
        ),
        pytest.param(
            ["switch", "toaster", "on"],
            2,
            "'toaster' is not configured; there are: boiler, dryer",
            id="switch: no such plug",
        ),
        pytest.param(["switch", "boiler", "maybe"], 2, "Invalid value for", id="neither on nor off"),
        pytest.param(
            ["show", "dryer"],
            1,
            "nothing is known of plug dryer; is the plug service running?",
            id="show: never heard",
        ),
        pytest.param(
            ["switch", "dryer", "on"],
            1,
            "nothing is known of plug dryer; is the plug service running?",
            id="switch: never heard",
        ),
        pytest.param(
            ["detect", "--seconds", "0.5"],
            1,
            "no plug gave itself away within 0.5 s",
            id="detect: nobody spoke",
        ),
        pytest.param(
            ["detect", "--seconds", "0"], 2, "Invalid value for '--seconds'", id="detect: no time to listen"
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


@pytest.mark.parametrize("words", [["list"], ["show", "boiler"], ["switch", "boiler", "on"], ["detect"]])
async def test_without_a_broker_every_command_says_so(words: list[str], broker: Any, tmp_path: Path) -> None:
    async with await a_shell(broker, tmp_path) as typed:
        broker.kill()
        done = await typed.types(*words)

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"the broker 127.0.0.1:{broker.port} does not answer\n"
