"""NATS with MQTT as the broker: one server, and a cluster of three of which one is killed, behind one address.

The configurations are read from docs/scale.md; only addresses and folders are put in.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from balancers import Program, documented, program, put
from busbar_cli.broker import free_port
from busbar_shared.bus import MqttBus
from busbar_shared.config.broker import BrokerConfig
from houses import DARK_HOUSE, LEASE_S, House, charging, killed_at_full_power, quick_site, running
from relay import Relay
from soak.test_scale import cpu_s, own_mib

pytestmark = [
    pytest.mark.soak, pytest.mark.system, pytest.mark.timeout(420),
    pytest.mark.skipif(program("nats-server") is None, reason="nats-server is not installed on this machine"),
]  # fmt: skip
NODES = ("n1", "n2", "n3")


class Node:
    """One NATS server."""

    def __init__(self, folder: Path, name: str, routes: dict[str, int]) -> None:
        self.name, self.mqtt_port = name, free_port()
        own = folder / name
        own.mkdir(parents=True)
        text = put(
            documented("conf")[0],
            {
                "server_name: n1": f"server_name: {name}",
                "listen: 0.0.0.0:1883": f"listen: 127.0.0.1:{self.mqtt_port}",
                "/var/lib/nats": str(own),
            },
        )
        text += f"listen: 127.0.0.1:{free_port()}\n"
        if routes:
            text += put(
                documented("conf")[1],
                {
                    "listen: 0.0.0.0:6222": f"listen: 127.0.0.1:{routes[name]}",
                    "nats://n1:6222, nats://n2:6222, nats://n3:6222": ", ".join(
                        f"nats://127.0.0.1:{port}" for port in routes.values()
                    ),
                },
            )
        (own / "nats.conf").write_text(text)
        self.server = Program(
            [str(program("nats-server")), "-c", f"{own}/nats.conf"], own, ("127.0.0.1", self.mqtt_port)
        )


@pytest.fixture
def single(tmp_path: Path) -> Iterator[Node]:
    """One server."""
    node = Node(tmp_path / "nats", "n1", {})
    node.server.start()
    yield node
    node.server.kill()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Three servers that know each other, and behind one address: the first that lives takes the connections."""
    routes = {name: free_port() for name in NODES}
    nodes = {name: Node(tmp_path / "nats", name, routes) for name in NODES}
    with contextlib.ExitStack() as stack:
        for node in nodes.values():
            stack.callback(node.server.kill)
            node.server.start()
        yield nodes


def bus(port: int, name: str, **more: Any) -> MqttBus:
    """A client of this broker."""
    return MqttBus(BrokerConfig(host="127.0.0.1", port=port), client_id=name, service=name, **more)


async def ready(*ports: int) -> None:
    """Wait until everybody lets clients in and carries a word: a new cluster first chooses who leads."""
    for port in ports:
        async with bus(port, f"ready-{port}") as one, asyncio.timeout(90):
            heard = one.listen_raw(f"ready/{port}")
            await one.connected.wait()
            await one.say_raw(f"ready/{port}", b"x", qos=1, retain=True)
            await anext(heard)


async def first(heard: AsyncIterator[Any], seconds: float = 20.0) -> Any:
    """The next message, waited for so long."""
    async with asyncio.timeout(seconds):
        return await anext(heard)


async def nothing(heard: AsyncIterator[Any], seconds: float = 2.0) -> bool:
    """Whether nothing comes for a while."""
    try:
        await first(heard, seconds)
    except TimeoutError:
        return True
    return False


async def test_what_busbar_asks_of_a_broker(single: Node) -> None:
    port = single.mqtt_port
    await ready(port)
    async with bus(port, "owner") as owner:
        live = owner.listen_raw("hems/site/settings")
        await owner.connected.wait()
        await owner.say_raw("hems/site/settings", b"kept", qos=1, retain=True)
        assert (one := await first(live)).payload == b"kept"
        assert not one.retained, "what is live does not look like what was kept"

        async with bus(port, "late") as late:
            heard = late.listen_raw("hems/#")
            assert ((one := await first(heard)).payload, one.retained) == (b"kept", True)
            await owner.say_raw("hems/charger/left/1/limit/set", b"order", qos=1)
            assert (one := await first(heard)).payload == b"order"
            # The largest message of the contract.
            await owner.say_raw("hems/allocator/allocation", b"x" * 2**20, qos=1)
            assert len((await first(heard)).payload) == 2**20
            assert await nothing(heard, 0.5)

        # What is deleted is gone for who comes later.
        await owner.say_raw("hems/site/settings", b"", qos=1, retain=True)
        assert (await first(live)).payload == b""
        async with bus(port, "later") as later:
            heard = later.listen_raw("hems/#")
            await later.connected.wait()
            assert await nothing(heard)


async def test_a_last_will_is_said_and_kept_when_the_line_breaks(single: Node) -> None:
    will = ("hems/service/meter/status", b"offline")
    await ready(single.mqtt_port)
    async with Relay(single.mqtt_port) as line, bus(single.mqtt_port, "ear") as ear:
        heard = ear.listen_raw(will[0])
        await ear.connected.wait()
        async with bus(line.port, "meter", will=will) as meter:
            await meter.connected.wait()
            await meter.say_raw(will[0], b"online", qos=1, retain=True)
            assert (await first(heard)).payload == b"online"
            line.cut()
            assert (await first(heard)).payload == b"offline"
            # It is back by itself, and says again what it had said retained.
            assert (await first(heard)).payload == b"online"
        async with bus(single.mqtt_port, "late") as late:
            one = await first(late.listen_raw(will[0]))
            assert one.retained


async def test_a_second_client_of_the_same_name_puts_out_the_first(single: Node) -> None:
    await ready(single.mqtt_port)
    async with bus(single.mqtt_port, "meter") as meter:
        await meter.connected.wait()
        async with bus(single.mqtt_port, "meter") as second:
            await second.connected.wait()
            async with asyncio.timeout(20):
                while meter.connected.is_set():
                    await asyncio.sleep(0.05)


async def test_a_broker_without_statistics_and_many_subscriptions(single: Node) -> None:
    port = single.mqtt_port
    await ready(port)
    async with bus(port, "busy") as busy:
        statistics = busy.listen_raw("$SYS/#")
        heard = [busy.listen_raw(f"device/{number}/+") for number in range(200)]
        await busy.connected.wait()
        assert await nothing(statistics)
        async with bus(port, "mouth") as mouth:
            for number in range(200):
                await mouth.say_raw(f"device/{number}/state", b"on", qos=1)
            for one in heard:
                assert (await first(one)).payload == b"on"


def on(text: str, port: int, qos: int = 0) -> str:
    """The site with its broker at this port, asked for as little care as the page says."""
    head, rest = text.split('host = "embedded"\n', 1)
    return f'{head}host = "127.0.0.1"\nport = {port}\nsubscribe_qos = {qos}\n' + rest.partition("\n")[2]


@pytest.mark.parametrize(
    ("name", "within_s"),
    [
        pytest.param("allocator", LEASE_S + 1 + 15, id="the allocator dies"),
        pytest.param("ocpp", 24 + 10 + 15, id="the OCPP service dies"),
    ],
)
async def test_a_house_on_nats(single: Node, tmp_path: Path, name: str, within_s: float) -> None:
    await ready(single.mqtt_port)
    text = on(quick_site(more=DARK_HOUSE), single.mqtt_port)

    took = await killed_at_full_power(text, tmp_path, name, within_s, back_s=90)

    print(f"on one NATS server safe {took:.1f} s after {name} died")


async def test_the_whole_broker_dies_and_comes_back(single: Node, tmp_path: Path) -> None:
    await ready(single.mqtt_port)
    async with running(on(quick_site(more=DARK_HOUSE), single.mqtt_port), tmp_path) as house:
        await charging(house, seconds=90)
        began = time.monotonic()
        single.server.kill()
        while await house.metered_w() > 4400:
            assert time.monotonic() - began < LEASE_S + 1 + 15, "the car falls back without a broker"
            await asyncio.sleep(0.2)
        print(f"safe {time.monotonic() - began:.1f} s after NATS died")
        single.server.start()
        began = time.monotonic()
        await house.until(lambda: house.bus.connected.is_set(), 60, "the broker is back")
        await charging(house, seconds=90)
        print(f"full power again {time.monotonic() - began:.1f} s after NATS was back")
        assert house.truth.verdict == "ok"


def balanced(folder: Path, nodes: dict[str, Node], port: int) -> Program:
    """The documented HAProxy in front of the cluster."""
    block = next(one for one in documented("haproxy") if "backend nats" in one)
    changes = {"bind :8883 ssl crt /etc/haproxy/broker.pem": f"bind 127.0.0.1:{port}"}
    changes |= {f"{name}:1883": f"127.0.0.1:{node.mqtt_port}" for name, node in nodes.items()}
    (folder / "haproxy.cfg").write_text(put(block, changes))
    command = [str(program("haproxy")), "-db", "-f", f"{folder}/haproxy.cfg"]
    return Program(command, folder, ("127.0.0.1", port))


@pytest.mark.skipif(program("haproxy") is None, reason="haproxy is not installed on this machine")
async def test_a_node_of_three_dies_under_a_house(cluster: dict[str, Node], tmp_path: Path) -> None:
    await ready(*(one.mqtt_port for one in cluster.values()))
    port = free_port()
    balancer = balanced(tmp_path, cluster, port)
    balancer.start()
    try:
        async with running(on(quick_site(more=DARK_HOUSE), port), tmp_path) as house:
            await charging(house, seconds=90)
            for name in NODES:
                await one_node_dies(house, cluster[name])
            assert house.truth.verdict == "ok"
    finally:
        balancer.kill()


async def one_node_dies(house: House, node: Node) -> None:
    """Kill one, see whether the car noticed, wait for full power and fresh orders, and bring the node back."""
    began = time.monotonic()
    node.server.kill()
    # From the meter's registers: what is said on the bus may be missing just then.
    low_w = await house.metered_w()
    while time.monotonic() - began < LEASE_S + 12:
        low_w = min(low_w, await house.metered_w())
        await asyncio.sleep(0.2)
    while await house.metered_w() < 10_000:
        assert time.monotonic() - began < 120, f"the car charges at full power; {house.describe()}"
        await asyncio.sleep(0.2)
    took_s = time.monotonic() - began
    print(
        f"{node.name} died: the car went down to {low_w:.0f} W, at full power after {took_s:.1f} s at the latest"
    )
    assert all(one.state == "online" for one in house.scene.services.values())
    node.server.start()
    await ready(node.mqtt_port)
    await asyncio.sleep(5)


async def test_what_one_site_costs_a_nats_server(single: Node, tmp_path: Path) -> None:
    await ready(single.mqtt_port)
    text = on(quick_site(more=DARK_HOUSE), single.mqtt_port)
    for short in ("lease_s = 6\n", "meter_stale_s = 3\n", "meter_lost_after_s = 6\n", "sample_s = 5\n"):
        text = text.replace(short, "")
    async with running(text, tmp_path) as house:
        await charging(house, seconds=90)
        assert single.server.process is not None
        pid = single.server.process.pid
        began_s, spent_s = time.monotonic(), cpu_s(pid)
        await asyncio.sleep(60)
        share = 100 * (cpu_s(pid) - spent_s) / (time.monotonic() - began_s)
        print(
            f"one site at its default times costs a NATS server {share:.1f} % of a core and {own_mib(pid):.0f} MiB"
        )
        stored = sum(one.stat().st_size for one in (tmp_path / "nats").rglob("*") if one.is_file())
        print(f"on its disk are {stored / 1024:.0f} KiB")
        assert share < 50


@pytest.mark.parametrize("name", ["living room", "lamp.kitchen"])
async def test_a_name_that_nats_does_not_take_is_said_and_does_not_shut_us_out(
    single: Node, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    await ready(single.mqtt_port)
    async with bus(single.mqtt_port, "plugs") as one:
        heard = one.listen_raw("other/topic", f"zigbee2mqtt/{name}")
        await one.connected.wait()
        assert f"does not let plugs hear zigbee2mqtt/{name}" in caplog.text
        # NATS hangs up on who speaks there; the word is tried again until it is old.
        await one.say_raw(f"zigbee2mqtt/{name}/set", b"on", qos=1)
        until = time.monotonic() + 40
        arrived = asyncio.ensure_future(anext(heard))
        while not arrived.done():
            assert time.monotonic() < until, "other topics work again"
            await one.say_raw("other/topic", b"x", qos=1)
            await asyncio.wait({arrived}, timeout=1.0)
        assert arrived.result().topic == "other/topic"
