"""A real mosquitto with our accounts: who publishes with another's account is not heard."""

import asyncio
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from busbar_cli.accounts import acl_text, password_lines, reference
from busbar_cli.broker import find_mosquitto, free_port, is_listening
from busbar_contracts.topic import Topic
from busbar_contracts.topics import TOPICS
from busbar_shared.bus import MqttBus
from busbar_shared.config.broker import BrokerConfig
from busbar_shared.config.root import SERVICES, Site

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        find_mosquitto() is None, reason="accounts are mosquitto's, and there is none on this machine"
    ),
]
NAMES = (*SERVICES, "owner", "devices")


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[int]:
    """A broker that knows our accounts; each password is the account's name. Gives its port."""
    with guarding(tmp_path, NAMES, acl_text(reference())) as port:
        yield port


@contextmanager
def guarding(tmp_path: Path, names: Iterable[str], acl: str) -> Iterator[int]:
    """A broker with these accounts and this access list."""
    port = free_port()
    salts = {name: name.encode().rjust(12, b".")[:12] for name in names}
    (tmp_path / "passwords").write_text(password_lines({name: name for name in names}, salts))
    (tmp_path / "acl").write_text(acl)
    (tmp_path / "m.conf").write_text(
        f"listener {port} 127.0.0.1\nuser root\nallow_anonymous false\n"
        f"password_file {tmp_path}/passwords\nacl_file {tmp_path}/acl\n"
    )
    mosquitto = find_mosquitto()
    assert mosquitto is not None
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen([mosquitto, "-c", str(tmp_path / "m.conf")], stderr=log, stdout=log)
    until = time.monotonic() + 10
    while not is_listening(port):
        assert time.monotonic() < until, (tmp_path / "log").read_text()
        time.sleep(0.02)
    try:
        yield port
    finally:
        process.kill()
        process.wait()


def login(port: int, name: str, password: str | None = None) -> MqttBus:
    config = BrokerConfig(host="127.0.0.1", port=port, username=name)
    return MqttBus(
        config, client_id=f"test-{name}-{secrets.token_hex(3)}", service=name, password=password or name
    )


async def heard_of(port: int, account: str, topics: list[str]) -> set[str]:
    """Which of these topics arrive when this account publishes on them."""
    found: set[str] = set()
    async with login(port, "owner") as ear, login(port, account) as mouth:
        heard = ear.listen_raw("#")
        await ear.connected.wait()
        await mouth.connected.wait()
        await asyncio.sleep(0.2)
        last = f"hems/service/{account}/event" if account in SERVICES else None
        for topic in topics:
            # Acknowledged all the same: MQTT 3.1.1 has no word for a forbidden publish.
            await mouth.say_raw(topic, b"x", qos=1)
        if last is not None:
            await mouth.say_raw(last, b"end", qos=1)

        async def collect() -> None:
            async for one in heard:
                if one.payload == b"end":
                    return
                found.add(one.topic)

        try:
            async with asyncio.timeout(5 if last is not None else 1.5):
                await collect()
        except TimeoutError:
            assert last is None, "the account's own event arrives"
    return found


OTHERS: list[Any] = [
    pytest.param("meter", ["hems/meter/grid/reading"], ["hems/charger/left/1/limit/set", "hems/allocator/allocation",
        "hems/charger/left/1/state", "hems/service/allocator/status"], id="a meter grants nothing"),
    pytest.param("ocpp", ["hems/charger/left/1/state"], ["hems/meter/grid/reading", "hems/plug/pump/switch/set",
        "hems/charger/left/1/limit/set"], id="the chargers' service measures and grants nothing"),
    pytest.param("allocator", ["hems/charger/left/1/limit/set", "hems/allocator/allocation"],
        ["hems/meter/grid/reading", "hems/battery/house/setpoint/set", "hems/site/limit/set"],
        id="the allocator invents no reading"),
    pytest.param("prices", ["hems/prices/import"], ["hems/inverter/roof/limit/set", "hems/site/settings"],
        id="prices change nothing but prices"),
    pytest.param("owner", ["hems/site/settings/set", "hems/charger/left/1/command/set"],
        ["hems/charger/left/1/limit/set", "hems/meter/grid/reading", "hems/service/meter/event"],
        id="people ask, and give no orders of services"),
    pytest.param("devices", [], ["hems/meter/grid/reading", "hems/plug/pump/state", "homeassistant/device/x/config"],
        id="a hacked plug says nothing on our topics"),
]  # fmt: skip


@pytest.mark.parametrize(("account", "own", "others"), OTHERS)
async def test_only_its_own_topics_are_delivered(
    guarded: int, account: str, own: list[str], others: list[str]
) -> None:
    assert await heard_of(guarded, account, own + others) == set(own)


IDS = {
    "meter": "grid", "inverter": "roof", "battery": "house", "charger": "left", "connector": "1", "plug": "pump",
    "heater": "tank", "load": "left-1", "connector_id": "1", "series": "import", "device": "d", "alias": "guest",
    "platform": "sensor", "object": "o", "entity": "e",
}  # fmt: skip


def may(account: str, topic: Topic, name: str) -> bool:
    """Whether the contract's column says that this account writes this topic."""
    if topic.writer == "each service":
        own = not name.startswith("hems/service/") or name.startswith(f"hems/service/{account}/")
        return account in SERVICES and own
    return topic.writer == account


@pytest.mark.parametrize("account", NAMES)
async def test_an_account_is_heard_on_the_topics_of_its_column_and_on_no_other(
    guarded: int, account: str
) -> None:
    names = {
        topic.address.format(**IDS, service=service): topic
        for topic in TOPICS
        for service in (SERVICES if "{service}" in topic.address else ("",))
    }

    heard = await heard_of(guarded, account, list(names))

    assert heard == {name for name, topic in names.items() if may(account, topic, name)}


def neighbour(name: str) -> Site:
    """One of several sites on a broker."""
    site = reference()
    return replace(
        site,
        site=replace(site.site, id=name, topic_root=f"sites/{name}/hems"),
        broker=replace(
            site.broker, username=f"{name}-{{service}}", discovery_prefix=f"sites/{name}/homeassistant"
        ),
    )


async def test_sites_of_one_broker_neither_hear_nor_disturb_each_other(tmp_path: Path) -> None:
    names = [f"{site}-{name}" for site in ("oak", "elm") for name in NAMES]
    topics = [
        "sites/elm/" + topic.address.format(**IDS, service="meter")
        for topic in TOPICS
        if topic.address.startswith("hems/")
    ]
    topics += ["sites/elm/homeassistant/device/x/config", "sites/elm/homeassistant/status"]
    with guarding(tmp_path, names, acl_text(neighbour("oak")) + acl_text(neighbour("elm"))) as port:
        async with AsyncExitStack() as stack:
            elm = await stack.enter_async_context(login(port, "elm-owner"))
            heard = elm.listen_raw("sites/elm/#")
            await elm.connected.wait()
            strangers = {}
            for name in NAMES:
                mouth = await stack.enter_async_context(login(port, f"oak-{name}"))
                strangers[name] = mouth.listen_raw("#", "sites/elm/#", "sites/+/hems/#")
                await mouth.connected.wait()
                for topic in topics:
                    await mouth.say_raw(topic, name, qos=1)
                assert await mouth.drain(20)
            # Elm's own word arrives, and it is the first that does.
            await elm.say_raw("sites/elm/hems/site/settings/set", b"mine", qos=1)
            async with asyncio.timeout(20):
                assert (await anext(heard)).payload == b"mine"
            for name, ear in strangers.items():
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.3):
                        raise AssertionError(f"{name} of oak heard {await anext(ear)}")


@pytest.mark.parametrize("password", ["", "x", "meter2"])
async def test_a_wrong_password_is_not_let_in(guarded: int, password: str) -> None:
    async with login(guarded, "meter", password or "\0") as bus:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await bus.connected.wait()


@pytest.mark.skipif(shutil.which("mosquitto_passwd") is None, reason="needs mosquitto's own tool")
def test_mosquitto_itself_writes_the_same_format(tmp_path: Path) -> None:
    from busbar_cli.accounts import matches

    file = tmp_path / "passwords"
    file.touch()
    subprocess.run(["mosquitto_passwd", "-b", str(file), "meter", "s3cret"], check=True, capture_output=True)
    stored = file.read_text().strip().removeprefix("meter:")

    assert matches("s3cret", stored)
    assert not matches("other", stored)
