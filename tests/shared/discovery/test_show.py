"""The loop: what is said when it starts, when Home Assistant is born, and what is taken away again."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from busbar_contracts.charger import ChargerState, ConnectorStatus
from busbar_contracts.service import HaEvent, HaState
from busbar_shared.clock import VirtualClock
from busbar_shared.config.root import Site
from busbar_shared.discovery.chargers import chargers
from busbar_shared.discovery.manifest import Manifest, left_by, ours
from busbar_shared.discovery.payload import Naming, configs
from busbar_shared.discovery.show import Showing, show
from busbar_shared.fakes import FakeBus
from busbar_shared.life import Service
from busbar_shared.statefile import StateFile

SIX_PM = datetime(2026, 5, 4, 18, 0, tzinfo=UTC)
LEFT = {"charger": "left", "connector": "1"}
STATE = "hems/ha/busbar_home_charger_left-1/state"
THERE = "hems/ha/busbar_home_charger_left-1/availability"
CONFIG = "homeassistant/device/busbar_home_charger_left-1/config"


class Evening:
    """The OCPP service of a house, shown to Home Assistant in virtual time."""

    def __init__(self, site: Site, folder: Path, form: str = "device") -> None:
        self.clock = VirtualClock(SIX_PM)
        self.bus = FakeBus(clock=self.clock)
        broker = msgspec.structs.replace(site.broker, discovery=form)
        self.site = msgspec.structs.replace(site, broker=broker)
        self.service = Service(name="ocpp", site=self.site, bus=self.bus, clock=self.clock, state_dir=folder)

    async def passes(self, seconds: float) -> None:
        """Let time pass in small steps, so that everybody who waits gets his turn."""
        for _ in range(int(seconds / 0.1)):
            await self.clock.advance(0.1)

    def charger(self, **facts: Any) -> None:
        """The charger says its state."""
        plain = {
            "at": self.clock.now(),
            "status": ConnectorStatus.CHARGING,
            "link": True,
            "sampled_at": self.clock.now(),
        }
        self.bus.feed(ChargerState(**{**plain, **facts}), **LEFT)

    def values(self) -> list[dict[str, Any]]:
        """What its entities were told, one after the other."""
        return [said.values for topic, said in self.bus.said if topic == STATE and isinstance(said, HaState)]

    def raw(self, topic: str) -> list[bytes]:
        """What was said on a topic that is not the contract's."""
        return [payload for name, payload in self.bus.said_raw if name == topic]


@asynccontextmanager
async def shown(evening: Evening) -> AsyncIterator[Evening]:
    task = asyncio.create_task(show(evening.service, chargers(evening.site)))
    await evening.passes(0.2)
    yield evening
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_it_says_what_there_is_then_whether_it_is_there_then_the_values(
    site: Site, tmp_path: Path
) -> None:
    async with shown(Evening(site, tmp_path)) as evening:
        evening.charger(power_w=7200.0)
        await evening.passes(6)
        topics = [topic for topic, _ in evening.bus.said_raw]
        assert topics[0] == "homeassistant/device/busbar_home_service_ocpp/config"
        assert topics.index(CONFIG) < topics.index(THERE)
        assert evening.raw(THERE)[-1] == b"online"
        assert evening.values()[-1]["power"] == 7200.0
        assert json.loads(evening.raw(CONFIG)[0])["dev"]["name"] == "Charger left"


async def test_a_charger_that_loses_its_link_is_offline_at_once(site: Site, tmp_path: Path) -> None:
    async with shown(Evening(site, tmp_path)) as evening:
        evening.charger()
        await evening.passes(6)
        evening.charger(link=False)
        await evening.passes(0.5)
        assert evening.raw(THERE)[-1] == b"offline"


async def test_of_another_charger_nothing_is_believed(site: Site, tmp_path: Path) -> None:
    async with shown(Evening(site, tmp_path)) as evening:
        evening.bus.feed(
            ChargerState(at=SIX_PM, status=ConnectorStatus.CHARGING, link=True), charger="x", connector="1"
        )
        await evening.passes(6)
        assert evening.raw(THERE)[-1] == b"offline"


async def test_a_car_that_comes_is_an_event(site: Site, tmp_path: Path) -> None:
    async with shown(Evening(site, tmp_path)) as evening:
        evening.charger(status=ConnectorStatus.AVAILABLE)
        await evening.passes(6)
        evening.charger()
        await evening.passes(1)
        assert [said.event_type for _, said in evening.bus.said if isinstance(said, HaEvent)] == [
            "car_connected"
        ]


async def test_ten_readings_a_second_are_not_ten_rows(site: Site, tmp_path: Path) -> None:
    async with shown(Evening(site, tmp_path)) as evening:
        for number in range(300):
            evening.charger(power_w=7000.0 + 100 * number)
            await evening.passes(0.1)
        assert len(evening.values()) <= 10


@pytest.mark.parametrize(
    ("prefix", "birth"),
    [
        pytest.param("homeassistant", "homeassistant/status", id="as Home Assistant comes"),
        pytest.param("ha/disc", "homeassistant/status", id="another prefix does not move the birth"),
        pytest.param("ha/disc", "ha/disc/status", id="the owner moved both"),
    ],
)
async def test_at_a_birth_everything_is_said_again(
    site: Site, tmp_path: Path, prefix: str, birth: str
) -> None:
    broker = msgspec.structs.replace(site.broker, discovery_prefix=prefix)
    async with shown(Evening(msgspec.structs.replace(site, broker=broker), tmp_path)) as evening:
        evening.charger()
        await evening.passes(20)
        before = len(evening.values())
        evening.bus.feed_raw(birth, "online")
        await evening.passes(6)
        assert len(evening.raw(CONFIG.replace("homeassistant", prefix))) == 2
        assert len(evening.values()) > before


async def test_a_retained_birth_is_an_old_one(site: Site, tmp_path: Path) -> None:
    async with shown(Evening(site, tmp_path)) as evening:
        evening.bus.feed_raw("homeassistant/status", "online", retained=True)
        await evening.passes(6)
        assert len(evening.raw(CONFIG)) == 1


async def test_what_is_no_longer_owned_is_cleared_at_the_start(site: Site, tmp_path: Path) -> None:
    old = "homeassistant/device/busbar_home_charger_sold-1/config"
    StateFile(tmp_path / "discovery.json", Manifest).save(Manifest((old, CONFIG)))
    async with shown(Evening(site, tmp_path)) as evening:
        await evening.passes(6)
        assert evening.raw(old) == [b""]
        assert b"" not in evening.raw(CONFIG)


async def test_an_entity_that_is_no_longer_configured_is_taken_from_its_device(
    site: Site, tmp_path: Path
) -> None:
    without = msgspec.structs.replace(site, prices=None)  # a session costs nothing that is known
    for house, cost in ((site, "sensor"), (without, None), (without, None), (site, "sensor")):
        async with shown(Evening(house, tmp_path)) as evening:
            await evening.passes(6)
            parts = json.loads(evening.raw(CONFIG)[-1])["cmps"]
            assert (parts["session_cost"] == {"p": "sensor"}) is (cost is None)
            assert parts["power"]["unique_id"] == "busbar_home_charger_left-1_power"
            assert "unknown" not in parts


async def test_a_list_of_an_older_program_is_read(site: Site, tmp_path: Path) -> None:
    (tmp_path / "discovery.json").write_text(json.dumps({"topics": [CONFIG]}), encoding="utf-8")
    async with shown(Evening(site, tmp_path)) as evening:
        await evening.passes(6)
        assert "unique_id" in json.loads(evening.raw(CONFIG)[-1])["cmps"]["session_cost"]


async def test_switched_off_it_takes_everything_away_and_says_nothing(site: Site, tmp_path: Path) -> None:
    async with shown(Evening(site, tmp_path)) as evening:
        evening.charger()
        await evening.passes(6)
        published = {topic for topic, payload in evening.bus.said_raw if payload}
    async with shown(Evening(site, tmp_path, "off")) as evening:
        evening.charger()
        await evening.passes(20)
        assert {topic for topic, payload in evening.bus.said_raw if not payload} == published
        assert all(not payload for _, payload in evening.bus.said_raw)
        assert evening.bus.said == []


async def test_from_one_form_to_the_other_nothing_is_left(site: Site, tmp_path: Path) -> None:
    async with shown(Evening(site, tmp_path)) as evening:
        await evening.passes(6)
    async with shown(Evening(site, tmp_path, "single")) as evening:
        await evening.passes(6)
        assert evening.raw(CONFIG) == [b""]
        assert evening.raw("homeassistant/sensor/busbar_home_charger_left-1/power/config")


async def test_leftovers_are_recognised_by_their_origin_and_strangers_are_left_alone(
    site: Site, tmp_path: Path
) -> None:
    gone = msgspec.structs.replace(chargers(site)[0], id="busbar_home_charger_sold-1")
    [(topic, message)] = configs(gone, Naming(service="ocpp"), "device").items()
    foreign = {**message, "o": {"name": "Somebody"}}
    other_house = configs(gone, Naming(service="ocpp", root="sites/2/hems"), "device")[topic]
    async with shown(Evening(site, tmp_path)) as evening:
        for name, one in (
            (topic, message),
            ("homeassistant/device/a/config", foreign),
            ("homeassistant/device/b/config", other_house),
        ):
            evening.bus.feed_raw(name, json.dumps(one), retained=True)
        evening.bus.feed_raw("homeassistant/device/c/config", b"\xff not json", retained=True)
        await evening.passes(6)
        there = "hems/ha/busbar_home_charger_sold-1/availability"
        assert [name for name, payload in evening.bus.said_raw if not payload] == [topic, there]


@pytest.mark.parametrize("form", ["device", "single", "off"])
@pytest.mark.parametrize("was", ["device", "single"])
async def test_where_the_list_was_lost_nothing_of_a_sold_charger_is_left(
    site: Site, tmp_path: Path, was: str, form: str
) -> None:
    sold = msgspec.structs.replace(chargers(site)[0], id="busbar_home_charger_sold-1")
    left = configs(sold, Naming(service="ocpp"), was)
    async with shown(Evening(site, tmp_path, form)) as evening:
        evening.bus.feed_raw(
            "homeassistant/sensor/x/y/config", b'{"o": {"name": "zigbee2mqtt"}}', retained=True
        )
        for topic, message in left.items():
            evening.bus.feed_raw(topic, json.dumps(message), retained=True)
        await evening.passes(6)
        taken = {name for name, payload in evening.bus.said_raw if not payload}
        assert taken == {*left, "hems/ha/busbar_home_charger_sold-1/availability"}


async def test_an_entity_that_is_gone_leaves_the_availability_of_its_device(
    site: Site, tmp_path: Path
) -> None:
    [topic, *_] = (left := configs(chargers(site)[0], Naming(service="ocpp"), "single"))
    old = topic.rsplit("/", 2)[0] + "/of_an_older_version/config"
    async with shown(Evening(site, tmp_path, "single")) as evening:
        evening.bus.feed_raw(old, json.dumps(left[topic]), retained=True)
        await evening.passes(6)
        assert [name for name, payload in evening.bus.said_raw if not payload] == [old]


@pytest.mark.parametrize(
    "availability", [None, 5, {}, [None], [{"topic": 5}], [{"topic": "other/ha/x/availability"}]], ids=repr
)
def test_an_odd_message_of_our_name_takes_only_itself_away(availability: Any) -> None:
    message = {
        "o": {"name": "Busbar"}, "state_topic": "hems/service/ocpp/status", "availability": availability,
    }  # fmt: skip
    assert left_by("a/b/config", json.dumps(message).encode(), "hems/service/ocpp/status", "hems") == (
        "a/b/config",
    )


async def test_a_younger_instance_says_nothing(site: Site, tmp_path: Path) -> None:
    evening = Evening(site, tmp_path)
    evening.service.passive = True
    async with shown(evening):
        evening.charger()
        await evening.passes(20)
        assert evening.bus.said == []
        assert evening.bus.said_raw == []


class BrokenBus(FakeBus):
    """A bus that cannot be listened to."""

    def listen_where(self, *wanted: Any) -> Any:
        raise RuntimeError("no")


async def test_what_goes_wrong_here_does_not_end_the_service(site: Site, tmp_path: Path) -> None:
    evening = Evening(site, tmp_path)
    evening.service.bus = BrokenBus(clock=evening.clock)
    task = asyncio.create_task(show(evening.service, chargers(site)))
    await evening.passes(70)
    assert not task.done()
    task.cancel()


def test_every_topic_of_ours_is_found_and_no_other(site: Site, tmp_path: Path) -> None:
    evening = Evening(site, tmp_path)
    showing = Showing(evening.service, chargers(site))
    retained = {topic: json.dumps(one).encode() for topic, one in showing.owned.items()}
    retained |= {
        THERE: b"online",
        "homeassistant/device/x/config": b'{"o": {"name": "Busbar"}}',
        "hems/ha/x/state": b"{}",
    }
    single = configs(chargers(site)[0], Naming(service="ocpp", root="other"), "single")
    retained |= {topic: json.dumps(one).encode() for topic, one in single.items()}
    assert ours(retained, "hems") == {THERE: None, **dict.fromkeys(showing.owned, "ocpp")}


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000], ids=repr)
def test_nonsense_is_not_ours(payload: bytes) -> None:
    assert ours({"homeassistant/device/x/config": payload}, "hems") == {}
