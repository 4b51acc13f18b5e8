"""Heaters, schedules of others, cheap hours: what reaches the controller as messages, and what it orders."""

from datetime import timedelta
from typing import Any

import pytest
from desk_table import NIGHT, Table

from busbar_contracts.chargeamps import ChargeAmpsStatus
from busbar_contracts.charger import (
    Capabilities,
    ChargerLimit,
    ChargerState,
    ConnectorStatus,
)
from busbar_contracts.load import (
    HeatMode,
    HeatOrder,
    HeatState,
    LoadSettings,
    LoadSettingsSet,
    PlugState,
    PlugSwitch,
)
from busbar_contracts.prices import PriceSeries, PriceSlot
from busbar_contracts.service import ServiceStatus


def a_tank(**changes: Any) -> dict[str, Any]:
    return {"chargers": {}, "heaters": {"tank": {"rating_w": 2000.0, "phases": ["a"], **changes}}}


@pytest.mark.parametrize(
    ("mode", "comfort", "storage", "grid_a", "ordered"),
    [
        pytest.param("normal", True, True, 2.0, HeatMode.NORMAL, id="a cold tank is heated from any source"),
        pytest.param(
            "normal", False, True, 2.0, HeatMode.BLOCK, id="a warm tank in Normal is not stored into"
        ),
        pytest.param("boost", False, True, 2.0, HeatMode.BOOST, id="Boost stores now, from any source"),
        pytest.param("solar_only", False, True, 2.0, HeatMode.BLOCK, id="without sun nothing is stored"),
        pytest.param("solar_only", False, True, -12.0, HeatMode.BOOST, id="sun is stored"),
        pytest.param("solar_only", True, True, 2.0, HeatMode.NORMAL, id="comfort needs no sun"),
        pytest.param("normal", True, True, 24.0, HeatMode.BLOCK, id="on a full line even comfort waits"),
    ],
)
def test_a_tank_is_two_loads_in_one(
    mode: str, comfort: bool, storage: bool, grid_a: float, ordered: HeatMode
) -> None:
    table = Table(**a_tank(mode=mode))
    state = HeatState(
        at=table.wall,
        link=True,
        on=False,
        min_w=2000.0,
        max_w=2000.0,
        comfort_demand=comfort,
        storage_demand=storage,
    )
    table.hear(state, heater="tank")
    table.seconds(45, grid_a)

    assert table.last(HeatOrder).mode is ordered


@pytest.mark.parametrize(
    ("mode", "price", "ordered"),
    [
        pytest.param("excess", 0.10, HeatMode.BOOST, id="a cheap hour is stored"),
        pytest.param("normal", 0.10, HeatMode.BOOST, id="also by a tank that follows no sun"),
        pytest.param("off", 0.10, HeatMode.BLOCK, id="off is off"),
        pytest.param("excess", 0.30, HeatMode.BLOCK, id="a dear one is not"),
        pytest.param("excess", None, HeatMode.BLOCK, id="an unknown price is never cheap"),
    ],
)
def test_at_or_below_its_price_a_tank_stores_from_the_grid(
    mode: str, price: float | None, ordered: HeatMode
) -> None:
    table = Table(**a_tank(mode=mode, grid_price_max=0.2))
    if price is not None:
        slot = PriceSlot(start=NIGHT - timedelta(hours=1), end=NIGHT + timedelta(hours=1), price=price)
        series = PriceSeries(
            schema="hems.prices/1", series="import", currency="EUR", unit="EUR/kWh", slots=(slot,)
        )
        table.hear(series, series="import")
    state = HeatState(
        at=table.wall,
        link=True,
        on=False,
        temperature_c=50.0,
        min_w=2000.0,
        max_w=2000.0,
        storage_demand=True,
    )
    table.hear(state, heater="tank")
    table.seconds(45, 2.0)

    assert table.last(HeatOrder).mode is ordered


def test_a_boost_of_a_tank_ends_when_it_is_hot_and_its_own_mode_goes_on() -> None:
    table = Table(**a_tank(mode="solar_only"))

    def says(celsius: float) -> None:
        state = HeatState(
            at=table.wall, link=True, on=False, temperature_c=celsius, min_w=2000.0, max_w=2000.0,
            comfort_demand=False, storage_demand=celsius < 67.0,
        )  # fmt: skip
        table.hear(state, heater="tank")

    table.seconds(10, 2.0, lambda: says(55.0))
    table.hear(LoadSettingsSet(boost=True, boost_for_s=7200.0), load="tank")
    table.seconds(40, 2.0, lambda: says(60.0))
    assert table.last(HeatOrder).mode is HeatMode.BOOST
    table.seconds(5, 2.0, lambda: says(70.0))
    assert table.last(LoadSettings).boost is False
    table.seconds(40, 2.0, lambda: says(60.0))

    assert table.last(HeatOrder).mode is HeatMode.BLOCK, "it waits for the sun again"


def test_a_tank_that_was_just_ordered_on_is_not_taken_back_because_its_relay_must_rest() -> None:
    table = Table(**a_tank(mode="solar_only"))

    def tank(on: bool, may_in_s: float | None) -> HeatState:
        return HeatState(
            at=table.wall, link=True, on=on, min_w=2000.0, max_w=2000.0, storage_demand=True,
            may_switch_at=None if may_in_s is None else table.wall + timedelta(seconds=may_in_s),
        )  # fmt: skip

    table.hear(tank(on=False, may_in_s=None), heater="tank")
    table.seconds(45, -12.0)
    assert table.last(HeatOrder).mode is HeatMode.BOOST

    table.hear(tank(on=False, may_in_s=20), heater="tank")
    table.seconds(3, -12.0)

    assert table.last(HeatOrder).mode is HeatMode.BOOST


@pytest.mark.parametrize(
    ("house_a", "starts"),
    [
        pytest.param(8.0, True, id="16 A fit on each single leg"),
        pytest.param(12.0, False, id="a one-phase car could take 16 A where 13 A are free"),
    ],
)
def test_a_charger_that_takes_watts_starts_only_where_one_leg_can_carry_it_all(
    house_a: float, starts: bool
) -> None:
    table = Table()
    state = ChargerState(
        at=table.wall, status=ConnectorStatus.PREPARING, link=True, capabilities=Capabilities(unit="W")
    )
    table.hear(state, charger="left", connector="1")
    table.seconds(30, house_a)

    # It stays at its minimum until its car has shown its legs.
    assert table.last(ChargerLimit).limit_a == (6.0 if starts else 0.0)


def foreign_site() -> dict[str, Any]:
    return {
        "chargers": {"left": {}},
        "chargeamps": {"connectors": {"1": {"charge_point": "x", "max_current_a": 16.0}}},
    }


def test_room_is_made_a_minute_before_a_foreign_schedule_opens() -> None:
    table = Table(**foreign_site())
    opens = NIGHT + timedelta(seconds=180)
    status = ChargeAmpsStatus(
        state="plugged_in", schedule_source="standalone", schedule_active=True, next_period_start=opens,
        next_period_end=opens + timedelta(hours=2), current_power_kw=0.0, session_energy_kwh=None,
        ready_for_schedule=False, last_hems_command_at=None, applied_max_current=12.0,
    )  # fmt: skip
    table.hear(status, connector_id="1")
    table.plug_in()
    table.seconds(110)
    assert table.last(ChargerLimit).limit_a == 16
    table.seconds(15)

    # 25 A less 2 A of house and the 12 A that will be taken.
    assert table.last(ChargerLimit).limit_a == pytest.approx(11)


@pytest.mark.parametrize(
    ("price", "limit"),
    [
        pytest.param(0.10, 16.0, id="in a cheap hour a solar car counts as Standard"),
        pytest.param(0.40, 0.0, id="in a dear hour it waits for the sun"),
        pytest.param(None, 0.0, id="an unknown price is never cheap"),
    ],
)
def test_cheap_hours(price: float | None, limit: float) -> None:
    table = Table(chargers={"left": {"mode": "solar_only", "grid_price_max": 0.2}})
    if price is not None:
        slot = PriceSlot(start=NIGHT - timedelta(hours=1), end=NIGHT + timedelta(hours=1), price=price)
        series = PriceSeries(
            schema="hems.prices/1", series="import", currency="EUR", unit="EUR/kWh", slots=(slot,)
        )
        table.hear(series, series="import")
    table.plug_in()
    table.seconds(40)

    assert table.last(ChargerLimit).limit_a == limit


def test_a_plug_switched_by_hand_is_reserved_and_left_alone() -> None:
    table = Table(chargers={"left": {"legs": ["a"]}}, plugs={"kettle": {"rating_w": 2300.0, "phases": ["a"]}})
    state = PlugState(
        at=table.wall, link=True, on=True, power_w=0.0, max_w=2300.0, min_w=2300.0, manual=True, measures=True
    )
    table.hear(state, plug="kettle")
    table.plug_in()
    table.seconds(40, grid_a=5.0)

    assert table.last(PlugSwitch) is None
    assert table.last(ChargerLimit).limit_a == pytest.approx(10)


def test_when_the_plug_service_dies_its_plugs_stay_reserved() -> None:
    table = Table(chargers={"left": {"legs": ["a"]}}, plugs={"kettle": {"rating_w": 2300.0, "phases": ["a"]}})

    def alive() -> None:
        at = NIGHT
        status = ServiceStatus(
            state="online", instance="1", version="1", contract="1", started_at=at, at=table.wall
        )
        table.hear(status, service="plugs")

    table.hear(
        PlugState(at=table.wall, link=True, on=False, max_w=2300.0, min_w=2300.0, measures=True),
        plug="kettle",
    )
    table.plug_in()
    table.seconds(30, each=alive)
    assert table.last(PlugSwitch).on
    table.seconds(20)

    # 25 A less 2 A of house and 10 A of a plug that nobody can ask.
    assert table.last(ChargerLimit).limit_a == pytest.approx(13)


@pytest.mark.parametrize("silent", [True, False])
def test_a_load_that_was_never_heard_gets_no_order(silent: bool) -> None:
    table = Table(chargers={"left": {"legs": ["a"], "fallback_a": 6.0}, "right": {}})
    if not silent:
        table.plug_in()
    table.seconds(60)

    assert (table.last(ChargerLimit) is None) == silent


@pytest.mark.parametrize(
    ("sun_a", "watts"),
    [
        pytest.param(1.0, 0.0, id="230 W are less than its least"),
        pytest.param(4.0, 900.0, id="920 W are nine steps"),
        pytest.param(5.5, 1200.0, id="1265 W are twelve"),
        pytest.param(9.0, 1500.0, id="it takes no more than it can"),
    ],
)
def test_a_pump_with_steps_follows_the_sun_in_whole_steps(sun_a: float, watts: float) -> None:
    topics = {"command": "pump/set", "set_power": "pump/power/set"}
    pump = {"driver": "generic", "rating_w": 1500.0, "min_w": 300.0, "step_w": 100.0, "mode": "solar_only"}
    table = Table(chargers={}, plugs={"pump": {**pump, "phases": ["a"], "generic": topics}})

    def draws_w() -> float:
        told = table.told.get("pump")
        return float(told.power_w) if told is not None and told.on else 0.0

    def say() -> None:
        state = PlugState(
            at=table.wall, link=True, on=draws_w() > 0, power_w=draws_w(), sampled_at=table.wall, measures=True,
            min_w=300.0, max_w=1500.0, step_w=100.0, wants_power=True,
        )  # fmt: skip
        table.hear(state, plug="pump")

    table.seconds(120, lambda: (draws_w() / 230 - sun_a, 0.0, 0.0), say)
    told = [one.power_w for one in table.said if isinstance(one, PlugSwitch)]

    assert draws_w() == watts
    assert told[-3:] == [watts] * 3, "and stays there"
