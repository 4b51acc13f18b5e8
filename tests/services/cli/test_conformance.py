"""What is off the contract is named, one sentence each, and what keeps to it is not."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from busbar_cli.conformance import Conformance
from busbar_cli.elsewhere import Elsewhere
from busbar_shared.bus import RawHeard
from busbar_shared.config.load import read
from busbar_shared.life import connect

AT = "2026-05-10T12:00:00Z"
READING = "hems/meter/grid/reading"
LIMIT = "hems/charger/left/1/limit/set"
SETTINGS = "hems/site/settings"
ORDER = {
    "issuer": "x",
    "instance": "1",
    "seq": 1,
    "issued_at": AT,
    "lease_s": 30,
    "reason": "a test",
    "limit_a": 6,
}


def said(topic: str, payload: Any, *, retained: bool = False) -> RawHeard:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return RawHeard(topic, raw, 0.0, retained)


@pytest.mark.parametrize(
    ("messages", "stored", "problems"),
    [
        pytest.param(
            [said(READING, {"at": AT, "power_w": 5}), said(SETTINGS, {}, retained=True), said(LIMIT, ORDER)],
            [SETTINGS],
            [],
            id="all is well",
        ),
        pytest.param(
            [said("hems/meter/grid/redaing", {})], [], ["hems/meter/grid/redaing: not in the contract"],
            id="a topic nobody knows",
        ),
        pytest.param(
            [said(READING, {"at": AT, "power_w": "much"})], [],
            [f"{READING}: $.power_w: Expected `float | null`, got `str`"],
            id="a figure that is a word names the field",
        ),
        pytest.param([said(READING, b"\xff\xfe")], [], [f"{READING}: byte 0 is not UTF-8"], id="not even text"),
        pytest.param([said(READING, b"{")], [], [f"{READING}: not JSON"], id="half a message"),
        pytest.param(
            [said(LIMIT, {**ORDER, "limit": 6})], [], [f"{LIMIT}: $: Object contains unknown field `limit`"],
            id="an order with a field nobody knows",
        ),
        pytest.param(
            [said(READING, {"at": AT, "power_w": 1, "detail": "x" * 20_000})], [],
            [f"{READING}: 20058 bytes, at most 16384"],
            id="a message that is too large",
        ),
        pytest.param(
            [said(READING, {"at": AT, "power_w": 1})] * 70, [],
            [f"{READING}: 70 messages in 10 s, at most 5 a second"],
            id="a meter that cannot be stopped",
        ),
        pytest.param(
            [said(LIMIT, ORDER, retained=True)], [LIMIT], [f"{LIMIT}: retained, and must not be"],
            id="an order that was retained before we came",
        ),
        pytest.param(
            [said(LIMIT, ORDER)], [LIMIT], [f"{LIMIT}: retained, and must not be"],
            id="an order that is retained while we listen is seen in the end",
        ),
        pytest.param(
            [said(SETTINGS, {})], [], [f"{SETTINGS}: not retained, and must be"], id="settings that are not retained",
        ),
        pytest.param(
            [said(SETTINGS, {}), said(SETTINGS, b"")], [], [], id="what was cleared need not be there",
        ),
        pytest.param([said("other/meter", {})], [], [], id="another root is another house"),
        pytest.param(
            [said("hems/somewhere", {})] * 3, [], ["hems/somewhere: not in the contract (3 times)"],
            id="the same fault is one line",
        ),
    ],
)  # fmt: skip
def test_what_is_off_the_contract_is_named(
    messages: list[RawHeard], stored: list[str], problems: list[str]
) -> None:
    judged = Conformance("hems")
    for message in messages:
        judged.hear(message)
    judged.look_at_stored(stored)

    found = judged.finish(10.0)

    assert len(found) == len(problems)
    for text, begins in zip(found, problems, strict=True):
        assert text.startswith(begins)


@pytest.mark.parametrize(
    ("topic", "payload", "root"),
    [
        pytest.param("/hems/meter/grid/reading", {"at": AT, "power_w": 5}, "/hems", id="a slash in front"),
        pytest.param("HEMS/meter/grid/reading", {"at": AT, "power_w": 5}, "HEMS", id="capitals"),
        pytest.param("meter/grid/reading", {"at": AT, "power_w": 5}, "", id="no root at all"),
        pytest.param("sites/7/hems/charger/left/1/limit/set", ORDER, "sites/7/hems", id="another house of a fleet"),
        pytest.param(READING, {"at": AT, "power_w": 5}, None, id="below our own root it is judged"),
        pytest.param("garage/ca/charge-amps/1/schedule/clear", {}, None, id="a root the site has chosen for a part"),
        pytest.param("tele/meter/grid/reading", {"power_w": 5}, None, id="a stranger who sounds alike"),
        pytest.param("zigbee2mqtt/pump/set", {"state": "ON"}, None, id="a device"),
        pytest.param("a/service/x/status", b"\xff", None, id="nonsense"),
        pytest.param("a/service/x/status", b"", None, id="nothing"),
    ],
)  # fmt: skip
def test_what_is_said_below_another_root_is_noted(topic: str, payload: Any, root: str | None) -> None:
    elsewhere = Elsewhere("hems", ("garage/ca",))
    elsewhere.hear(said(topic, payload))

    assert elsewhere.notes() == (
        []
        if root is None
        else [f"below {root!r}, not below 'hems': 1 messages of the contract's form, for example {topic}"]
    )


def test_of_a_fleet_the_busiest_houses_are_named() -> None:
    elsewhere = Elsewhere("hems")
    for house in range(30):
        for _ in range(house + 1):
            elsewhere.hear(said(f"sites/{house}/hems/meter/grid/reading", {"at": AT, "power_w": 5}))

    assert len(elsewhere.notes()) == 10
    assert "'sites/29/hems'" in elsewhere.notes()[0]
    assert "30 messages" in elsewhere.notes()[0]


SITE = '[site]\nname = "Home"\n[broker]\nhost = "127.0.0.1"\nport = {port}\n'


@pytest.mark.system
async def test_a_live_broker_is_judged_with_an_exit_code(broker: Any, tmp_path: Path) -> None:
    file = tmp_path / "busbar.toml"
    file.write_text(SITE.format(port=broker.port), encoding="utf-8")
    environ = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    command = [
        sys.executable, "-m", "busbar_cli", "contract", "check", "--json", "--seconds", "4", "--config", str(file),
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(*command, env=environ, stdout=asyncio.subprocess.PIPE)
    async with connect(read(file.read_text(encoding="utf-8")), "somebody", {}) as bus:
        while process.returncode is None:
            await bus.say_raw("hems/meter/grid/redaing", b"{}", qos=1, retain=False)
            await bus.say_raw(READING, b'{"power_w": 5}', qos=0, retain=False)
            await bus.say_raw(LIMIT, json.dumps(ORDER).encode(), qos=1, retain=True)
            await bus.say_raw(SETTINGS, b"{}", qos=1, retain=False)
            await bus.say_raw(
                f"/{READING}", json.dumps({"at": AT, "power_w": 5}).encode(), qos=0, retain=False
            )
            with_patience = asyncio.wait_for(process.wait(), 0.5)
            try:
                await with_patience
            except TimeoutError:
                continue
    assert process.stdout is not None
    found = json.loads(await process.stdout.read())
    assert process.returncode == 1
    assert found["heard"] > 5
    whole = "\n".join(found["problems"])
    assert "hems/meter/grid/redaing: not in the contract" in whole
    assert "missing required field `at`" in whole
    assert f"{LIMIT}: retained, and must not be" in whole
    assert f"{SETTINGS}: not retained, and must be" in whole
    assert [one.partition(",")[0] for one in found["elsewhere"]] == ["below '/hems'"]
