"""What must hold on every site, in every distribution mode (allocation, section 7, items 1 to 5).

The rows are listed by the oracle, which imports nothing from the engine.
"""

import json
from copy import deepcopy
from fractions import Fraction
from typing import Any

import msgspec
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from busbar_allocator.allocate import allocate
from busbar_allocator.snapshot import Allocation, Snapshot
from services.allocator.households import households
from services.allocator.oracle import House, Row, Search, Wish, exact

LOOKS = settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
HAIR = Fraction(1, 1000)
"""Grants are published to a tenth of a milliampere."""


def the_engine(household: dict[str, Any]) -> Allocation:
    return allocate(msgspec.json.decode(json.dumps(household).encode(), type=Snapshot))


def used(row: Row, amps: dict[str, Fraction]) -> Fraction:
    return sum((use * amps.get(name, Fraction(0)) for name, use in row.use.items()), Fraction(0))


def figures(allocation: Allocation, field: str) -> dict[str, Fraction]:
    return {name: exact(round(getattr(grant, field), 4)) for name, grant in allocation.loads.items()}


def tolerance(row: Row) -> Fraction:
    return HAIR * max([*row.use.values(), Fraction(1)])


@LOOKS
@given(households(8))
def test_no_wire_and_no_import_limit_is_exceeded(household: dict[str, Any]) -> None:
    allocation = the_engine(household)
    house = House(household)
    limits, targets = figures(allocation, "limit_a"), figures(allocation, "target_a")

    for rows, amps in ((house.wires(wide=False), limits), (house.wires(wide=True), targets)):
        for row in rows:
            total = used(row, amps)
            assert total <= max(row.capacity, Fraction(0)) + tolerance(row), row.name
            if row.capacity < 0:
                assert total == 0, f"{row.name} is over its limit by the background alone"


@LOOKS
@given(households(8))
def test_a_grant_is_nothing_or_between_minimum_and_maximum_on_the_step(household: dict[str, Any]) -> None:
    allocation = the_engine(household)

    for wish in House(household).wishes:
        grant = allocation.loads[wish.name]
        assert grant.limit_a <= grant.target_a
        for amps in (grant.target_a, grant.limit_a):
            if amps:
                assert float(wish.least) - 0.0002 <= amps <= float(wish.most) + 0.0002
                steps = amps / float(wish.step)
                assert abs(steps - round(steps)) * float(wish.step) < 0.0002


@LOOKS
@given(households(8), st.sampled_from(("target_a", "limit_a")))
def test_followers_never_import_and_never_drain_the_battery(household: dict[str, Any], field: str) -> None:
    house = House(household)
    amps = figures(the_engine(household), field)
    granted: dict[str, Fraction] = {}
    urgency = {wish.name: wish.urgency for wish in house.wishes}

    for follower, pool in ((3, "solar"), (4, "excess")):
        granted = {name: a for name, a in amps.items() if urgency[name] <= follower}
        for row in house.pool(pool):
            if any(granted[name] and row.use.get(name) for name in granted if urgency[name] == follower):
                assert used(row, granted) <= row.capacity + tolerance(row), f"{pool}: {row.name}"


@LOOKS
@given(households(6))
def test_nothing_is_wasted(household: dict[str, Any]) -> None:
    """No load's target could be raised by its step, or from 0 to its minimum, all others unchanged."""
    allocation = the_engine(household)
    search = Search(House(household))
    targets = figures(allocation, "target_a")
    strict = search.mode == "strict"
    empty = search.house.battery and search.house.battery["empty"]
    no_grid = search.house.settings.get("grid_charging") is False

    for wish in search.house.wishes:
        barred = wish.urgency == 2 and no_grid and empty
        if barred or (strict and allocation.loads[wish.name].binding.kind == "rank"):
            continue
        assert not could_rise(wish, search, targets), wish.name


def could_rise(wish: Wish, search: Search, amps: dict[str, Fraction]) -> bool:
    """One step more, or the minimum from nothing, would break no row that rules this load."""
    now = amps[wish.name]
    if now == 0:
        gate = search.gate.get(wish.name)
        # What later rounds took does not count: they are granted after it.
        seen = {n: a for n, a in amps.items() if earlier(n, wish, search)}
        if wish.least == 0 or (gate is not None and used(gate, seen) >= gate.capacity - tolerance(gate)):
            return False
        after, rows = wish.least, search.start[wish.name]
    else:
        after, rows = now + wish.step, search.rise[wish.name]
        seen = amps
    if after > wish.most + HAIR:
        return False
    trial = {**amps, wish.name: after}
    return all(used(row, trial) <= row.capacity - tolerance(row) for row in rows if row.use.get(wish.name))


def earlier(name: str, wish: Wish, search: Search) -> bool:
    urgency = {one.name: one.urgency for one in search.house.wishes}
    return urgency[name] <= wish.urgency


@LOOKS
@given(households(5), st.integers(0, 4))
def test_a_newcomer_never_lowers_an_earlier_round(household: dict[str, Any], which: int) -> None:
    names = list(household["site"]["loads"])
    newcomer = names[which % len(names)]
    without = deepcopy(household)
    without["now"]["loads"][newcomer]["status"] = "Available"
    house = House(household)
    wishes = {wish.name: wish for wish in house.wishes}
    assume(newcomer in wishes)
    before, after = the_engine(without), the_engine(household)
    distribution = household["site"]["settings"]["distribution"]

    for name, wish in wishes.items():
        if name == newcomer:
            continue
        was, now = before.loads[name].target_a, after.loads[name].target_a
        if round_of(wish) < round_of(wishes[newcomer]):
            assert now >= was - 0.0002
        elif round_of(wish) == round_of(wishes[newcomer]) and wish.rank < wishes[newcomer].rank:
            if distribution == "strict":
                assert now >= was - 0.0002
            elif was:
                assert now >= float(wish.least) - 0.0002


def round_of(wish: Wish) -> int:
    return max(wish.urgency, 2)


# Found once: on the wires of today the last plug fits, but beside the targets of the others it has no place.
BESIDE_TARGETS: dict[str, Any] = {
    "site": {
        "phases": ["a", "b", "c"],
        "circuits": {"main": {"limit_a": 33}},
        "loads": {
            "load-0": {
                "mode": "standard", "priority": 1, "phases": ["a", "b", "c"], "circuit": "main", "min_a": 6, "max_a": 20
            },
            "load-1": {
                "mode": "standard", "priority": 1, "phases": ["a", "a"], "circuit": "main", "min_a": 6, "max_a": 16,
                "step_a": 1,
            },
            **{
                f"load-{number}": {
                    "mode": "continuous", "priority": 1, "phases": ["a", "b", "c"], "circuit": "main", "kind": "plug",
                    "power_w": 460,
                }
                for number in (2, 3, 4)
            },
        },
        "settings": {
            "distribution": "optimized", "netting": "per_phase", "excess_threshold_w": 0, "max_unbalance_a": 11,
            "grid_charging": True,
        },
        "batteries": {"bat": {"charge_limit_w": 3000, "discharge_limit_w": 4000}},
    },
    "now": {
        "circuits": {"main": {"background_a": {"a": 0.0, "b": 3.0, "c": 3.0}}},
        "loads": {f"load-{number}": {"status": "Charging"} for number in range(5)},
        "batteries": {"bat": {"power_w": 700, "soc_percent": 15}},
    },
}  # fmt: skip


@LOOKS
@example(BESIDE_TARGETS)
@given(households(5))
def test_an_idle_load_is_told_what_it_would_get(household: dict[str, Any]) -> None:
    """What is available to the last in line is what it gets once it wakes, if nobody has to give way."""
    names = list(household["site"]["loads"])
    asleep = deepcopy(household)
    asleep["now"]["loads"][names[-1]]["status"] = "Available"
    # It wakes up after the others: last of all in rank.
    loads = asleep["site"]["loads"]
    for name in names:
        loads[name]["priority"] = 10 if name == names[-1] else 1
    awake = deepcopy(asleep)
    awake["now"]["loads"][names[-1]]["status"] = "Charging"
    woken = the_engine(awake).loads
    told = the_engine(asleep).loads[names[-1]].available_a
    rest = the_engine(asleep).loads
    undisturbed = all(
        (woken[name].limit_a, woken[name].target_a) == (rest[name].limit_a, rest[name].target_a)
        for name in names[:-1]
    )

    if undisturbed and woken[names[-1]].binding.kind != "rank":
        assert woken[names[-1]].limit_a == told


@LOOKS
@given(households(8))
def test_every_load_is_told_why(household: dict[str, Any]) -> None:
    allocation = the_engine(household)

    for wish in House(household).wishes:
        grant = allocation.loads[wish.name]
        assert grant.reason
        if grant.limit_a < float(wish.most) - float(wish.step):
            assert grant.binding.kind not in ("maximum", "status")


def as_the_last_car(household: dict[str, Any], **now: Any) -> dict[str, Any]:
    """The same house, with followers on several phases that have shown no legs after cars on one."""
    guessed = deepcopy(household)
    for name, load in guessed["site"]["loads"].items():
        if (
            load["mode"] in ("solar_only", "excess")
            and len(set(load["phases"])) > 1
            and "power_w" not in load
        ):
            guessed["now"]["loads"][name].update(now)
    return guessed


@LOOKS
@given(households(8))
def test_the_wires_bear_a_car_on_all_legs_and_on_the_one_it_is_thought_to_use(
    household: dict[str, Any],
) -> None:
    limits = figures(the_engine(as_the_last_car(household, legs_expected=["l1"], limit_given_a=6)), "limit_a")

    for house in (House(household), House(as_the_last_car(household, legs_in_use=["l1"]))):
        for row in house.wires(wide=False):
            assert used(row, limits) <= max(row.capacity, Fraction(0)) + tolerance(row), row.name


@LOOKS
@given(households(8), st.sampled_from((0, 6)))
def test_on_the_leg_it_is_thought_to_use_a_follower_imports_nothing(
    household: dict[str, Any], given_a: int
) -> None:
    amps = figures(
        the_engine(as_the_last_car(household, legs_expected=["l1"], limit_given_a=given_a)), "limit_a"
    )
    house = House(as_the_last_car(household, legs_in_use=["l1"]))
    urgency = {wish.name: wish.urgency for wish in house.wishes}

    for follower, pool in ((3, "solar"), (4, "excess")):
        granted = {name: a for name, a in amps.items() if urgency[name] <= follower}
        for row in house.pool(pool):
            if any(granted[name] and row.use.get(name) for name in granted if urgency[name] == follower):
                assert used(row, granted) <= row.capacity + tolerance(row), f"{pool}: {row.name}"


@LOOKS
@given(households(8))
def test_what_is_thought_of_a_follower_takes_nothing_from_an_earlier_round(household: dict[str, Any]) -> None:
    before = figures(the_engine(household), "limit_a")
    after = figures(the_engine(as_the_last_car(household, legs_expected=["l1"], limit_given_a=6)), "limit_a")
    first = {wish.name for wish in House(household).wishes if wish.urgency in (1, 2)}

    assert {name: before[name] for name in first} == {name: after[name] for name in first}
