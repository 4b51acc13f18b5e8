"""The simulated house as a service: built from a site's configuration, lived in virtual time."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from busbar_contracts.service import PlantTruth
from busbar_shared.clock import VirtualClock
from busbar_shared.config.load import BadConfig, read
from busbar_shared.config.root import Site
from busbar_shared.fakes import FakeBus
from busbar_shared.life import Service
from busbar_simulator.at_the_broker import topic_matches
from busbar_simulator.build import build
from busbar_simulator.gadgets import add_gadgets
from busbar_simulator.main import run
from busbar_simulator.truth import truth
from busbar_simulator.units import units
from busbar_simulator.wishes import NotGranted, grant
from busbar_simulator.world import World, portions, world_of

SITE = """
[site]
phases = ["a", "b", "c"]
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 8
[circuits.garage]
parent = "main"
limit_a = 20
meter = "garage"
[meters.grid.modbus]
host = "127.0.0.1"
port = 1
unit = 200
[meters.garage.modbus]
host = "127.0.0.1"
port = 1
unit = 201
[meters.left.modbus]
host = "127.0.0.1"
port = 1
unit = 202
[inverters.roof.modbus]
host = "127.0.0.1"
port = 1
unit = 1
[ocpp]
port = 9
security = 0
[chargers.left]
circuit = "garage"
legs = ["b", "c", "a"]
meter = "left"
fallback_a = 0
[plugs.pump]
driver = "shelly"
topic = "shellyplus-pump"
phases = ["b"]
rating_w = 800
[plugs.boiler]
driver = "tasmota"
phases = ["c"]
[heaters.water]
plug = "boiler"
phases = ["c"]
rating_w = 2300
[heaters.water.topics]
temperature = { topic = "tank/sensor", path = "temperature" }
[simulator]
modbus_port = 0
start = "12:00"
speed = 1
[simulator.house]
base_w = 0
kettles = 0
ovens = 0
machines = 0
[simulator.sun]
peak_w = 0
"""


def a_site(text: str = SITE, **replaced: str) -> Site:
    """The site with pieces of its text replaced."""
    for old, new in replaced.items():
        text = text.replace(old, new)
    return read(text)


def a_service(site: Site, clock: VirtualClock, folder: Path) -> tuple[Service, FakeBus]:
    """The service on a bus made of lists."""
    bus = FakeBus(clock=clock)
    return Service(name="simulator", site=site, bus=bus, clock=clock, state_dir=folder), bus


async def test_the_house_lives_and_its_devices_speak(tmp_path: Path) -> None:
    clock = VirtualClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    # No car: without a central system it would charge as it likes, and rightly so.
    nobody = "[simulator.cars.left]\nplugged = false\n"
    service, bus = a_service(a_site(SITE + nobody), clock, tmp_path)
    task = asyncio.create_task(run(service))
    await clock.advance(3)
    order = {"id": 1, "src": "busbar/pump", "method": "Switch.Set", "params": {"id": 0, "on": True}}
    bus.feed_raw("shellyplus-pump/rpc", json.dumps(order))
    bus.feed_raw("cmnd/boiler/POWER1", "ON")
    await clock.advance(5)
    said = [message for _, message in bus.said if isinstance(message, PlantTruth)]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert len(said) >= 7
    assert said[0].loads == {"left-1": 0, "boiler": 0, "pump": 0, "water": 0}
    assert said[-1].loads["pump"] == pytest.approx(800 / 230, abs=0.1)
    assert said[-1].loads["water"] == pytest.approx(10, abs=0.1)
    assert said[-1].c is not None
    assert said[-1].c.current_a == pytest.approx(10, abs=0.1)
    assert said[-1].verdict == "ok"
    topics = {topic for topic, _ in bus.said_raw}
    assert {"shellyplus-pump/online", "busbar/pump/rpc", "shellyplus-pump/events/rpc"} <= topics
    assert {"tele/boiler/LWT", "stat/boiler/POWER", "tank/sensor"} <= topics
    [first, *_] = [json.loads(payload) for topic, payload in bus.said_raw if topic == "tank/sensor"]
    assert first == {"temperature": 48.0}


def test_a_charger_is_seen_by_its_own_meter_its_circuit_and_the_grid() -> None:
    site = a_site(**{"port = 1\n": "port = 502\n", "modbus_port = 0": "modbus_port = 502"})
    built = build(site)
    add_gadgets(site, built)
    served = units(site, built)
    socket = built.house.sockets["left-1"]
    for arrival in built.arrivals:
        arrival.step(0.0)
    assert socket.car is not None
    socket.closed, socket.pilot_a = True, 10
    socket.car.spec = type(socket.car.spec)(legs=1)
    built.house.things["pump"].on = True  # type: ignore[attr-defined]
    for _ in range(150):
        built.house.step(0.1)
        served.step(built.house)

    def seen(unit: int) -> tuple[float | None, ...]:
        block = served.by_id[unit].device.blocks[1]
        return tuple(round(block.value(f"Aph{phase}") or 0.0, 1) for phase in "ABC")

    assert sorted(served.by_id) == [1, 200, 201, 202]
    assert seen(202) == (0, 10, 0), "leg l1 hangs on phase b"
    assert seen(201) == (0, 10, 0)
    assert seen(200) == (0, 13.5, 0), "with the pump"


def test_without_a_battery_in_the_site_there_is_none_in_the_house() -> None:
    assert [i.storage for i in build(a_site()).house.inverters.values()] == [None]


def test_a_battery_with_an_inverter_of_its_own() -> None:
    text = SITE + "[simulator.battery]\nac_coupled = true\ncapacity_wh = 5000\n"
    text += '[batteries.cellar.modbus]\nhost = "127.0.0.1"\nport = 502\nunit = 3\n'
    site = a_site(text, **{"port = 1\n": "port = 502\n", "modbus_port = 0": "modbus_port = 502"})
    built = build(site)
    add_gadgets(site, built)
    served = units(site, built)
    built.house.extra_w = (2000.0, 0.0, 0.0)
    for _ in range(200):
        built.house.step(0.1)
        served.step(built.house)

    assert sorted(built.house.inverters) == ["roof", "storage"]
    assert sorted(served.by_id) == [1, 3, 200, 201, 202]
    assert built.house.inverters["storage"].battery_w == pytest.approx(-2000, abs=60)
    strings = served.by_id[3].device.block(160)
    assert strings.value("DCW.2") == pytest.approx(2000, abs=60)
    assert truth(built, datetime(2026, 3, 1, tzinfo=UTC), "Europe/Berlin").battery_w == pytest.approx(
        -2000, abs=60
    )


@pytest.mark.parametrize(
    ("more", "says"),
    [
        pytest.param(
            "[simulator.cars.right]\n", "simulator.cars.right: there is no charger", id="no such charger"
        ),
        pytest.param(
            "[simulator.plugs.lamp]\n", "simulator.plugs.lamp: the site has none", id="no such plug"
        ),
        pytest.param(
            "[simulator.heaters.room]\n", "simulator.heaters.room: the site has none", id="no such heater"
        ),
        pytest.param("[simulator.cars.left]\nlegz = 3\n", "simulator.cars.left: .*legz", id="a wrong key"),
        pytest.param("[simulator.cars.left]\ncar_legs = 4\n", "simulator.cars.left: .*<= 3", id="four legs"),
        pytest.param(
            '[simulator.cars.left]\nfaults = ["lazy"]\n', "simulator.cars.left: .*'lazy'", id="no such fault"
        ),
        pytest.param(
            '[simulator.battery]\npersonality = "x"\n', "simulator.battery: .*personality", id="no such maker"
        ),
    ],
)
def test_a_wrong_key_is_a_sentence(more: str, says: str) -> None:
    site = a_site(SITE + more)
    with pytest.raises(BadConfig, match=says):
        add_gadgets(site, build(site))


def test_a_missing_day_is_a_sentence() -> None:
    with pytest.raises(BadConfig, match=r"simulator.day_csv: nowhere\.csv: .*No such file"):
        build(a_site(**{"speed = 1": 'speed = 1\nday_csv = "nowhere.csv"'}))


def test_a_recorded_day_is_played(tmp_path: Path) -> None:
    day = tmp_path / "day.csv"
    day.write_text("time,house_a_w,house_b_w,house_c_w,sun_w\n00:00,230,460,690,0\n", encoding="utf-8")
    built = build(a_site(**{"speed = 1": f'speed = 1\nday_csv = "{day}"'}))
    built.house.step(0.1)

    assert built.house.grid_a == pytest.approx((1, 2, 3), abs=0.05)


@pytest.mark.parametrize(
    ("seconds", "steps"),
    [
        pytest.param(0.1, 1, id="a tick"),
        pytest.param(0.3, 2, id="a late tick"),
        pytest.param(10.0, 41, id="a machine that was busy for ten seconds"),
        pytest.param(0.0, 0, id="no time at all"),
    ],
)
def test_time_is_lived_in_small_steps(seconds: float, steps: int) -> None:
    lived = portions(seconds)

    assert len(lived) == steps
    assert sum(lived) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("wanted", "topic", "matches"),
    [
        ("cmnd/plug/#", "cmnd/plug/POWER", True),
        ("cmnd/plug/#", "cmnd/plug2/POWER", False),
        ("plug/rpc", "plug/rpc", True),
        ("plug/rpc", "plug/rpc/x", False),
    ],
)
def test_which_device_a_message_is_for(wanted: str, topic: str, matches: bool) -> None:
    assert topic_matches(wanted, topic) == matches


def test_a_car_tells_how_full_it_is() -> None:
    site = a_site(SITE.replace("fallback_a = 0\n", 'fallback_a = 0\nsoc_topic = "car/soc"\n'))
    gadgets = add_gadgets(site, build(site))
    [said] = [
        m
        for gadget in gadgets
        for m in gadget.step(0.0, datetime(2026, 3, 1, tzinfo=UTC))
        if m.topic == "car/soc"
    ]

    assert said.payload == "40.0"


def test_meters_that_speak_over_mqtt_see_what_the_others_see() -> None:
    text = SITE.replace(
        '[meters.grid.modbus]\nhost = "127.0.0.1"\nport = 1\nunit = 200\n',
        '[meters.grid]\ndriver = "mqtt"\n[meters.grid.mqtt]\nkind = "free"\n[meters.grid.mqtt.values]\n'
        '"b.power_w" = { topic = "p1", path = "b", unit = "kW", sign = -1 }\n'
        'import_wh = { topic = "p1", path = "in", unit = "kWh" }\n',
    )
    world = a_world(text + "[simulator.cars.left]\nplugged = false\n")
    grant(world, b'{"extra_w":[0,2300,0]}')
    world.live(1)
    [p1] = [
        m
        for gadget in world.gadgets
        for m in gadget.step(1.0, datetime(2026, 3, 1, tzinfo=UTC))
        if m.topic == "p1"
    ]

    assert json.loads(p1.payload)["b"] == pytest.approx(-2.3, abs=0.01)
    assert json.loads(p1.payload)["in"] == pytest.approx(1234.567, abs=0.01)


def a_world(text: str = SITE) -> World:
    """The world of a site, at noon."""
    return world_of(read(text), lambda: datetime(2026, 3, 1, 12, tzinfo=UTC))


def test_an_oven_for_five_seconds() -> None:
    world = a_world(SITE + "[simulator.cars.left]\nplugged = false\n")
    grant(world, b'{"extra_w":[0,2300,0],"for_s":5}')
    world.live(4.9)
    assert world.built.house.grid_a[1] == pytest.approx(10, abs=0.1)
    world.live(0.5)

    assert world.built.house.grid_a[1] == pytest.approx(0, abs=0.01)


def test_two_ovens_end_each_at_its_own_time() -> None:
    world = a_world(SITE + "[simulator.cars.left]\nplugged = false\n")
    grant(world, b'{"extra_w":[2300,0,0],"for_s":3}')
    grant(world, b'{"extra_w":[2300,0,0],"for_s":6}')
    seen = []
    for _ in range(3):
        world.live(2.5)
        seen.append(round(world.built.house.grid_a[0]))

    assert seen == [20, 10, 0]


def test_a_cable_is_pulled_and_put_in_again() -> None:
    world = a_world()
    world.live(1)
    socket = world.built.house.sockets["left-1"]
    grant(world, b'{"unplug":["left-1"]}')
    world.live(1)
    assert socket.car is None
    grant(world, b'{"plug":["left-1"]}')

    assert socket.car is not None


def test_a_meter_falls_silent_and_speaks_again() -> None:
    world = a_world()
    grant(world, b'{"silent":true,"for_s":3}')
    world.live(2)
    assert world.server.silent
    world.live(2)

    assert not world.server.silent


def test_a_charger_begins_to_misbehave_loses_its_link_and_reboots() -> None:
    world = a_world()
    world.live(1)
    grant(world, b'{"faults":{"left":["disobeys"]},"offline":["left"],"reboot":["left"],"for_s":30}')
    station = world.links["left"].station

    assert station.spec.faults == {"disobeys"}
    assert station.off
    assert world.links["left"].away_until_s == pytest.approx(31, abs=0.5)


def test_a_button_is_pressed() -> None:
    world = a_world()
    grant(world, b'{"press":["pump"]}')
    [pump] = [gadget for gadget in world.gadgets if "shellyplus-pump/rpc" in gadget.hears]
    [notice] = pump.step(0.1, datetime(2026, 3, 1, tzinfo=UTC))

    assert world.built.house.things["pump"].on
    assert json.loads(notice.payload)["params"]["switch:0"] == {"id": 0, "output": True, "source": "button"}


@pytest.mark.parametrize(
    "wish",
    [
        b"", b"[]", b'{"oven":1}', b'{"extra_w":[1,2]}', b'{"extra_w":[1e9,0,0]}', b'{"unplug":["right-1"]}',
        b'{"press":["lamp"]}', b'{"faults":{"left":["lazy"]}}', b'{"offline":["right"]}',
    ],
)  # fmt: skip
def test_a_wish_that_is_not_granted_changes_nothing(wish: bytes) -> None:
    world = a_world()
    with pytest.raises(NotGranted):
        grant(world, wish)

    assert world.built.house.extra_w == (0, 0, 0)


def test_a_workshop_draws_on_its_own_circuit_and_on_the_main_one() -> None:
    saw = 'habits = [{ at = "12:00", minutes = 60, power_w = 2300, phases = ["b"], circuit = "garage" }]\n'
    world = a_world(
        SITE.replace("base_w = 0\n", "base_w = 0\n" + saw) + "[simulator.cars.left]\nplugged = false\n"
    )
    world.live(1)

    assert world.built.house.currents_a["garage"] == pytest.approx((0, 10, 0), abs=0.1)
    assert world.built.house.currents_a["main"] == pytest.approx((0, 10, 0), abs=0.1)
    assert world.built.house.loads_a["main"] == (0, 0, 0), "it is no load of ours"


def test_a_charger_of_two_sockets_has_a_breaker_of_its_own() -> None:
    two = "fallback_a = 0\nmax_current_a = 20\n[chargers.left.connectors.1]\n[chargers.left.connectors.2]\n"
    world = a_world(SITE.replace("fallback_a = 0\n", two).replace('meter = "left"\n', ""))
    for socket in world.built.house.sockets.values():
        socket.closed, socket.pilot_a = True, 16
    world.live(1)

    assert world.built.house.ledger.lines["charger-left", "b"].limit_a == 20
    assert world.built.house.circuits["charger-left"].parent == "garage"


def test_a_charger_that_speaks_to_nobody_charges_all_the_same() -> None:
    world = a_world(SITE + '[simulator.cars.left]\nocpp = "none"\n')
    world.live(20)

    assert world.links == {}
    assert world.built.house.currents_a["garage"] == pytest.approx((16, 16, 16))


def test_a_one_phase_house() -> None:
    text = SITE.replace('["a", "b", "c"]', '["a"]').replace('["b", "c", "a"]', '["a"]')
    for phase in ("b", "c"):
        text = text.replace(f'phases = ["{phase}"]', 'phases = ["a"]')
    world = a_world(text.replace("base_w = 0", "base_w = 1000"))
    world.live(20)

    assert [b.layout.model for b in world.served.by_id[200].device.blocks] == [1, 201]
    assert [b.layout.model for b in world.served.by_id[1].device.blocks][1] == 101
    assert world.built.house.grid_a[0] > 5
    assert world.built.house.grid_a[1:] == (0, 0)


VENDOR = """
[chargeamps]
base_url = "http://127.0.0.1:9/api"
[chargeamps.connectors.1]
charge_point = "2106037142M"
legs = ["b", "c", "a"]
circuit = "garage"
max_current_a = 10
"""


def test_a_charge_amps_charger_follows_its_cloud() -> None:
    world = a_world(
        SITE + VENDOR + "[simulator.chargeamps]\ncar_legs = 1\n[simulator.cars.left]\nplugged = false\n"
    )
    assert world.cloud is not None
    world.live(10)
    off = world.built.house.currents_a["garage"]
    world.cloud.connectors["2106037142M", 1].mode = "On"
    world.live(15)

    assert off == (0, 0, 0)
    assert world.built.house.currents_a["garage"] == pytest.approx((0, 10, 0)), "its leg l1 hangs on phase b"
    assert truth(world.built, datetime(2026, 3, 1, tzinfo=UTC), "Europe/Berlin").loads["chargeamps-1"] == 10


def test_without_a_word_about_it_there_is_no_vendor_cloud() -> None:
    assert (
        a_world(SITE + VENDOR.replace("http://127.0.0.1:9/api", "https://my.charge.space/api")).cloud is None
    )
