"""compose.yaml on a real container engine: from `busbar setup` to a managed house, and what nobody may do there.

Needs an engine and the images, and BUSBAR_TEST_ENGINE=1; what it does not find it does not fetch. It takes four minutes.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from busbar_cli.broker import free_port

ROOT = Path(__file__).parents[2]
NAME = f"busbar-engine-test-{os.getpid()}"
HOUSE = ("broker", "meter", "ocpp", "allocator", "simulator")


def docker(*arguments: str, check: bool = True, **more: Any) -> "subprocess.CompletedProcess[str]":
    """A docker command."""
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=check, timeout=300, cwd=ROOT, **more
    )


def missing() -> str | None:
    """What this machine lacks, in words."""
    if os.environ.get("BUSBAR_TEST_ENGINE") != "1":
        return "set BUSBAR_TEST_ENGINE=1 to let it start containers here"
    if shutil.which("docker") is None or docker("info", check=False).returncode != 0:
        return "no container engine answers here"
    if docker("compose", "version", check=False).returncode != 0:
        return "docker compose is not installed on this machine"
    for image in ("busbar:latest", "eclipse-mosquitto:2"):
        if docker("image", "inspect", image, check=False).returncode != 0:
            return f"the image {image} is not here"
    return None


LACKS = missing()
pytestmark = [
    pytest.mark.soak, pytest.mark.system, pytest.mark.timeout(900), pytest.mark.skipif(LACKS is not None, reason=str(LACKS)),
]  # fmt: skip


class Composed:
    """The running containers of a new site."""

    def __init__(self, folder: Path) -> None:
        self.site, self.ocpp_port, self.mqtt_port = folder / "site", free_port(), free_port()
        subprocess.run(
            [sys.executable, "-m", "busbar_cli", "setup", str(self.site), "--yes"],
            check=True,
            capture_output=True,
        )
        with (self.site / "compose.env").open("a") as file:
            file.write(f"BUSBAR_OCPP_PORT={self.ocpp_port}\nBUSBAR_MQTT_PORT={self.mqtt_port}\n")

    def compose(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """A compose command for this site."""
        return docker(
            "compose", "-p", NAME, "--env-file", str(self.site / "compose.env"), "-f", "compose.yaml",
            "-f", "deploy/compose.mqtt.yaml", *arguments, check=check,
        )  # fmt: skip

    def health(self) -> dict[str, str]:
        """What the engine says of each container."""
        lines = self.compose("ps", "--format", "json").stdout.splitlines()
        return {one["Service"]: one["Health"] or one["State"] for one in map(json.loads, lines)}

    def until_healthy(self, seconds: float) -> float:
        """Wait for all of them; returns how long it took."""
        began = time.monotonic()
        while (found := self.health()) != dict.fromkeys(HOUSE, "healthy"):
            assert time.monotonic() - began < seconds, found
            time.sleep(1)
        return time.monotonic() - began

    def inspect(self, service: str) -> Any:
        """The engine's whole knowledge of a container."""
        container = self.compose("ps", "-a", "-q", service).stdout.strip()
        return json.loads(docker("inspect", container).stdout)[0]

    def sh(self, service: str, command: str) -> "subprocess.CompletedProcess[str]":
        """A shell command in a container."""
        return self.compose("exec", "-T", service, "sh", "-c", command, check=False)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    """The simulated house in containers, healthy."""
    made = Composed(tmp_path_factory.mktemp("engine"))
    try:
        made.compose("up", "-d")
        print(f"healthy after {made.until_healthy(180):.0f} s")
        yield made
    finally:
        made.compose("down", "-v", check=False)


def test_the_doctor_finds_nothing_bad(house: Composed) -> None:
    until = time.monotonic() + 90
    while (
        done := house.compose("run", "--rm", "-T", "cli", "doctor", "--json", check=False)
    ).returncode != 0:
        assert time.monotonic() < until, done.stdout + done.stderr
    levels = {one["about"]: one["level"] for one in json.loads(done.stdout)["findings"]}
    assert levels["charger left-1"] == "good"
    assert levels["leases"] == "good"


@pytest.mark.parametrize("service", HOUSE)
def test_a_container_has_no_root_and_no_writable_disk(house: Composed, service: str) -> None:
    assert house.sh(service, "id -u").stdout.strip() not in ("", "0")
    refused = house.sh(service, "touch /x /etc/x /usr/x")
    assert refused.returncode != 0
    assert "Read-only file system" in refused.stderr
    assert "CapEff:\t0000000000000000" in house.sh(service, "cat /proc/self/status").stdout
    assert house.sh(service, "cat /proc/self/status").stdout.count("NoNewPrivs:\t1") == 1


def test_a_service_is_given_its_own_password_and_no_other(house: Composed) -> None:
    for service in ("meter", "allocator", "ocpp"):
        found = house.sh(
            service, "cat /run/secrets/*; find / -name 'ca.key' -o -name 'broker.key' 2>/dev/null"
        ).stdout
        assert found.split() == [(house.site / "secrets" / service).read_text().strip()]


def open_ports(address: str) -> set[int]:
    """Every port at this address that somebody answers."""
    found = set()
    for port in range(1, 65_536):
        with socket.socket() as probe:
            probe.settimeout(0.3)
            if probe.connect_ex((address, port)) == 0:
                found.add(port)
    return found


@pytest.mark.parametrize(
    ("service", "ports"),
    [
        pytest.param("broker", {8883}, id="the broker is encrypted and nothing else"),
        pytest.param("ocpp", {9000}, id="charge points"),
        pytest.param("meter", set(), id="the meter, with the simulated house on its loopback"),
        pytest.param("allocator", set(), id="the allocator"),
    ],
)
def test_of_65535_ports_only_these_answer(house: Composed, service: str, ports: set[int]) -> None:
    [network] = house.inspect(service)["NetworkSettings"]["Networks"].values()

    assert open_ports(network["IPAddress"]) == ports


def test_only_two_ports_are_open_to_the_house(house: Composed) -> None:
    bindings = {
        (port, one["HostPort"])
        for service in HOUSE
        for port, some in (house.inspect(service)["NetworkSettings"]["Ports"] or {}).items()
        for one in some or []
    }

    assert bindings == {("9000/tcp", str(house.ocpp_port)), ("8883/tcp", str(house.mqtt_port))}


def test_no_account_is_heard_on_the_topic_of_another(house: Composed) -> None:
    """With the real accounts, over the real encrypted port; each tries the allocator's, the meter's and the battery's word."""
    topics = ["hems/charger/left/1/limit/set", "hems/meter/grid/reading", "hems/battery/house/setpoint/set"]
    own = {"allocator": topics[0], "meter": topics[1], "battery": topics[2]}
    accounts = sorted(one.name for one in (house.site / "secrets").iterdir())

    found = heard_by_the_owner(house, accounts, topics)
    assert {pair for pair in found if pair[1] in topics} == set(own.items())


def heard_by_the_owner(house: Composed, accounts: list[str], topics: list[str]) -> set[tuple[str, str]]:
    """Which account was heard on which topic: each says its own name there."""
    import asyncio
    import ssl

    from busbar_shared.bus import MqttBus
    from busbar_shared.config.broker import BrokerConfig

    def login(name: str) -> MqttBus:
        config = BrokerConfig(host="localhost", port=house.mqtt_port, username=name, tls=True)
        password = (house.site / "secrets" / name).read_text().strip()
        context = ssl.create_default_context(cafile=house.site / "ca.pem")
        return MqttBus(config, client_id=f"try-{name}", service=name, password=password, tls=context)

    async def look() -> set[tuple[str, str]]:
        found: set[tuple[str, str]] = set()
        async with login("owner") as ear:
            heard = ear.listen_raw("hems/#")
            await ear.connected.wait()
            await asyncio.sleep(0.5)
            for name in accounts:
                async with login(name) as mouth:
                    async with asyncio.timeout(30):
                        await mouth.connected.wait()
                    for topic in topics:
                        await mouth.say_raw(topic, f"I am {name}", qos=1)
                    await mouth.drain(5)
            try:
                async with asyncio.timeout(3):
                    async for one in heard:
                        if one.payload.startswith(b"I am "):
                            found.add((one.payload.decode()[5:], one.topic))
            except TimeoutError:
                return found
        return found

    return asyncio.run(look())


def test_a_service_that_dies_is_started_again_and_down_is_quick(house: Composed) -> None:
    before = house.inspect("allocator")["State"]["Pid"]
    subprocess.run(["kill", "-9", str(before)], check=True)
    until = time.monotonic() + 30
    while house.inspect("allocator")["State"]["Pid"] in (0, before):
        assert time.monotonic() < until, "the engine starts it again"
        time.sleep(0.5)
    house.until_healthy(120)

    began = time.monotonic()
    house.compose("stop", "-t", "15", "allocator", "meter")
    assert time.monotonic() - began < 14, "SIGTERM is heard, and no container is killed"
    assert house.inspect("allocator")["State"]["ExitCode"] == 0
