"""The service as a process of its own, on a real broker and against the fake cloud over real HTTP."""

import asyncio
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from busbar_shared.bus import MqttBus
from busbar_shared.clock import RealClock
from busbar_shared.config.load import read
from busbar_shared.life import connect
from busbar_simulator.charge_amps_cloud.charger import Connector
from busbar_simulator.charge_amps_cloud.cloud import Cloud
from busbar_simulator.charge_amps_cloud.server import serving

pytestmark = pytest.mark.system

CHARGER = "2106037142M"
DOCS = Path(__file__).parents[3] / "docs" / "charge-amps.md"
CONFIG = """
[site]
id = "test"
timezone = "Europe/Amsterdam"
[broker]
host = "127.0.0.1"
port = {mqtt}
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 5
[meters.grid]
modbus = {{ host = "127.0.0.1", port = 1, unit = 200 }}
[chargeamps]
operation_mode = "hems"
base_url = "http://127.0.0.1:{cloud}/api"
poll_idle_s = 5
[chargeamps.connectors.1]
charge_point = "2106037142M"
"""


class Running:
    """The service, the cloud behind it and what is said on the bus."""

    def __init__(
        self, bus: MqttBus, charger: Connector, broker: Any, config: Path, environ: dict[str, str]
    ) -> None:
        self.bus, self.charger, self.broker, self.config, self.environ = bus, charger, broker, config, environ
        self.said: dict[str, bytes] = {}
        self.order: list[str] = []
        """The topics in the order in which something was first said on them."""
        self.arrived = asyncio.Event()
        self.process: asyncio.subprocess.Process | None = None

    async def listen(self) -> None:
        async for heard in self.bus.listen_raw("hems/charge-amps/#", "hems/service/chargeamps/#"):
            if heard.topic not in self.order:
                self.order.append(heard.topic)
            self.said[heard.topic] = heard.payload
            self.arrived.set()

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "busbar_cli",
            "run",
            "chargeamps",
            "--config",
            str(self.config),
            env=self.environ,
        )

    async def stop(self, how: int = signal.SIGTERM) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(how)
            await self.process.wait()

    @property
    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.said.get("hems/charge-amps/1/status") or b"{}")
        return found

    async def until(self, what: Any, seconds: float = 30.0) -> float:
        """Wait until something is so; how long it took."""
        began = time.monotonic()
        async with asyncio.timeout(seconds):
            while not what():
                self.arrived.clear()
                await self.arrived.wait()
        return time.monotonic() - began

    async def tell(self, verb: str, payload: bytes, retain: bool = False) -> None:
        await self.bus.say_raw(f"hems/charge-amps/1/schedule/{verb}", payload, qos=1, retain=retain)


@pytest.fixture
async def running(broker: Any, tmp_path: Path) -> AsyncIterator[Running]:
    clock = RealClock()
    cloud = Cloud(now=clock.now)
    charger = cloud.add(CHARGER)
    charger.plug()
    async with serving(cloud) as port:
        text = CONFIG.format(mqtt=broker.port, cloud=port)
        config = tmp_path / "busbar.toml"
        config.write_text(text)
        environ = dict(os.environ) | {
            "CHARGEAMPS_EMAIL": cloud.email,
            "CHARGEAMPS_PASSWORD": cloud.password,
            "BUSBAR_STATE_DIR": str(tmp_path / "state"),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }
        async with connect(read(text), "test", {}) as bus:
            made = Running(bus, charger, broker, config, environ)
            listening = asyncio.create_task(made.listen())
            try:
                await bus.connected.wait()
                await made.start()
                await made.until(lambda: made.status.get("ready_for_schedule"), 30)
                yield made
                await made.stop()
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)


def in_hours(hours: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + hours * 3600))


def window(begin: float, end: float) -> bytes:
    return json.dumps({"periods": [{"start": in_hours(begin), "end": in_hours(end)}]}).encode()


async def test_a_schedule_goes_through_broker_service_and_cloud(running: Running) -> None:
    assert running.said["hems/charge-amps/availability"] == b"online"
    contract = [topic for topic in running.order if topic.startswith("hems/charge-amps/")]
    assert contract == ["hems/charge-amps/availability", "hems/charge-amps/1/status"]

    await running.tell("set", window(-0.1, 1))
    took_s = await running.until(lambda: running.status.get("last_command_result") == "accepted")
    # The promise is one second, and in virtual time no time at all; this machine may be busy with other tests.
    assert took_s < 4.0
    await running.until(
        lambda: running.status.get("sync") == "synced" and running.status["state"] == "charging"
    )
    assert running.status["current_power_kw"] == pytest.approx(11.04)

    await running.tell("clear", b"\xff\x00")
    await running.until(
        lambda: running.status.get("state") == "plugged_in" and running.status["sync"] == "synced"
    )
    assert running.status["schedule_source"] == "none"

    await running.stop()
    await running.until(lambda: running.said["hems/charge-amps/availability"] == b"offline")
    assert b"offline" in running.said["hems/service/chargeamps/status"]


async def test_a_killed_service_is_announced_offline_and_comes_back_to_the_same_plan(
    running: Running,
) -> None:
    await running.tell("set", window(1, 2))
    await running.until(lambda: running.status.get("sync") == "synced")
    await running.stop(signal.SIGKILL)
    await running.until(lambda: running.said["hems/charge-amps/availability"] == b"offline", 30)

    await running.start()
    await running.until(lambda: running.said["hems/charge-amps/availability"] == b"online", 30)
    await running.until(lambda: running.status.get("sync") == "synced")
    assert running.status["schedule_source"] == "hems"
    assert len(running.charger.writes) == 1


async def test_a_broker_that_restarts_gets_the_status_again_and_the_cloud_nothing(running: Running) -> None:
    await running.tell("set", window(1, 2))
    await running.until(lambda: running.status.get("sync") == "synced")
    running.broker.kill()
    running.said.clear()
    running.broker.start()
    await running.until(lambda: running.status.get("schedule_source") == "hems", 30)
    await running.until(lambda: running.said.get("hems/charge-amps/availability") == b"online", 30)
    assert len(running.charger.writes) == 1


PERIOD = b'{"start": "2099-01-01T00:00:00Z", "end": "2099-01-01T01:00:00Z"}'


def periods(*raw: bytes, more: bytes = b"") -> bytes:
    return b'{"periods": [' + b", ".join(raw) + b"]" + more + b"}"


HOSTILE: list[tuple[str, bytes, str]] = [
    ("a nesting bomb", b"[" * 60_000, "payload_not_json"),
    ("too much", b" " * 65_537, "payload_too_large"),
    ("bytes that are no text", b"\xff\xfe{}", "payload_not_utf8"),
    ("blanks", b" \n", "payload_not_json"),
    ("NaN", b'{"max_current": NaN, "periods": []}', "payload_not_json"),
    ("half a message", b'{"periods": [{"start": "2025', "payload_not_json"),
    ("a key twice", b'{"periods": [], "periods": []}', "payload_duplicate_key"),
    ("a key of half a character, twice", rb'{"\ud800": 1, "\ud800": 2}', "payload_duplicate_key"),
    ("nothing at all, as JSON", b"null", "payload_not_object"),
    ("a list", periods(PERIOD)[12:-1], "payload_not_object"),
    ("a number", b"-7", "payload_not_object"),
    ("a source of half a character", rb'{"source": "\ud800", "periods": []}', "source_invalid"),
    ("a source that is a list", b'{"source": [], "periods": []}', "source_invalid"),
    ("a number with 9000 digits", b'{"max_current": ' + b"9" * 9000 + b"}", "periods_missing"),
    ("periods that are a text", b'{"periods": "tonight"}', "periods_type"),
    ("no period", periods(), "periods_empty"),
    ("193 periods", periods(*[PERIOD] * 193), "periods_too_many"),
    ("a period that is null", periods(PERIOD, b"null"), "period_type"),
    ("a period without an end", periods(b'{"start": "2099-01-01T00:00:00Z"}'), "period_field_missing"),
    ("a time as a number", periods(b'{"start": 1764885600, "end": 1764889200}'), "timestamp_type"),
    ("no point in time", periods(b'{"start": "soon", "end": "later"}'), "timestamp_invalid"),
    (
        "the end of time",
        periods(b'{"start": "0001-01-01T00:00:00+14:00", "end": "9999-12-31T23:59:59-12:00"}'),
        "timestamp_invalid",
    ),
    (
        "no offset",
        periods(b'{"start": "2099-01-01T00:00:00", "end": "2099-01-01T01:00:00Z"}'),
        "timestamp_naive",
    ),
    (
        "backwards",
        periods(b'{"start": "2099-01-01T01:00:00Z", "end": "2099-01-01T00:00:00Z"}'),
        "period_end_not_after_start",
    ),
    ("a current as text", periods(PERIOD, more=b', "max_current": "16"'), "max_current_type"),
    ("an infinite current", periods(PERIOD, more=b', "max_current": 1e999'), "max_current_type"),
    ("no current", periods(PERIOD, more=b', "max_current": 0'), "max_current_range"),
    ("expired long ago", periods(PERIOD, more=b', "expires_at": "2001-01-01T00:00:00Z"'), "expired"),
    ("two currents at a time", periods(PERIOD, PERIOD[:-1] + b', "max_current": 8}'), "period_overlap_conflict"),
    (
        "all over",
        periods(b'{"start": "2001-01-01T00:00:00Z", "end": "2001-01-01T01:00:00Z"}'),
        "no_effective_periods",
    ),
    ("years ahead", periods(PERIOD), "horizon_exceeded"),
]  # fmt: skip


async def test_no_payload_whatever_stops_the_service(running: Running) -> None:
    for name, payload, code in HOSTILE:
        running.said["hems/charge-amps/1/status"] = b"{}"
        await running.tell("set", payload)
        await running.until(lambda: running.status.get("last_command_result") == "rejected")
        assert running.status["last_command_error"]["code"] == code, name
        assert running.status["schedule_source"] == "none", name
    await running.tell("set", b"")
    await running.until(lambda: running.status.get("last_command_result") == "ignored")
    assert running.charger.writes == []

    # A stranger's topics, and the retained rest of somebody's trial, change nothing either.
    for topic in ("hems/charge-amps/2/schedule/set", "hems/charge-amps/01/schedule/set"):
        await running.bus.say_raw(topic, window(1, 2), qos=1)
    await running.tell("set", window(1, 2))
    await running.until(lambda: running.status.get("sync") == "synced")
    assert len(running.charger.writes) == 1
    assert running.process is not None
    assert running.process.returncode is None


@pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="mosquitto_pub is not on this machine")
async def test_what_mosquitto_pub_sends_from_files_and_retained_is_judged_the_same(
    running: Running, tmp_path: Path
) -> None:
    async def publish(topic: str, payload: bytes, *more: str) -> None:
        file = tmp_path / "payload"
        file.write_bytes(payload)
        command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(running.broker.port), "-q", "1", "-t", topic]
        done = await asyncio.create_subprocess_exec(*command, "-f", str(file), *more)
        assert await done.wait() == 0

    place = "hems/charge-amps/1/schedule"
    await publish(f"{place}/set", b"\xff\x00\xfe")
    await running.until(
        lambda: (running.status.get("last_command_error") or {}).get("code") == "payload_not_utf8"
    )
    await publish(f"{place}/set", window(1, 2), "-r")
    await running.until(lambda: running.status.get("sync") == "synced")

    # After a restart the broker says it again; what is kept on disk counts, and a retained clear stops nothing.
    await publish(f"{place}/clear", b"null", "-r")
    await running.until(lambda: running.status.get("last_command_result") == "cleared")
    await publish(f"{place}/set", window(1, 2))
    await running.until(
        lambda: running.status.get("sync") == "synced" and running.status["schedule_source"] == "hems"
    )
    await running.stop()
    running.said.clear()
    await running.start()
    await running.until(lambda: running.status.get("last_command_result") == "ignored", 30)
    await running.until(lambda: running.status.get("sync") == "synced")
    assert running.status["schedule_source"] == "hems"


async def test_the_service_stays_small(running: Running) -> None:
    await running.until(lambda: b"memory_mib" in running.said.get("hems/service/chargeamps/status", b""))
    assert json.loads(running.said["hems/service/chargeamps/status"])["memory_mib"] < 60


@pytest.mark.skipif(shutil.which("mosquitto_pub") is None, reason="mosquitto_pub is not on this machine")
async def test_the_session_of_the_guide_runs_as_it_stands(running: Running) -> None:
    found = re.search(r"```sh session\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found is not None
    environ = dict(os.environ) | {"BROKER": "127.0.0.1", "PORT": str(running.broker.port)}
    shell = await asyncio.create_subprocess_exec(
        "bash",
        "-e",
        "-c",
        found[1],
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(120):
        out, err = await shell.communicate()
    assert (shell.returncode, err) == (0, b"")
    online, accepted, refused, cleared = out.decode().splitlines()
    assert online == "online"
    assert json.loads(accepted)["schedule_source"] == "hems"
    assert json.loads(accepted)["applied_max_current"] == 10
    assert json.loads(refused)["last_command_error"]["code"] == "timestamp_naive"
    assert json.loads(refused)["schedule_source"] == "hems"
    assert json.loads(cleared)["last_command_result"] == "cleared"


async def test_the_command_line_sends_a_schedule_and_says_what_became_of_it(running: Running) -> None:
    async def busbar(*words: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "busbar_cli", "chargeamps", "send-schedule", "--config", str(running.config), *words,
            env=running.environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        out, _ = await process.communicate()
        return process.returncode, out.decode()

    code, said = await busbar("--period", f"{in_hours(1)}/{in_hours(2)}", "--max-current", "10")
    assert (code, said.splitlines()[0]) == (0, "accepted")
    code, said = await busbar("--period", f"{in_hours(2)}/{in_hours(1)}")
    assert code == 1
    assert said.startswith("rejected: period_end_not_after_start periods[0].end")
    code, said = await busbar("--clear")
    assert (code, said.splitlines()[0]) == (0, "cleared")


async def test_the_command_line_asks_to_begin_anew_and_says_what_became_of_it(running: Running) -> None:
    async def busbar(*words: str, command: str = "refresh") -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "busbar_cli", "chargeamps", command, "--config", str(running.config), *words,
            env=running.environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        return process.returncode, (out or err).decode()

    assert await busbar() == (0, "asked anew, sync none\n")
    await busbar("--period", f"{in_hours(1)}/{in_hours(2)}", command="send-schedule")
    await running.until(lambda: running.status.get("sync") == "synced")
    code, said = await busbar()
    assert (code, said.splitlines()[0]) == (0, "asked anew, sync synced")
    assert said.splitlines()[1].startswith("next period ")
    code, said = await busbar("--json")
    assert code == 0
    assert json.loads(said)["refresh_id"] == running.status["refresh_id"]
    assert json.loads(said)["sync"] == "synced"
    code, said = await busbar("--connector", "cellar")
    assert code == 2
    assert "--connector: 'cellar' is none of " in said
