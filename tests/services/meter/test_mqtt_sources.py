"""What sources on MQTT really send: Home Assistant's statestream, DSMR-reader's topics, AMS readers, Tibber by night."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from busbar_contracts.meter import MeterReading
from busbar_meter.joining import Joiner
from busbar_meter.mqtt_picks import picks_for, split_path
from busbar_meter.point_samples import grid_of
from busbar_meter.samples import Leg, directed
from busbar_shared.config.devices import MqttPlace
from services.meter.meter_house import running, said
from services.meter.test_mqtt_meters import joined, mqtt_house

NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)
ABC = ("a", "b", "c")


def test_dsmr_reader_says_each_field_on_its_own_topic_as_text() -> None:
    said_fields = {
        "electricity_currently_delivered": "0.412", "electricity_currently_returned": "0.000",
        "phase_currently_delivered_l1": "0.300", "phase_currently_returned_l1": "0.000",
        "phase_currently_delivered_l2": "0.000", "phase_currently_returned_l2": "0.088",
        "phase_currently_delivered_l3": "0.200", "phase_currently_returned_l3": "0.000",
        "phase_voltage_l1": "229.9", "electricity_delivered_1": "1234.567", "electricity_delivered_2": "2.000",
        "id": "9", "timestamp": "2026-06-21T10:00:00Z",
    }  # fmt: skip
    values = joined(
        MqttPlace(kind="dsmr_topics", topic="dsmr/reading"),
        *((f"dsmr/reading/{field}", value.encode()) for field, value in said_fields.items()),
    )

    assert (values["power_w"], values["b.power_w"]) == (pytest.approx(412), pytest.approx(-88))
    assert (values["c.power_w"], values["a.voltage_v"], values["import_wh"]) == (200, 229.9, 1_236_567)


AMS = {
    "id": "AMS-1234", "name": "AMS reader", "t": 1_700_000_000,
    "data": {"P": 2150, "PO": 0, "I1": 4.1, "I2": 3.0, "I3": 2.4, "U1": 231.0, "U2": 230.1, "U3": 232.2, "tPI": 9.5},
}  # fmt: skip


def test_an_ams_reader_is_written_as_free_values() -> None:
    topic = "pulse/meter"
    values: dict[str, Any] = {
        "power_w": [{"topic": topic, "path": "data.P"}, {"topic": topic, "path": "data.PO", "sign": -1}],
        **{
            f"{leg}.current_a": {"topic": topic, "path": f"data.I{n}"} for n, leg in enumerate("abc", start=1)
        },
        **{
            f"{leg}.voltage_v": {"topic": topic, "path": f"data.U{n}"} for n, leg in enumerate("abc", start=1)
        },
        "import_wh": {"topic": topic, "path": "data.tPI", "unit": "kWh"},
    }

    found = joined(MqttPlace(values=values), (topic, AMS))

    assert (found["power_w"], found["a.current_a"], found["c.voltage_v"], found["import_wh"]) == (
        2150,
        4.1,
        232.2,
        9500,
    )


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("a.b[0].c", ("a", "b", "0", "c")),
        ("phases[2].p", ("phases", "2", "p")),
        ("data['1-0:1.7.0'].value", ("data", "1-0:1.7.0", "value")),
        ('["16.7.0"]', ("16.7.0",)),
        ("", ()),
        ("em:0.a_act_power", ("em:0", "a_act_power")),
    ],
)
def test_paths(path: str, steps: tuple[str, ...]) -> None:
    assert split_path(path) == steps


def test_an_obis_code_with_dots_is_a_name_in_quotes() -> None:
    values = {"power_w": {"topic": "sml", "path": "data['1-0:16.7.0']"}}

    assert joined(MqttPlace(values=values), ("sml", {"data": {"1-0:16.7.0": -412.5}})) == {"power_w": -412.5}


def statestream(unchanged_s: float | None) -> Joiner:
    """Home Assistant says import and export of the meter each on its topic, and only what has changed."""
    values = {
        "a.power_w": [{"topic": "in", "unit": "kW"}, {"topic": "out", "unit": "kW", "sign": -1}],
        "a.voltage_v": {"topic": "volts"},
    }
    place = MqttPlace(kind="statestream", values=values, unchanged_s=unchanged_s)
    return Joiner(picks_for("meter", place, "meters.grid"), 10.0, unchanged_s)


@pytest.mark.parametrize(
    ("unchanged_s", "after_s", "power"),
    [
        pytest.param(None, 9, 1500, id="heard within ten seconds both count"),
        pytest.param(None, 60, None, id="by night export stays zero and is not said again: unknown"),
        pytest.param(3600, 60, 1500, id="told that only changes are said, the zero still stands"),
        pytest.param(30, 60, None, id="but not for longer than told"),
    ],
)
def test_a_figure_that_does_not_change(unchanged_s: float | None, after_s: int, power: float | None) -> None:
    joiner = statestream(unchanged_s)
    joiner.hear("out", b"0.0", 100.0)
    for second in range(after_s + 1):
        joiner.hear("in", b"1.5", 100.0 + second)

    found = joiner.join(100.0 + after_s)

    assert (found.values.get("a.power_w") if found else None) == power


def test_when_everything_falls_silent_nothing_counts_however_long_it_may_stand() -> None:
    joiner = statestream(3600)
    joiner.hear("out", b"0.0", 100.0)
    joiner.hear("in", b"1.5", 100.0)

    assert joiner.join(111.0) is None


def test_a_figure_that_became_unavailable_is_unknown_at_once() -> None:
    joiner = statestream(3600)
    joiner.hear("out", b"0.0", 100.0)
    joiner.hear("out", b"unavailable", 101.0)
    joiner.hear("in", b"1.5", 102.0)

    assert joiner.join(102.0) is None


def test_a_joined_reading_is_as_old_as_the_last_sign_of_life() -> None:
    joiner = statestream(3600)
    joiner.hear("out", b"0.0", 100.0)
    joiner.hear("in", b"1.5", 158.0)

    assert joiner.join(160.0).at_s == 158.0


@pytest.mark.parametrize(("unchanged_s", "power"), [(None, None), (3600, 1500)])
def test_what_is_retained_is_the_present_state_of_a_source_that_says_changes(
    unchanged_s: float | None, power: float | None
) -> None:
    joiner = statestream(unchanged_s)
    joiner.hear("out", b"0.0", 100.0, retained=True)
    assert (joiner.begun, joiner.join(100.0)) == (False, None)
    joiner.hear("in", b"1.5", 101.0)

    found = joiner.join(101.0)

    assert (found.values.get("a.power_w") if found else None) == power


async def test_a_statestream_meter_after_a_restart_of_busbar_by_night(tmp_path: Path) -> None:
    values = {
        f"{leg}.power_w": [{"topic": f"ha/{leg}_in/state"}, {"topic": f"ha/{leg}_out/state", "sign": -1}]
        for leg in "abc"
    }
    place = {"kind": "statestream", "values": values, "unchanged_s": 86_400}
    async with running(mqtt_house(mqtt=place), tmp_path) as bus:
        await asyncio.sleep(0.05)
        for leg in "abc":
            bus.feed_raw(f"ha/{leg}_out/state", "0", retained=True)
        for leg, watts in zip("abc", (400, 500, 600), strict=True):
            bus.feed_raw(f"ha/{leg}_in/state", str(watts))
        grid = await said(bus, MeterReading, lambda each: each.c is not None)

    assert (grid.a.power_w, grid.b.power_w, grid.c.power_w, grid.power_w) == (400, 500, 600, 1500)


TIBBER = MqttPlace(kind="tibber", topic="tibber/live")


@pytest.mark.parametrize(
    ("message", "amps"),
    [
        pytest.param({"power": 0, "powerProduction": 6900, "currentL1": 10, "currentL2": 10, "currentL3": 10},
                     {"a": -10, "b": -10, "c": -10}, id="all that flows is exported"),
        pytest.param({"power": 0, "powerProduction": 2300, "currentL1": 10, "currentL2": 5, "currentL3": 5},
                     {"a": 10, "b": 5, "c": 5}, id="which phase imports is not known: all count as import"),
        pytest.param({"power": 4600, "powerProduction": 0, "currentL1": 10, "currentL2": 5, "currentL3": 5},
                     {"a": 10, "b": 5, "c": 5}, id="import"),
        pytest.param({"power": 0, "powerProduction": 6900, "currentL1": 10, "currentL2": None, "currentL3": 10},
                     {"a": 10, "c": 10}, id="one phase is not said: nothing is proven"),
    ],
)  # fmt: skip
def test_tibber_says_no_direction_of_a_phase(message: dict[str, Any], amps: dict[str, float]) -> None:
    values = joined(TIBBER, ("tibber/live", message))

    sample = grid_of(values, NOON, ABC, 230.0, None)

    assert {phase: leg.current_a for phase, leg in sample.legs.items()} == amps


def test_the_direction_is_never_guessed_against_a_phase_that_knows_it() -> None:
    legs = {"a": Leg(10, 2300, 230), "b": Leg(10, None, 230)}

    assert directed(legs, -4600, 230) == legs
    assert directed({}, -5, 230) == {}


def test_the_payloads_of_this_page_are_json() -> None:
    assert json.loads(json.dumps(AMS)) == AMS
