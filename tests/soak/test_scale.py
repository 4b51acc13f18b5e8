"""What a site costs, measured: 1 and 10 whole sites on one broker, and the broker under the messages of 100.

Writes its figures into docs/scale.md. BUSBAR_SCALE_SITES and BUSBAR_SCALE_PLAYED choose other numbers.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct

from busbar_cli.broker import find_mosquitto, free_port, is_listening
from busbar_cli.up import Supervisor
from busbar_contracts.topics import match
from busbar_shared.bus import MqttBus
from busbar_shared.config.broker import BrokerConfig
from busbar_shared.config.load import read
from houses import DARK_HOUSE, quick_site
from site_player import Said
from soak_report import put
from vitals import TICKS

SITES = int(os.environ.get("BUSBAR_SCALE_SITES", "10"))
PLAYED = int(os.environ.get("BUSBAR_SCALE_PLAYED", "100"))
SETTLE_S, MEASURE_S = 45.0, 60.0
SERVICES = ("meter", "ocpp", "allocator")
PAGE = Path(__file__).parents[2] / "docs" / "scale.md"
PLAYER = Path(__file__).parents[1] / "site_player.py"

pytestmark = [
    pytest.mark.soak, pytest.mark.system, pytest.mark.timeout(1200),
    pytest.mark.skipif(find_mosquitto() is None, reason="the figures are mosquitto's, and there is none here"),
]  # fmt: skip


class Cost(Struct, frozen=True):
    """What was measured in one minute."""

    sites: int
    how: str
    broker_percent: float
    broker_mib: float
    published_s: float
    delivered_s: float
    bytes_s: float
    service_percent: dict[str, float] = {}
    service_mib: dict[str, float] = {}


def cpu_s(pid: int) -> float:
    """Processor time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def own_mib(pid: int) -> float:
    """Memory that is this process's alone, and its share of what it has in common with others."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no Pss")


class Broker:
    """A mosquitto with its own counts."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        (folder / "m.conf").write_text(
            f"listener {self.port} 127.0.0.1\nuser root\nallow_anonymous true\nset_tcp_nodelay true\n"
            "max_queued_messages 10000\nmax_inflight_messages 200\nsys_interval 1\npersistence false\n"
        )
        self.process = subprocess.Popen(
            [str(find_mosquitto()), "-c", str(folder / "m.conf")], stderr=subprocess.DEVNULL
        )
        while not is_listening(self.port):
            time.sleep(0.02)

    async def counts(self) -> dict[str, int]:
        """How many messages were delivered, and the bytes sent."""
        names = {
            "delivered": "$SYS/broker/publish/messages/sent",
            "bytes": "$SYS/broker/bytes/sent",
        }
        found: dict[str, int] = {}
        async with MqttBus(BrokerConfig(host="127.0.0.1", port=self.port), client_id="counts") as bus:
            heard = bus.listen_raw(*names.values())
            async with asyncio.timeout(10):
                async for one in heard:
                    found |= {key: int(one.payload) for key, name in names.items() if name == one.topic}
                    if len(found) == len(names):
                        return found
        raise AssertionError("no counts")


@asynccontextmanager
async def sites(number: int, port: int, folder: Path) -> AsyncIterator[list[Supervisor]]:
    """So many whole sites, each with a simulated house, at this broker."""
    made = []
    try:
        for count in range(number):
            own = folder / f"s{count}"
            own.mkdir()
            text = quick_site(more=DARK_HOUSE).replace(
                'id = "test"', f'id = "s{count}"\ntopic_root = "sites/s{count}/hems"'
            )
            text = (
                text[: text.index('host = "embedded"')]
                + f'host = "127.0.0.1"\nport = {port}\n'
                + text[text.index("[circuits") :]
            )
            # The times of a real house, not the short ones of a test.
            for short in (
                "lease_s = 6\n",
                "meter_stale_s = 3\n",
                "meter_lost_after_s = 6\n",
                "sample_s = 5\n",
            ):
                text = text.replace(short, "")
            (own / "busbar.toml").write_text(text)
            supervisor = Supervisor(
                read(text), own / "busbar.toml", logs=own, environ={"BUSBAR_STATE_DIR": str(own / "state")}
            )
            made.append(supervisor)
            await supervisor.start()
            await asyncio.sleep(1.0)
        yield made
    finally:
        await asyncio.gather(*(one.stop() for one in made))


@contextlib.contextmanager
def players(number: int, port: int, recording: Path):  # type: ignore[no-untyped-def]
    """So many sites played at this broker, by two processes."""
    half = number // 2
    made = [
        subprocess.Popen(
            [sys.executable, str(PLAYER), str(port), str(first), str(last), str(recording)],
            env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        )
        for first, last in ((0, half), (half, number))
    ]  # fmt: skip
    try:
        yield
    finally:
        for one in made:
            one.kill()
            one.wait()


class Ear:
    """Counts what is published; mosquitto's own count leaves out QoS 1."""

    def __init__(self) -> None:
        self.heard = 0

    async def count(self, port: int) -> None:
        """Listen until cancelled."""
        async with MqttBus(BrokerConfig(host="127.0.0.1", port=port), client_id="ear") as bus:
            async for one in bus.listen_raw("sites/#"):
                self.heard += not one.retained


async def minute(how: str, number: int, broker: Broker, pids: dict[str, list[int]]) -> Cost:
    """Measure for a minute. What is delivered to the ear that counts is taken off again, but not its processor time."""
    ear = Ear()
    counting = asyncio.create_task(ear.count(broker.port))
    await asyncio.sleep(3)
    heard, before, began_s = ear.heard, await broker.counts(), time.monotonic()
    spent = {name: sum(map(cpu_s, some)) for name, some in pids.items()}
    broker_s = cpu_s(broker.process.pid)
    await asyncio.sleep(MEASURE_S)
    heard = ear.heard - heard
    after, lasted_s = await broker.counts(), time.monotonic() - began_s
    counting.cancel()
    await asyncio.gather(counting, return_exceptions=True)
    return Cost(
        number, how, 100 * (cpu_s(broker.process.pid) - broker_s) / lasted_s, own_mib(broker.process.pid),
        heard / lasted_s, (after["delivered"] - before["delivered"] - heard) / lasted_s,
        (after["bytes"] - before["bytes"]) / lasted_s,
        {name: 100 * (sum(map(cpu_s, some)) - spent[name]) / lasted_s / number for name, some in pids.items()},
        {name: sum(map(own_mib, some)) / number for name, some in pids.items()},
    )  # fmt: skip


async def record(port: int) -> list[Said]:
    """A minute of one site as it is said."""
    said: list[Said] = []
    async with MqttBus(BrokerConfig(host="127.0.0.1", port=port), client_id="recorder") as bus:
        heard = bus.listen_raw("sites/s0/hems/#")
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(60):
                async for one in heard:
                    below = one.topic.removeprefix("sites/s0/hems/")
                    kind = match(f"hems/{below}")
                    # The truth of the simulated house is in no real one; what is replayed at the start was said before.
                    if kind is None or "simulator" in below or one.retained:
                        continue
                    topic = kind[0]
                    text = one.payload.decode()
                    said.append(Said(loop.time() - began_s, below, text, topic.retain, topic.qos))
    return said


async def whole_sites(number: int, folder: Path) -> tuple[Cost, list[Said]]:
    """The cost of so many real sites, and a minute of the first."""
    folder.mkdir()
    broker = Broker(folder)
    try:
        async with sites(number, broker.port, folder) as made:
            await asyncio.sleep(SETTLE_S)
            pids = {
                name: [pid for one in made if (pid := one.children[name].pid) is not None]
                for name in SERVICES
            }
            assert all(len(some) == number for some in pids.values())
            return await minute("whole sites", number, broker, pids), await record(broker.port)
    finally:
        broker.process.kill()
        broker.process.wait()


async def played_sites(number: int, folder: Path, said: list[Said]) -> Cost:
    """The cost of the broker under the messages of so many sites."""
    folder.mkdir()
    (folder / "said.json").write_bytes(msgspec.json.encode(said))
    broker = Broker(folder)
    try:
        with players(number, broker.port, folder / "said.json"):
            await asyncio.sleep(30)
            return await minute("played", number, broker, {})
    finally:
        broker.process.kill()
        broker.process.wait()


async def test_what_a_site_costs(tmp_path: Path) -> None:
    one, said = await whole_sites(1, tmp_path / "one")
    print(one, len(said), flush=True)
    ten, _ = await whole_sites(SITES, tmp_path / "ten")
    print(ten, flush=True)
    hundred = await played_sites(PLAYED, tmp_path / "hundred", said)
    print(hundred, flush=True)
    write(one, ten, hundred)

    assert ten.published_s / SITES < 2 * one.published_s, "a site costs what a site costs"
    assert hundred.published_s > PLAYED * len(said) / 60 * 0.8, "the players kept up"


def write(one: Cost, ten: Cost, hundred: Cost) -> None:
    """Put the figures into the page."""
    commit = subprocess.check_output(
        ["git", "rev-parse", "--short", "HEAD"], cwd=PAGE.parent, text=True
    ).strip()
    services = [
        f"| {name} | {one.service_percent[name]:.2f} % | {ten.service_percent[name]:.2f} % "
        f"| {one.service_mib[name]:.0f} MiB | {ten.service_mib[name]:.0f} MiB |"
        for name in SERVICES
    ]
    brokers = [
        f"| {cost.sites} | {cost.how} | {cost.published_s:.1f} | {cost.delivered_s:.1f} | {cost.bytes_s / 1024:.1f} KiB "
        f"| {cost.broker_percent:.2f} % | {cost.broker_mib:.1f} MiB |"
        for cost in (one, ten, hundred)
    ]
    put("measured", "\n".join((
        f"Measured at commit {commit} on {datetime.now(UTC).date()}, on two cores that others used too.",
        "",
        f"| Service, per site | Processor, 1 site | Processor, {ten.sites} sites | Memory, 1 site | Memory, {ten.sites} sites |",
        "|---|---|---|---|---|", *services,
        "",
        "| Sites | How | Published per s | Delivered per s | Sent per s | Broker's processor | Broker's memory |",
        "|---|---|---|---|---|---|---|", *brokers,
    )), PAGE)  # fmt: skip
