"""The broker's accounts: each writes what is its own, and the generated list says just that."""

import re
from pathlib import Path

import pytest

from busbar_cli.accounts import Account, accounts, acl_text, hashed, matches, reference
from busbar_contracts.topics import TOPICS
from busbar_shared.config.load import read
from busbar_shared.config.root import SERVICES, Site

ACL = Path(__file__).parents[3] / "deploy" / "mosquitto" / "acl"

HOUSE = """
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15
[meters.grid]
driver = "mqtt"
mqtt = { kind = "free", values = { power_w = { topic = "p1/power" } } }
[plugs.pump]
topic = "shellyplus1-a8032ab12345"
rating_w = 900
[plugs.boiler]
driver = "tasmota"
rating_w = 900
[heaters.tank]
plug = "boiler"
[prices.series.import]
kind = "mqtt"
topic = "entsoe/today"
"""


def by_name(site: Site) -> dict[str, Account]:
    return {one.name: one for one in accounts(site)}


def covers(wanted: str, topic: str) -> bool:
    """Whether an MQTT filter matches a topic name."""
    pattern = re.escape(wanted).replace(r"\+", "[^/]+").replace(r"\#", ".*").replace("#", ".*")
    return re.fullmatch(pattern, topic) is not None


def may_write(account: Account, topic: str) -> bool:
    return any(covers(one, topic) for one in account.writes)


def example(address: str, service: str = "x") -> str:
    return re.sub(r"{\w+}", service, address)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.address)
def test_a_topic_is_written_by_its_writer_and_by_no_other_service(topic: object) -> None:
    from busbar_contracts.topic import Topic

    assert isinstance(topic, Topic)
    found = by_name(reference())
    for name, account in found.items():
        if topic.writer == "each service":
            each = topic.address.startswith(("hems/ha/", "homeassistant/"))
            assert may_write(account, example(topic.address, name)) is (name in SERVICES)
            assert each or not any(
                may_write(other, example(topic.address, name)) for one, other in found.items() if one != name
            )
        else:
            assert may_write(account, example(topic.address)) is (name == topic.writer), name


@pytest.mark.parametrize(
    ("account", "topic", "may"),
    [
        pytest.param("heat", "hems/plug/boiler/switch/set", True, id="the tank's plug is switched by heat"),
        pytest.param("heat", "hems/plug/pump/switch/set", False, id="another plug is not"),
        pytest.param("allocator", "hems/plug/pump/switch/set", True, id="the allocator switches plugs"),
        pytest.param("allocator", "hems/battery/house/settings", True, id="no battery service: allocator keeps"),
        pytest.param("plugs", "shellyplus1-a8032ab12345/rpc", True, id="plugs speak to the Shelly"),
        pytest.param("plugs", "cmnd/boiler/POWER1", True, id="plugs speak to the Tasmota"),
        pytest.param("allocator", "shellyplus1-a8032ab12345/rpc", False, id="the allocator speaks to no plug"),
        pytest.param("devices", "p1/power", True, id="the meter says its power"),
        pytest.param("devices", "shellyplus1-a8032ab12345/online", True, id="the Shelly says it is there"),
        pytest.param("devices", "shellyplus1-a8032ab12345/rpc", False, id="a device orders no other device"),
        pytest.param("devices", "hems/plug/pump/manual/set", False, id="a device says nothing of ours"),
        pytest.param("owner", "hems/plug/pump/manual/set", True, id="the owner switches by hand"),
        pytest.param("owner", "hems/charger/left/1/limit/set", False, id="the owner gives no allocator's order"),
        pytest.param("owner", "homeassistant/status", True, id="Home Assistant says that it was born"),
        pytest.param("owner", "hems/service/ocpp/status", False, id="nobody speaks for a service"),
    ],
)  # fmt: skip
def test_in_a_house_with_devices(account: str, topic: str, may: bool) -> None:
    assert may_write(by_name(read(HOUSE))[account], topic) is may


def test_a_device_topic_below_our_root_opens_nothing() -> None:
    text = HOUSE.replace('topic = "entsoe/today"', 'topic = "hems/prices/import"')

    assert not may_write(by_name(read(text))["devices"], "hems/prices/import")


def test_another_root_and_another_discovery_prefix_are_followed() -> None:
    text = (
        '[site]\ntopic_root = "sites/oak/hems"\n[broker]\nhost = "b"\ndiscovery_prefix = "ha"\n'
        + HOUSE.replace("[circuits.main]", "[circuits.main]", 1)
    )
    meter = by_name(read(text))["meter"]

    assert may_write(meter, "sites/oak/hems/meter/grid/reading")
    assert may_write(meter, "ha/device/busbar-grid/config")
    assert not may_write(meter, "hems/meter/grid/reading")


def test_home_assistants_birth_stays_where_it_is_with_another_prefix() -> None:
    text = '[broker]\nhost = "b"\ndiscovery_prefix = "ha"\n' + HOUSE
    found = by_name(read(text))

    assert {"ha/#", "homeassistant/status"} <= set(found["meter"].reads)
    assert {"ha/status", "homeassistant/status"} <= set(found["owner"].writes)
    assert {"ha/status", "homeassistant/status"} <= set(found["devices"].reads)
    assert not may_write(found["meter"], "homeassistant/status")


def test_what_the_owner_added_by_hand_stays_at_the_end() -> None:
    text = acl_text(reference(), "user tv\ntopic read hems/#")

    assert text.endswith("# From acl.local:\nuser tv\ntopic read hems/#\n")


def test_the_access_list_in_the_repository_is_current() -> None:
    assert ACL.read_text(encoding="utf-8") == acl_text(reference()), (
        "write it anew: busbar accounts --reference > deploy/mosquitto/acl"
    )


@pytest.mark.parametrize(
    ("stored", "fits"),
    [
        pytest.param(hashed("right", b"123456789012"), True, id="the right password"),
        pytest.param(hashed("wrong", b"123456789012"), False, id="another password"),
        pytest.param("", False, id="nothing"),
        pytest.param("$6$abc$def", False, id="mosquitto's older format"),
        pytest.param("$7$x$y$z", False, id="no number"),
    ],
)
def test_a_password_fits_its_hash(stored: str, fits: bool) -> None:
    assert matches("right", stored) is fits


@pytest.mark.parametrize("service", ["chargeamps", "allocator"])
def test_a_charge_amps_root_of_its_own_is_read_by_those_who_act_on_it(service: str) -> None:
    text = (
        HOUSE
        + """
[chargeamps]
topic_root = "garage/ca"
[chargeamps.connectors.guest]
charge_point = "x"
connector = 1
alias = "guest"
"""
    )
    found = by_name(read(text))

    assert any(covers(one, "garage/ca/guest/1/status") for one in found[service].reads)
    assert may_write(found["chargeamps"], "garage/ca/guest/1/status")
    assert may_write(found["owner"], "garage/ca/guest/1/schedule/set")
    assert not may_write(found["allocator"], "garage/ca/guest/1/status")


@pytest.mark.parametrize(
    ("account", "verb", "may"),
    [
        pytest.param("owner", "refresh/set", True, id="Home Assistant may ask to begin anew"),
        pytest.param("chargeamps", "schedule/set", True, id="the publisher may send its own schedule"),
        pytest.param("chargeamps", "refresh/set", False, id="it asks nobody to begin anew"),
        pytest.param("allocator", "refresh/set", False, id="nor does another service"),
    ],
)
def test_who_may_ask_the_charge_amps_scheduler(account: str, verb: str, may: bool) -> None:
    text = """
[chargeamps]
operation_mode = "hems"
publisher = "allocator"
topic_root = "garage/ca"
[chargeamps.connectors.guest]
charge_point = "A"
connector = 1
alias = "guest"
"""
    found = by_name(read(HOUSE + text))[account]
    assert may_write(found, f"garage/ca/guest/1/{verb}") is may
