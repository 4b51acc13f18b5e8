"""Entities of real installations are recognised, and what is proposed can be read by Busbar and by Home Assistant."""

from typing import Any

import pytest
import yaml

from busbar_cli.detect import brands, entities, findings, wiring
from busbar_cli.detect_snippet import automation, snippet
from busbar_cli.service_checks import service_problems
from busbar_shared.config.load import read


def stream(*ids: str) -> dict[str, bytes]:
    """A statestream with these entities; a unit stands behind the id after a blank."""
    messages = {}
    for one in ids:
        entity, _, unit = one.partition(" ")
        topic = f"statestream/{entity.replace('.', '/')}"
        messages[f"{topic}/state"] = b"1"
        if unit:
            messages[f"{topic}/unit_of_measurement"] = f'"{unit}"'.encode()
    return messages


def phases(template: str, names: str) -> tuple[str, ...]:
    return tuple(template.format(one) for one in names)


def found(*ids: str) -> dict[str, str]:
    """What was found: kind and point to the entity."""
    return {f"{one.kind} {one.point}": one.seen.entity_id for one in findings(entities(stream(*ids)))}


@pytest.mark.parametrize(
    ("brand", "ids", "kind", "points"),
    [
        pytest.param(
            "SolarEdge",
            (
                *phases("sensor.solaredge_i1_m1_ac_current_{} A", "abc"),
                *phases("sensor.solaredge_i1_m1_ac_voltage_{}n V", "abc"),
                *phases("sensor.solaredge_i1_m1_ac_power_{} W", "abc"),
                "sensor.solaredge_i1_m1_ac_power W",
            ),
            "meter",
            {"a.current_a", "b.current_a", "c.current_a", "a.power_w", "b.power_w", "c.power_w", "power_w"},
            id="a SolarEdge meter, voltages left alone",
        ),
        pytest.param(
            "Fronius",
            (
                *phases("sensor.smart_meter_ts_65a_3_current_phase_{} A", "123"),
                *phases("sensor.smart_meter_ts_65a_3_apparent_power_phase_{} VA", "123"),
                *phases("sensor.smart_meter_ts_65a_3_reactive_power_phase_{} var", "123"),
                *phases("sensor.smart_meter_ts_65a_3_real_power_phase_{} W", "123"),
            ),
            "meter",
            {"a.current_a", "b.current_a", "c.current_a", "a.power_w", "b.power_w", "c.power_w"},
            id="a Fronius meter by its present names",
        ),
        pytest.param(
            "Fronius",
            phases("sensor.smart_meter_63a_power_real_phase_{} W", "123"),
            "meter",
            {"a.power_w", "b.power_w", "c.power_w"},
            id="a Fronius meter by its old names",
        ),
        pytest.param(
            "Huawei",
            (
                *phases("sensor.zaptec_go_current_phase_{} A", "123"),
                *phases("sensor.power_meter_phase_{}_current A", "abc"),
                *phases("sensor.power_meter_phase_{}_active_power W", "abc"),
            ),
            "meter",
            {"a.current_a", "b.current_a", "c.current_a", "a.power_w", "b.power_w", "c.power_w"},
            id="a Huawei meter, with a charger beside it",
        ),
        pytest.param(
            "Deye, external CTs",
            (
                *phases("sensor.deye_internal_ct{}_power W", "123"),
                *phases("sensor.deye_external_ct{}_power W", "123"),
                *phases("sensor.deye_grid_l{}_voltage V", "123"),
            ),
            "meter",
            {"a.power_w", "b.power_w", "c.power_w"},
            id="a Deye with both sets of transformers is read at the grid",
        ),
        pytest.param(
            "Deye, internal CTs",
            phases("sensor.solarman_internal_ct_l{}_power W", "123"),
            "meter",
            {"a.power_w", "b.power_w", "c.power_w"},
            id="a Deye without external ones",
        ),
        pytest.param(
            "Sofar",
            (
                *phases("sensor.sofar_reactivepower_pcc_{} W", "rst"),
                *phases("sensor.sofar_activepower_pcc_{} kW", "rst"),
                "sensor.sofar_activepower_pcc_total kW",
            ),
            "meter",
            {"a.power_w", "b.power_w", "c.power_w", "power_w"},
            id="a Sofar hybrid at its connection, without its reactive power",
        ),
        pytest.param(
            "SMA", phases("sensor.sma_stp_metering_current_l{} A", "123"), "meter",
            {"a.current_a", "b.current_a", "c.current_a"}, id="an SMA energy meter",
        ),
        pytest.param(
            "GoodWe", phases("sensor.goodwe_meter_active_power_l{} W", "123"), "meter",
            {"a.power_w", "b.power_w", "c.power_w"}, id="a GoodWe meter",
        ),
        pytest.param(
            "Sungrow",
            (*phases("sensor.meter_phase_{}_current A", "abc"), *phases("sensor.meter_phase_{}_voltage V", "abc")),
            "meter", {"a.current_a", "b.current_a", "c.current_a"}, id="a Sungrow meter",
        ),
        pytest.param("Growatt", ("sensor.abc123_import_from_grid W",), "meter", {"power_w"}, id="a Growatt cloud"),
        pytest.param(
            "Fox ESS", phases("sensor.foxess_grid_ct_{} kW", "rst"), "meter",
            {"a.power_w", "b.power_w", "c.power_w"}, id="a Fox ESS H3",
        ),
        pytest.param(
            "Victron",
            (*phases("sensor.victron_grid_l{}_voltage V", "123"), *phases("sensor.victron_grid_l{}_power W", "123")),
            "meter", {"a.power_w", "b.power_w", "c.power_w"}, id="a Victron grid meter",
        ),
        pytest.param(
            "Enphase",
            (
                *phases("sensor.envoy_122233344455_current_power_consumption_l{} W", "123"),
                *phases("sensor.envoy_122233344455_current_net_power_consumption_l{} W", "123"),
            ),
            "meter", {"a.power_w", "b.power_w", "c.power_w"}, id="an Envoy, the net power and not the house",
        ),
        pytest.param(
            "Shelly",
            (
                *phases("sensor.shellypro3em_a0b1_phase_{}_current A", "abc"),
                *phases("sensor.shellypro3em_a0b1_phase_{}_active_power W", "abc"),
                "sensor.shellypro3em_a0b1_total_active_power W",
            ),
            "meter",
            {"a.current_a", "b.current_a", "c.current_a", "a.power_w", "b.power_w", "c.power_w", "power_w"},
            id="a Shelly Pro 3EM",
        ),
        pytest.param(
            "Tuya", phases("sensor.breaker_phase_{}_current A", "abc"), "meter",
            {"a.current_a", "b.current_a", "c.current_a"}, id="a Tuya three-phase meter",
        ),
        pytest.param(
            "generic", phases("sensor.grid_current_l{} A", "123"), "meter",
            {"a.current_a", "b.current_a", "c.current_a"}, id="plain words",
        ),
        pytest.param(
            "Huawei", ("sensor.batteries_state_of_capacity %", "sensor.batteries_charge_discharge_power W"),
            "battery", {"soc_percent", "power_w"}, id="a Huawei battery",
        ),
        pytest.param(
            "SolarEdge", ("sensor.solaredge_b1_state_of_energy %", "sensor.solaredge_b1_dc_power W"),
            "battery", {"soc_percent", "power_w"}, id="a SolarEdge battery",
        ),
        pytest.param("generic", ("sensor.solar_power W",), "inverter", {"solar_w"}, id="some sun"),
        pytest.param(
            "Sonoff", ("sensor.sonoff_1000abcdef_power W", "switch.sonoff_1000abcdef"), "plug", {"power_w"},
            id="a Sonoff that measures",
        ),
        pytest.param(
            "Tasmota", ("sensor.boiler_energy_power W", "switch.boiler"), "plug", {"power_w"}, id="a Tasmota plug",
        ),
        pytest.param(
            "Kasa", ("sensor.dryer_current_consumption W", "switch.dryer"), "plug", {"power_w"}, id="a Kasa plug",
        ),
        pytest.param(
            "Shelly", ("sensor.shellyplugsg3_aabb_power W", "switch.shellyplugsg3_aabb"), "plug", {"power_w"},
            id="a Shelly plug",
        ),
    ],
)  # fmt: skip
def test_a_brand_is_recognised(brand: str, ids: tuple[str, ...], kind: str, points: set[str]) -> None:
    made = [one for one in findings(entities(stream(*ids))) if one.kind == kind]
    assert {one.point for one in made} == points
    assert {one.brand for one in made} == {brand}


@pytest.mark.parametrize(
    "ids",
    [
        pytest.param(
            ("sensor.outside_temperature °C", "light.kitchen", "sensor.cpu_power W"), id="other things"
        ),
        pytest.param(
            ("sensor.smart_meter_63a_power_real_phase_1 kWh",), id="the right name with a wrong unit"
        ),
        pytest.param(("sensor.sonoff_1_power W",), id="a plug that cannot be switched"),
        pytest.param(("binary_sensor.grid_power W",), id="another domain"),
        pytest.param((), id="nothing at all"),
    ],
)
def test_nothing_is_made_up(ids: tuple[str, ...]) -> None:
    assert found(*ids) == {}


def test_a_meter_with_phases_outranks_a_total_of_another_brand() -> None:
    made = found("sensor.shop_import_from_grid W", *phases("sensor.shellypro3em_a_phase_{}_current A", "abc"))
    assert set(made) == {"meter a.current_a", "meter b.current_a", "meter c.current_a"}


def test_solar_assistant_is_read_on_its_own_topics() -> None:
    topics = (
        "total/battery_power",
        "total/battery_state_of_charge",
        "total/pv_power",
        "inverter_1/grid_power",
    )
    messages = {f"solar_assistant/{one}/state": b"5" for one in topics}
    made = findings(entities(messages))
    assert {one.kind for one in made} == {"battery", "inverter", "meter"}
    assert 'topic = "solar_assistant/total/pv_power/state"' in snippet(made)
    assert automation(made) == ""


@pytest.mark.parametrize(
    ("ids", "how"),
    [
        pytest.param(
            ("sensor.grid_power W",), "parallel", id="no battery: the house hangs beside the inverter"
        ),
        pytest.param(("sensor.grid_power W", "sensor.battery_soc %"), "series", id="a battery: behind it"),
    ],
)
def test_the_wiring_follows_from_a_battery(ids: tuple[str, ...], how: str) -> None:
    assert wiring(findings(entities(stream(*ids)))) == how


HOUSE = (
    *phases("sensor.sofar_activepower_pcc_{} kW", "rst"), "sensor.solar_power W", "sensor.battery_soc %",
    "sensor.battery_power W", "sensor.boiler_energy_power W", "switch.boiler",
)  # fmt: skip
REST = '[circuits.main]\nlimit_a = 25\nmeter = "grid"\nassumed_background_a = 15\n'


def test_the_snippet_is_a_configuration_that_busbar_reads() -> None:
    text = snippet(findings(entities(stream(*HOUSE))))

    site = read(REST + text)

    assert site.site.wiring == "series"
    assert site.meters["grid"].mqtt is not None
    assert site.meters["grid"].mqtt.values["b.power_w"] == {
        "topic": "busbar-bridge/meter", "path": "b_power_w", "unit": "kW", "sign": -1,
    }  # fmt: skip
    assert site.plugs["boiler"].generic["command"] == "busbar-bridge/plug/boiler/set"


GUARDED = '[circuits.main]\nlimit_a = 25\nmeter = "grid"\nassumed_background_a = 10\n'


@pytest.mark.parametrize(
    ("ids", "wanted", "still_to_write"),
    [
        pytest.param(
            phases("sensor.power_meter_phase_{}_current A", "abc"),
            "kind = ",
            [],
            id="a meter of three phases",
        ),
        pytest.param(
            phases("sensor.power_meter_phase_{}_current A", "ab"),
            'phases = ["a", "b"]',
            [],
            id="a meter of two phases",
        ),
        pytest.param(
            ("sensor.grid_power W",),
            "# assumed_unbalance_a",
            ["assumed_unbalance_a"],
            id="a meter with a total only",
        ),
    ],
)
def test_what_is_proposed_is_what_the_meter_service_takes(
    ids: tuple[str, ...], wanted: str, still_to_write: list[str]
) -> None:
    lines = snippet(findings(entities(stream(*ids))))
    problems = list(service_problems(read(GUARDED + lines)))

    assert wanted in lines
    assert len(problems) == len(still_to_write)
    assert all(key in problem for key, problem in zip(still_to_write, problems, strict=True))


@pytest.mark.parametrize(
    ("ids", "topics"),
    [
        pytest.param(("sensor.grid_power W",), ["busbar-bridge/meter"], id="only a meter"),
        pytest.param(
            HOUSE,
            [
                "busbar-bridge/meter",
                "busbar-bridge/inverter",
                "busbar-bridge/battery",
                "busbar-bridge/plug/boiler",
            ],
            id="a whole house with a plug",
        ),
    ],
)
def test_the_automation_says_every_value_again(ids: tuple[str, ...], topics: list[str]) -> None:
    [made] = yaml.safe_load(automation(findings(entities(stream(*ids)))))
    steps: list[dict[str, Any]] = made["action"]
    said = steps[0]["default"] if "choose" in steps[0] else steps
    assert [one["data"]["topic"] for one in said] == topics
    assert all("retain" not in one["data"] for one in said)
    assert "last_reported" in said[0]["data"]["payload"]


def test_every_brand_has_its_source_and_the_generic_one_is_last() -> None:
    assert all(len(one.source) > 8 for one in brands())
    assert brands()[-1].name == "generic"
