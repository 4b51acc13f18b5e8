"""The bus over a real broker: what is not the contract changes nothing, and everything comes back by itself."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from busbar_contracts.charger import ChargerLimit
from busbar_contracts.meter import MeterReading
from busbar_contracts.prices import PriceSeries
from busbar_contracts.service import ServiceEvent, ServiceStatus
from busbar_shared.bus import MqttBus
from busbar_shared.clock import RealClock
from busbar_shared.config.broker import BrokerConfig
from busbar_shared.leases import OrderStamp

pytestmark = pytest.mark.system


def bus_at(port: int, name: str, **more: Any) -> MqttBus:
    return MqttBus(BrokerConfig(host="127.0.0.1", port=port), client_id=f"test-{name}", service=name, **more)


def a_limit(stamp: OrderStamp, amps: float = 10.0) -> ChargerLimit:
    return ChargerLimit(**stamp.next(datetime.now(UTC)), lease_s=30.0, reason="test", limit_a=amps)


async def first(iterator: Any, seconds: float = 5.0) -> Any:
    async with asyncio.timeout(seconds):
        return await anext(iterator)


async def test_a_message_arrives_as_it_was_said(broker: Any) -> None:
    async with bus_at(broker.port, "ear") as ear, bus_at(broker.port, "mouth") as mouth:
        heard = ear.listen(ChargerLimit)
        await ear.connected.wait()
        await mouth.connected.wait()
        await asyncio.sleep(0.2)

        said = a_limit(OrderStamp("allocator"))
        await mouth.say(said, charger="left", connector="1")

        one = await first(heard)
        assert one.message == said
        assert one.ids == {"charger": "left", "connector": "1"}
        assert one.retained is False


OFF_CONTRACT = [
    pytest.param(b"not json", "payload_not_json", id="not JSON"),
    pytest.param(b"\xff\xfe", "payload_not_utf8", id="not UTF-8"),
    pytest.param(b"[" * 5000, "off_contract", id="nested without end"),
    pytest.param(b'{"limit_a": 16}', "off_contract", id="fields are missing"),
    pytest.param(b'{"x": "' + b"a" * 9000 + b'"}', "payload_too_large", id="too large"),
    pytest.param(b"null", "off_contract", id="null"),
    pytest.param(
        b'{"issuer":"x","instance":"y","seq":1,"issued_at":"2026-06-21T10:00:00Z","lease_s":30,"reason":"","limit_a":NaN}',
        "payload_not_json",
        id="not a number",
    ),
    pytest.param(
        b'{"issuer":"x","instance":"y","seq":1,"issued_at":"2026-06-21T10:00:00Z","lease_s":30,"reason":"","limit_a":-5}',
        "off_contract",
        id="a negative limit",
    ),
    pytest.param(
        b'{"issuer":"x","instance":"y","seq":1,"issued_at":"2026-06-21T10:00:00","lease_s":30,"reason":"","limit_a":5}',
        "off_contract",
        id="a time without offset",
    ),
    pytest.param(
        b'{"issuer":"x","instance":"y","seq":1,"issued_at":"2026-06-21T10:00:00Z","lease_s":30,"reason":"","limit_a":5,"x":1}',
        "off_contract",
        id="a field a command does not have",
    ),
]


@pytest.mark.parametrize(("payload", "code"), OFF_CONTRACT)
async def test_what_is_not_the_contract_is_refused_with_an_event(
    broker: Any, payload: bytes, code: str
) -> None:
    async with bus_at(broker.port, "ear") as ear, bus_at(broker.port, "mouth") as mouth:
        heard, events = ear.listen(ChargerLimit), mouth.listen(ServiceEvent)
        await ear.connected.wait()
        await mouth.connected.wait()
        await asyncio.sleep(0.2)

        await mouth.say_raw("hems/charger/left/1/limit/set", payload, qos=1)
        event = (await first(events)).message
        await mouth.say(a_limit(OrderStamp("allocator"), 7.0), charger="left", connector="1")

        assert event.code == code
        assert (await first(heard)).message.limit_a == 7.0


async def test_the_availability_of_the_prices_is_not_taken_for_a_series(broker: Any) -> None:
    async with bus_at(broker.port, "ear") as ear, bus_at(broker.port, "mouth") as mouth:
        heard, events = ear.listen(PriceSeries), mouth.listen(ServiceEvent)
        await ear.connected.wait()
        await mouth.connected.wait()
        await asyncio.sleep(0.2)

        await mouth.say_raw("hems/prices/availability", b"online", qos=1)
        series = PriceSeries(
            schema="hems.prices/1", series="import", currency="EUR", unit="EUR/kWh", slots=()
        )
        await mouth.say(series, series="import")

        assert (await first(heard)).message == series
        with pytest.raises(TimeoutError):
            await first(events, 0.3)


async def test_a_retained_command_is_ignored_and_cleared(broker: Any) -> None:
    stamp = OrderStamp("allocator")
    async with bus_at(broker.port, "mouth") as mouth:
        await mouth.connected.wait()
        import msgspec

        await mouth.say_raw(
            "hems/charger/left/1/limit/set", msgspec.json.encode(a_limit(stamp)), qos=1, retain=True
        )
        await mouth.drain()
        await asyncio.sleep(0.2)
        events = mouth.listen(ServiceEvent)
        async with bus_at(broker.port, "ear") as ear:
            heard = ear.listen(ChargerLimit)
            assert (await first(events)).message.code == "retained_command"
            await asyncio.sleep(0.3)
            await mouth.say(a_limit(stamp, 8.0), charger="left", connector="1")
            assert (await first(heard)).message.limit_a == 8.0
        async with bus_at(broker.port, "late") as late:
            after = late.listen_raw("hems/charger/left/1/limit/set")
            await late.connected.wait()
            with pytest.raises(TimeoutError):
                await first(after, 0.7)


async def test_after_the_broker_died_everything_comes_back_without_help(broker: Any) -> None:
    async with bus_at(broker.port, "ear") as ear, bus_at(broker.port, "mouth") as mouth:
        statuses, limits = ear.listen(ServiceStatus), ear.listen(ChargerLimit)
        await ear.connected.wait()
        await mouth.connected.wait()
        now = datetime.now(UTC)
        said = ServiceStatus(state="online", instance="i", version="1", contract="1", started_at=now, at=now)
        await mouth.say(said, service="mouth")
        assert (await first(statuses)).message == said

        broker.kill()
        await asyncio.sleep(1.0)
        broker.start()
        async with asyncio.timeout(30):
            await ear.connected.wait()
            await mouth.connected.wait()

        assert (await first(statuses, 10)).message == said, "retained state is said again"
        async with asyncio.timeout(30):
            stamp = OrderStamp("allocator")
            while True:
                await mouth.say(a_limit(stamp), charger="left", connector="1")
                try:
                    await first(limits, 1)
                    break
                except TimeoutError:
                    limits = ear.listen(ChargerLimit)


class Hurried(RealClock):
    """A clock whose waits are a hundredth as long, for what would be tried again after seconds."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 100)


class Startled(MqttBus):
    """A bus whose library fails as aiomqtt 2.5.1 does when the broker dies while it connects."""

    failures = 0

    def _new_client(self) -> Any:
        if self.failures < 3:
            self.failures += 1
            raise AttributeError("'NoneType' object has no attribute 'fileno'")
        return super()._new_client()


async def test_a_library_that_stumbles_while_it_connects_does_not_end_the_bus(broker: Any) -> None:
    config = BrokerConfig(host="127.0.0.1", port=broker.port)
    async with Startled(config, client_id="test-startled", service="startled", clock=Hurried()) as bus:
        async with asyncio.timeout(30):
            await bus.connected.wait()


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_a_door_that_shuts_at_once_does_not_end_the_bus(broker: Any, says: bytes) -> None:
    knocks = 0

    async def shut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal knocks
        knocks += 1
        if knocks > 2:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", broker.port)
            await asyncio.gather(_carry(reader, far_writer), _carry(far_reader, writer))
            return
        writer.write(says)
        if knocks % 2:
            writer.transport.abort()
        writer.close()

    # The library takes 5 s to give up a connection that was closed before it was answered.
    door = await asyncio.start_server(shut, "127.0.0.1", 0)
    config = BrokerConfig(host="127.0.0.1", port=door.sockets[0].getsockname()[1])
    async with MqttBus(config, client_id="test-knocks", service="knocks", clock=Hurried()) as bus:
        async with asyncio.timeout(60):
            await bus.connected.wait()
    door.close()

    assert knocks > 2


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(4096):
            writer.write(data)
    finally:
        writer.close()


async def test_a_full_queue_drops_the_oldest_and_says_how_many(broker: Any) -> None:
    async with bus_at(broker.port, "ear", inbox=10) as ear, bus_at(broker.port, "mouth") as mouth:
        heard = ear.listen(MeterReading)
        await ear.connected.wait()
        await mouth.connected.wait()
        await asyncio.sleep(0.2)
        for watts in range(50):
            await mouth.say(MeterReading(at=datetime.now(UTC), power_w=float(watts)), meter="grid")
        await mouth.drain()
        await asyncio.sleep(0.5)

        assert (await first(heard)).message.power_w == 40.0
        assert ear.dropped == 40


async def test_a_second_instance_of_a_role_does_not_start_and_names_the_first(
    broker: Any, tmp_path: Path
) -> None:
    script = tmp_path / "idle.py"
    script.write_text(
        "import asyncio, os, sys\n"
        "from busbar_shared.config.load import read\n"
        "from busbar_shared.life import serve\n"
        "async def run(service):\n"
        "    await asyncio.sleep(3600)\n"
        f"site = read('[broker]\\nhost = \"127.0.0.1\"\\nport = {broker.port}\\n')\n"
        "sys.exit(asyncio.run(serve('allocator', run, site, {'BUSBAR_STATE_DIR': sys.argv[1]})))\n"
    )
    env = {"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin"}
    first_one = subprocess.Popen([sys.executable, script, tmp_path], env=env)
    try:
        async with bus_at(broker.port, "ear") as ear:
            statuses = ear.listen(ServiceStatus)
            online = (await first(statuses, 15)).message
            assert online.state == "online"

            second = await asyncio.to_thread(
                subprocess.run,
                [sys.executable, script, tmp_path],
                env=env,
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )

            assert second.returncode == 3
            assert online.instance in second.stderr
            first_one.terminate()
            last = None
            while last is None or last.state != "offline":
                last = (await first(statuses, 10)).message
            assert last.instance == online.instance
    finally:
        first_one.kill()
        first_one.wait()
