"""Heat pumps that regulate themselves: never blocked for a blink, storing when there is sun, one load on the wires."""

from collections.abc import Callable
from datetime import timedelta
from itertools import groupby
from typing import Any

import pytest
from desk_table import Table

from busbar_contracts.allocation import Allocation
from busbar_contracts.charger import ChargerLimit
from busbar_contracts.load import HeatMode, HeatOrder, HeatState

CONTACTS = {"relay_a": {"command": "a"}, "relay_b": {"command": "b"}}


def a_pump(mode: str = "excess", **site: Any) -> dict[str, Any]:
    pump = {"kind": "sg_ready", "mode": mode, "rating_w": 2300.0, "topics": CONTACTS, "phases": ["a"]}
    return {
        "site": {"netting": "sum", "excess_threshold_w": 1000.0, **site},
        "chargers": {},
        "heaters": {"pump": pump},
    }


class Pump:
    """What the heat service says of a heat pump without a meter: nobody knows whether it runs."""

    def __init__(self, table: Table, order: HeatMode | None = None) -> None:
        self.table, self.order, self.sg_state = table, order, 2
        self.dwells_until_s = 0.0

    def say(self) -> None:
        state = HeatState(
            at=self.table.wall, link=True, on=None, sg_state=self.sg_state, min_w=2300.0, max_w=2300.0,
            comfort_demand=True, storage_demand=True, order=self.order,
            may_switch_at=self.table.wall + timedelta(seconds=self.dwells_until_s - self.table.now)
            if self.dwells_until_s > self.table.now
            else None,
        )  # fmt: skip
        self.table.hear(state, heater="pump")


def orders(table: Table) -> list[HeatMode]:
    """What it was told, repetitions left out."""
    return [mode for mode, _ in groupby(one.mode for one in table.said if isinstance(one, HeatOrder))]


def test_with_enough_sun_it_is_asked_to_store_and_afterwards_runs_on_as_before() -> None:
    table = Table(**a_pump())
    pump = Pump(table)
    table.seconds(60, -10.0, pump.say)
    assert table.last(HeatOrder).mode is HeatMode.BOOST

    # The sun is gone: the same ten amperes may come from any source, without a block in between.
    table.seconds(180, 2.0, pump.say)

    assert orders(table) == [HeatMode.NORMAL, HeatMode.BOOST, HeatMode.NORMAL]


@pytest.mark.parametrize(
    ("mode", "grid_a", "told"),
    [
        pytest.param("normal", -10.0, [HeatMode.NORMAL], id="in Normal nothing is stored"),
        pytest.param("boost", 2.0, [HeatMode.NORMAL, HeatMode.BOOST], id="Boost stores from any source"),
        pytest.param("excess", -1.0, [HeatMode.NORMAL], id="a little sun is not enough"),
        pytest.param(
            "solar_only", -4.0, [HeatMode.NORMAL, HeatMode.BOOST], id="Solar Only needs no threshold"
        ),
        pytest.param("off", -10.0, [HeatMode.BLOCK], id="off is off"),
    ],
)
def test_what_a_heat_pump_is_told_from_the_start(mode: str, grid_a: float, told: list[HeatMode]) -> None:
    table = Table(**a_pump(mode))
    table.seconds(90, grid_a, Pump(table).say)

    assert orders(table) == told


def test_a_restarted_allocator_blocks_no_heat_pump_that_may_run() -> None:
    table = Table(**a_pump())
    table.seconds(60, 2.0, Pump(table, HeatMode.NORMAL).say)

    assert orders(table) == [HeatMode.NORMAL]


def test_where_it_does_not_fit_it_is_blocked_at_once() -> None:
    table = Table(**a_pump())
    pump = Pump(table)
    table.seconds(30, 2.0, pump.say)
    table.seconds(1, 27.0, pump.say)

    assert table.last(HeatOrder).mode is HeatMode.BLOCK


def test_a_line_that_is_full_from_the_start_blocks_it_within_a_lease() -> None:
    table = Table(**a_pump())
    table.seconds(2, 20.0, Pump(table).say)

    assert orders(table) == [HeatMode.BLOCK]


def test_a_state_that_dwells_is_neither_a_reason_to_block_nor_to_store() -> None:
    table = Table(**a_pump())
    pump = Pump(table)
    pump.dwells_until_s = 200.0
    table.seconds(150, -10.0, pump.say)
    assert orders(table) == [HeatMode.NORMAL]
    table.seconds(100, -10.0, pump.say)

    assert orders(table) == [HeatMode.NORMAL, HeatMode.BOOST]


def test_a_pump_in_its_block_gets_no_grant_before_it_may_leave_it() -> None:
    table = Table(**a_pump())
    pump = Pump(table, HeatMode.BLOCK)
    pump.sg_state, pump.dwells_until_s = 1, 100.0
    table.seconds(90, 2.0, pump.say)
    assert table.last(Allocation).loads["pump/comfort"].limit_a == 0
    table.seconds(30, 2.0, pump.say)

    assert table.last(HeatOrder).mode is HeatMode.NORMAL


def limits_of_a_car_beside(sun: Callable[[float], float]) -> list[float]:
    site = a_pump()
    site["chargers"] = {"left": {"legs": ["a"]}}
    table = Table(**site)
    pump = Pump(table)
    table.plug_in()

    def house() -> tuple[float, float, float]:
        # Nobody draws; the sun is on the other phases.
        return (2.0, sun(table.now), sun(table.now))

    table.seconds(240, house, pump.say)
    return [one.limit_a for one in table.said if isinstance(one, ChargerLimit)]


def test_its_place_on_the_wire_is_kept_once_whether_it_keeps_warm_or_stores() -> None:
    limits = limits_of_a_car_beside(lambda now: -30.0 if 60 < now < 120 else 2.0)

    # 25 A less 2 A of house and 10 A of the heat pump, before, while and after it stores.
    assert limits[-1] == pytest.approx(13.0)
    assert {round(one, 2) for one in limits[limits.index(13.0) :]} == {13.0}


def test_a_dead_meter_leaves_it_as_it_is_but_lets_it_store_nothing() -> None:
    table = Table(**a_pump())
    pump = Pump(table)
    table.seconds(60, -10.0, pump.say)
    assert table.last(HeatOrder).mode is HeatMode.BOOST
    for _ in range(60):
        table.now += 1.0
        pump.say()
        table.said += [one.message for one in table.desk.decide(table.now, table.wall).messages]

    assert table.last(HeatOrder).mode is HeatMode.NORMAL
    assert HeatMode.BLOCK not in orders(table), "a dead meter must not freeze the house"


def test_an_order_says_why_in_the_words_of_the_part_that_decides() -> None:
    table = Table(**a_pump())
    table.seconds(60, 2.0, Pump(table).say)

    assert {one.reason for one in table.said if isinstance(one, HeatOrder)} == {"all it can take, 10 A"}


@pytest.mark.parametrize(
    ("idle", "limit_a"),
    [
        pytest.param(True, 13.9, id="a compressor that rests leaves the sun to the car"),
        pytest.param(False, 0.0, id="one that may start at any moment keeps it"),
    ],
)
def test_the_sun_a_resting_heat_pump_leaves(idle: bool, limit_a: float) -> None:
    site = a_pump("normal")
    site["chargers"] = {"left": {"legs": ["b"], "mode": "solar_only"}}
    table = Table(**site)

    def say() -> None:
        state = HeatState(
            at=table.wall, link=True, on=False, power_w=3.0, power_at=table.wall, measures=True, sg_state=2,
            min_w=2300.0, max_w=2300.0, comfort_demand=True, storage_demand=True, idle=idle,
        )  # fmt: skip
        table.hear(state, heater="pump")

    table.plug_in()
    table.seconds(90, lambda: (0.0, -14.0, 0.0), say)

    assert table.last(HeatOrder).mode is HeatMode.NORMAL
    assert table.last(ChargerLimit).limit_a == pytest.approx(limit_a, abs=0.15)


def test_a_warm_room_that_has_stored_enough_wants_nothing_more() -> None:
    room = {"kind": "setpoint", "mode": "solar_only", "rating_w": 2300.0, "topics": {"set_target": "t/set"}}
    table = Table(chargers={}, site={"netting": "sum"}, heaters={"room": room})
    stored = False

    def say() -> None:
        state = HeatState(
            at=table.wall, link=True, on=not stored, min_w=2300.0, max_w=2300.0, comfort_demand=False,
            storage_demand=not stored,
        )  # fmt: skip
        table.hear(state, heater="room")

    table.seconds(60, -10.0, say)
    assert table.told["room"].mode is HeatMode.BOOST
    stored = True
    table.seconds(60, -10.0, say)

    assert orders(table) == [HeatMode.BLOCK, HeatMode.BOOST, HeatMode.BLOCK]


def test_between_two_readings_nothing_is_known_that_could_block_it_first() -> None:
    # A charger that is never heard makes the allocator wait for a lease, which ends between two readings.
    table = Table(**{**a_pump(), "chargers": {"left": {"fallback_a": 0.0}}})
    pump = Pump(table)
    for second in range(1, 60):
        pump.say()
        if second % 5 == 2:
            table.seconds(1, 2.0)
        else:
            table.now += 1.0
            table.said += [one.message for one in table.desk.decide(table.now, table.wall).messages]

    assert orders(table) == [HeatMode.NORMAL]
