"""Meters on MQTT: what each kind says, how figures on separate topics are joined, and what is refused."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from busbar_contracts.battery import BatteryReading
from busbar_contracts.meter import MeterReading, Quality
from busbar_meter.config import BadMeterConfig, roles_of
from busbar_meter.joining import Joiner, number
from busbar_meter.main import run
from busbar_meter.map_station import turned
from busbar_meter.mqtt_device import MqttDevice
from busbar_meter.mqtt_picks import picks_for
from busbar_meter.point_samples import grid_of
from busbar_shared.clock import RealClock
from busbar_shared.config.devices import MqttPlace
from busbar_shared.config.root import Site
from busbar_shared.fakes import FakeBus
from busbar_shared.life import Service
from services.meter.meter_house import event, running, said

NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)


def joined(place: MqttPlace, *messages: tuple[str, Any], kind: str = "meter") -> dict[str, float]:
    joiner = Joiner(picks_for(kind, place, "meters.grid"), 10.0)
    for topic, payload in messages:
        joiner.hear(topic, payload if isinstance(payload, bytes) else json.dumps(payload).encode(), 100.0)
    found = joiner.join(100.0)
    return found.values if found else {}


# Shelly Gen2 documentation, component EM, status example.
EM = {
    "id": 0, "a_current": 4.029, "a_voltage": 236.1, "a_act_power": 951.2, "a_freq": 50, "b_current": 4.027,
    "b_voltage": 236.201, "b_act_power": -951.1, "c_current": 3.03, "c_voltage": 236.402, "c_act_power": 715.4,
    "n_current": 11.029, "total_current": 11.083, "total_act_power": 715.5,
}  # fmt: skip


def test_a_shelly_pro_3em_says_all_phases_in_one_message() -> None:
    values = joined(
        MqttPlace(kind="shelly_pro_3em", topic="shellypro3em-1"),
        ("shellypro3em-1/status/em:0", EM),
        ("shellypro3em-1/status/emdata:0", {"total_act": 1234.5, "total_act_ret": 6.5}),
    )

    assert (values["power_w"], values["b.power_w"], values["c.current_a"]) == (715.5, -951.1, 3.03)
    assert (values["import_wh"], values["export_wh"]) == (1234.5, 6.5)


def test_a_shelly_3em_says_each_figure_on_its_own_topic() -> None:
    prefix = "shellies/shellyem3-1/emeter"
    values = joined(
        MqttPlace(kind="shelly_3em", topic="shellies/shellyem3-1"),
        *((f"{prefix}/{n}/power", watts) for n, watts in enumerate((-500.5, 120.0, 0.0))),
        *((f"{prefix}/{n}/current", amps) for n, amps in enumerate((2.2, 0.6, 0.01))),
        *((f"{prefix}/{n}/total", 1000.0 * (n + 1)) for n in range(3)),
    )

    assert (values["a.power_w"], values["b.current_a"], values["import_wh"]) == (-500.5, 0.6, 6000.0)


def test_a_tasmota_reading_head_with_the_usual_names() -> None:
    payload = {
        "Time": "2026-06-21T12:00:00",
        "SML": {"Total_in": 1234.5678, "Power_curr": -321, "power_l1": 5},
    }

    values = joined(MqttPlace(kind="tasmota_sml", topic="tele/head/SENSOR"), ("tele/head/SENSOR", payload))

    assert values == {"power_w": -321, "import_wh": pytest.approx(1234567.8), "a.power_w": 5}


def test_a_tasmota_reading_head_with_other_names_is_told_where() -> None:
    own = {"power_w": {"topic": "tele/head/SENSOR", "path": "MT175.P"}}
    place = MqttPlace(kind="tasmota_sml", topic="tele/head/SENSOR", values=own)

    assert joined(place, ("tele/head/SENSOR", {"MT175": {"P": 77}})) == {"power_w": 77}


def test_a_p1_telegram_is_import_minus_export_in_kilowatts_written_as_text() -> None:
    telegram = {
        "electricity_currently_delivered": "0.000", "electricity_currently_returned": "1.250",
        "phase_currently_delivered_l1": "0.100", "phase_currently_returned_l1": "0.000",
        "phase_currently_delivered_l2": "0.000", "phase_currently_returned_l2": "1.350",
        "phase_voltage_l1": "230.1", "electricity_delivered_1": "100.5", "electricity_delivered_2": "200.25",
    }  # fmt: skip

    values = joined(MqttPlace(kind="dsmr", topic="dsmr/json"), ("dsmr/json", telegram))

    assert (values["power_w"], values["a.power_w"], values["b.power_w"]) == (-1250, 100, -1350)
    assert (values["import_wh"], "export_wh" in values, "c.power_w" in values) == (300750, False, False)


def test_a_tibber_like_message_without_production_produces_nothing() -> None:
    place = MqttPlace(kind="tibber", topic="tibber/live")

    assert joined(place, ("tibber/live", {"power": 500, "powerProduction": None, "currentL1": 2.2})) == {
        "power_w": 500,
        "a.current_a": 2.2,
    }


def test_a_message_of_another_shape_is_a_problem_and_not_a_production_of_nothing() -> None:
    joiner = Joiner(picks_for("meter", MqttPlace(kind="tibber", topic="t"), "meters.grid"), 10.0)

    problem = joiner.hear("t", b'{"data": {"liveMeasurement": {"power": 10}}}', 0.0)

    assert problem.startswith("t: none of the expected values")
    assert (joiner.begun, joiner.join(0.0)) == (False, None)


def test_statestream_and_free_topics_with_units_paths_and_signs() -> None:
    values = {
        "power_w": {"topic": "ha/sensor/grid/state", "unit": "kW", "sign": -1},
        "a.current_a": {"topic": "x", "path": "list[1].ma", "unit": "mA"},
        "b.current_a": {"topic": "ha/sensor/b/state"},
    }
    place = MqttPlace(kind="statestream", values=values)

    found = joined(
        place,
        ("ha/sensor/grid/state", b"1.5"),
        ("x", {"list": [0, {"ma": 4500}]}),
        ("ha/sensor/b/state", b"unavailable"),
    )

    assert found == {"power_w": -1500, "a.current_a": 4.5}


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (MqttPlace(kind="shely_em"), "meters.grid.mqtt.kind: 'shely_em' is none of dsmr, dsmr_topics, free"),
        (MqttPlace(kind="dsmr"), "meters.grid.mqtt.topic: kind 'dsmr' needs the topic"),
        (MqttPlace(kind="free"), "meters.grid.mqtt.values: kind 'free' needs at least one value"),
        (MqttPlace(values={"powr": {"topic": "x"}}), "meters.grid.mqtt.values.powr: is none of power_w"),
        (
            MqttPlace(values={"power_w": {"topic": "x", "unit": "V"}}),
            "values.power_w.unit: 'V' is none of W, kW",
        ),
        (
            MqttPlace(values={"power_w": {"topc": "x"}}),
            "values.power_w: Object contains unknown field `topc`",
        ),
    ],
)
def test_a_wrong_place_says_which_field_is_wrong(place: MqttPlace, says: str) -> None:
    with pytest.raises(BadMeterConfig) as error:
        picks_for("meter", place, "meters.grid")

    assert says in str(error.value)


@pytest.mark.parametrize(
    "payload",
    [
        b"\xff\xfe",
        b"",
        b"NaN",
        b"Infinity",
        b'"1e999"',
        b"1_000",
        b"1,5",
        b"true",
        b"{}",
        b"[1]",
        b'{"power": 1e308}',
        b"[" * 5000,
        b"9" * 70000,
    ],
)
def test_hostile_payloads_are_no_numbers(payload: bytes) -> None:
    place = MqttPlace(values={"power_w": {"topic": "t"}})
    joiner = Joiner(picks_for("meter", place, "meters.grid"), 10.0)

    assert joiner.hear("t", payload, 0.0)
    assert joiner.join(0.0) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_value_whatever_raises(value: Any) -> None:
    found = number(value)

    assert found is None or abs(found) < 1e15


def three_topics(keep_s: float = 10.0) -> Joiner:
    values = {f"{leg}.power_w": {"topic": leg} for leg in "abc"}
    return Joiner(picks_for("meter", MqttPlace(values=values), "meters.grid"), keep_s)


def test_figures_of_one_sample_are_one_reading_as_old_as_the_oldest() -> None:
    joiner = three_topics()
    joiner.hear("a", b"1", 100.0)
    joiner.hear("b", b"2", 100.2)
    assert (joiner.begun, joiner.complete) == (True, False)
    joiner.hear("c", b"3", 100.3)
    assert joiner.complete

    found = joiner.join(100.3)

    assert (found.values, found.at_s) == ({"a.power_w": 1, "b.power_w": 2, "c.power_w": 3}, 100.0)
    assert (joiner.begun, joiner.complete) == (False, False)


def test_a_phase_that_is_not_heard_any_more_is_unknown_not_old() -> None:
    joiner = three_topics()
    for second, (topic, payload) in enumerate([("a", b"1"), ("b", b"2"), ("c", b"3")]):
        joiner.hear(topic, payload, float(second))
    for second in range(3, 20):
        joiner.hear("a", b"1", float(second))

    assert joiner.join(19.0).values == {"a.power_w": 1}


@pytest.mark.parametrize(
    ("values", "phases", "unbalance", "currents", "estimated"),
    [
        pytest.param({"power_w": 6900}, ("a", "b", "c"), 4.0, {"a": 14.0, "b": 14.0, "c": 14.0}, True, id="a total is spread"),
        pytest.param({"power_w": -6900}, ("a", "b", "c"), 4.0, {"a": -6.0, "b": -6.0, "c": -6.0}, True, id="exported too"),
        pytest.param({"power_w": 2300}, ("b",), None, {"b": 10.0}, False, id="on one phase the total is the phase"),
        pytest.param({"power_w": 6900}, ("a", "b", "c"), None, {}, True, id="without an assumption no phase is known"),
        pytest.param({"a.power_w": -2300}, ("c", "a"), None, {"c": -10.0}, False, id="a phase wired elsewhere"),
        pytest.param({"a.current_a": 5.0, "a.power_w": -900}, ("a",), None, {"a": -5.0}, False, id="the power gives the sign"),
    ],
)  # fmt: skip
def test_phases(
    values: dict, phases: tuple, unbalance: float | None, currents: dict, estimated: bool
) -> None:
    sample = grid_of(values, NOON, phases, 230.0, unbalance)

    assert {phase: leg.current_a for phase, leg in sample.legs.items()} == currents
    assert sample.phases_estimated is estimated


def test_a_meter_that_counts_export_as_positive_is_turned_and_its_energies_go_by_name() -> None:
    values = {"power_w": 5, "a.current_a": 1, "a.voltage_v": 230, "import_wh": 7}

    assert turned(values) == {"power_w": -5, "a.current_a": -1, "a.voltage_v": 230, "import_wh": 7}


BATTERY = {"soc_percent": {"topic": "soc"}, "power_w": {"topic": "bat", "sign": -1}}


def mqtt_house(**grid: Any) -> Site:
    return msgspec.convert(
        {
            "circuits": {"main": {"limit_a": 25, "meter": "grid"}},
            "meters": {"grid": {"driver": "mqtt", "every_s": 1, **grid}},
            "batteries": {"cellar": {"driver": "mqtt", "mqtt": {"values": BATTERY}}},
        },
        Site,
    )  # fmt: skip


async def test_an_mqtt_meter_becomes_readings_on_the_bus(tmp_path: Path) -> None:
    async with running(
        mqtt_house(mqtt={"kind": "shelly_pro_3em", "topic": "s"}, invert=["b"]), tmp_path
    ) as bus:
        await asyncio.sleep(0.05)
        bus.feed_raw("s/status/em:0", json.dumps(EM))
        grid = await said(bus, MeterReading)
        bus.feed_raw("soc", "55")
        bus.feed_raw("bat", "1200")
        cellar = await said(bus, BatteryReading, lambda each: each.soc_percent is not None)

    # Phase b's transformer is clamped on backwards; the total is the sum of the phases again.
    assert (grid.b.power_w, grid.b.current_a, grid.power_w) == (951.1, 4.027, pytest.approx(2617.7))
    assert grid.quality is Quality.GOOD
    assert (cellar.power_w, cellar.soc_percent) == (-1200, 55)


async def test_retained_and_foreign_payloads_are_no_readings(tmp_path: Path) -> None:
    async with running(mqtt_house(mqtt={"kind": "dsmr", "topic": "p1"}), tmp_path) as bus:
        await asyncio.sleep(0.05)
        bus.feed_raw(
            "p1",
            json.dumps({"electricity_currently_delivered": 5, "electricity_currently_returned": 0}),
            retained=True,
        )
        bus.feed_raw("p1", "<html>")
        text = await event(bus, "reading_doubtful")

    assert text == "meter grid: p1: none of the expected values in b'<html>'"
    assert [message for _, message in bus.said if isinstance(message, MeterReading)] == []


async def test_a_wrong_configuration_ends_the_service_with_the_field(tmp_path: Path) -> None:
    service = Service(
        name="meter",
        site=mqtt_house(mqtt={"kind": "nonsense"}),
        bus=FakeBus(),
        clock=None,
        state_dir=tmp_path,
    )

    with pytest.raises(BadMeterConfig, match=r"meters\.grid\.mqtt\.kind"):
        await run(service)


async def test_a_reading_that_could_not_be_said_is_not_the_last_one(tmp_path: Path) -> None:
    clock, said_w = RealClock(), []
    bus = FakeBus(clock=clock)

    async def say(role: Any, message: Any) -> None:
        said_w.append(message.power_w)
        if len(said_w) == 1:
            raise RuntimeError("the broker turned it down")

    site = mqtt_house(mqtt={"kind": "shelly_pro_3em", "topic": "s"})
    plan = next(role for role in roles_of(site) if role.id == "grid")
    running_device = asyncio.create_task(MqttDevice(plan, clock, bus, say).run())
    try:
        async with asyncio.timeout(30):
            while len(said_w) < 2:
                bus.feed_raw("s/status/em:0", json.dumps(EM))
                await asyncio.sleep(0.05)
    finally:
        running_device.cancel()
        await asyncio.gather(running_device, return_exceptions=True)

    assert len(set(said_w)) == 1
