"""Houses with everything at once: units, silent and foreign chargers, heaters, batteries, inverters.

No answer is compared figure by figure here; what must never happen is looked for, with the wires added up
from the snapshot itself.
"""

import json
from collections import Counter
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from busbar_allocator.allocate import allocate
from busbar_allocator.snapshot import Allocation, Snapshot
from services.allocator.households import households

LOOKS = settings(max_examples=120, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
STATUSES = (
    "Charging", "Charging", "Charging", "Preparing", "SuspendedEV", "SuspendedEVSE", "Available", "Faulted",
    "silent", "whatever",
)  # fmt: skip


@st.composite
def wild_houses(draw: st.DrawFn) -> dict[str, Any]:
    """A household of up to eight loads with what a real one has beside cars."""
    house = draw(households(8, batteries=False))
    site, now = house["site"], house["now"]
    phases = site["phases"]
    names = list(site["loads"])
    if len(names) > 2 and draw(st.booleans()):
        plugs = draw(st.sampled_from(("concurrent", "sequential", "exclusive")))
        site["units"] = {"twin": {"max_current_a": draw(st.integers(6, 40)), "plugs": plugs}}
        for name in names[:2]:
            site["loads"][name]["unit"] = "twin"
            site["units"]["twin"]["circuit"] = site["loads"][name].pop("circuit")
    for name in names:
        state = now["loads"][name]
        state["status"] = draw(st.sampled_from(STATUSES))
        if draw(st.booleans()):
            state["limit_given_a"] = draw(st.integers(0, 16))
        if draw(st.integers(0, 9)) == 0:
            state["reserved_a"] = draw(st.integers(0, 16))
        if draw(st.integers(0, 9)) == 0:
            site["loads"][name]["controlled"] = False
        if draw(st.integers(0, 5)) == 0 and site["loads"][name].get("mode") in ("solar_only", "excess"):
            state["hold_minimum"] = True
        if draw(st.integers(0, 9)) == 0:
            site["loads"][name]["can_pause"] = False
            site["loads"][name]["fallback_a"] = 6
    for n in range(draw(st.integers(0, 2))):
        site.setdefault("inverters", {})[f"inv-{n}"] = {
            "rating_w": draw(st.sampled_from((3000, 10000))),
            "asymmetric": draw(st.booleans()),
            "wiring": draw(st.sampled_from(("parallel", "series"))),
        }
        if draw(st.booleans()):
            amps = {phase: draw(st.integers(0, 12)) for phase in phases}
            now.setdefault("inverters", {})[f"inv-{n}"] = {"output_a": amps}
    for n in range(draw(st.integers(0, 2))):
        site.setdefault("batteries", {})[f"bat-{n}"] = {
            "grid_charging": draw(st.booleans()),
            "phases": draw(st.sampled_from((phases, phases[:1]))),
            "inverter": draw(st.sampled_from(("", *site.get("inverters", {})))),
        }
        soc = draw(st.sampled_from((None, 10, 50, 80, 90, 99)))
        power = draw(st.sampled_from((None, -4000, -500, 0, 1500, 5000)))
        now.setdefault("batteries", {})[f"bat-{n}"] = {"soc_percent": soc, "power_w": power}
    site["settings"]["grid_charging"] = draw(st.booleans())
    site["settings"]["trip_safe"] = draw(st.integers(0, 4)) == 0
    return house


def decided(house: dict[str, Any]) -> Allocation:
    return allocate(msgspec.json.decode(json.dumps(house).encode(), type=Snapshot))


def wires(house: dict[str, Any]) -> dict[str, tuple[dict[str, float], dict[str, float]]]:
    """Limit and background per phase of every circuit and unit."""
    site, now = house["site"], house["now"]
    found = {}
    for name, circuit in site["circuits"].items():
        limit = circuit["limit_a"]
        given = now["circuits"].get(name, {}).get("background_a", circuit.get("background_a"))
        found[name] = (
            {p: limit[p] if isinstance(limit, dict) else limit for p in site["phases"]},
            {p: given[p] if isinstance(given, dict) else given for p in site["phases"]},
        )
    for name, unit in site.get("units", {}).items():
        found[name] = (
            dict.fromkeys(site["phases"], unit["max_current_a"]),
            dict.fromkeys(site["phases"], 0.0),
        )
    return found


def chain(house: dict[str, Any], load: str) -> list[str]:
    """The unit and circuits a load hangs on."""
    site = house["site"]
    described = site["loads"][load]
    found = []
    at = described.get("circuit")
    if described.get("unit"):
        found.append(described["unit"])
        at = site["units"][described["unit"]].get("circuit")
    at = at or "main"
    while at:
        found.append(at)
        at = site["circuits"][at].get("parent")
    return found


@LOOKS
@given(wild_houses())
def test_no_wire_carries_more_than_it_may(house: dict[str, Any]) -> None:
    allocation = decided(house)

    for circuit, (limit, background) in wires(house).items():
        for phase in house["site"]["phases"]:
            granted = total = background[phase]
            for name, grant in allocation.loads.items():
                if circuit in chain(house, name):
                    legs = grant.legs.count(phase)
                    granted += legs * grant.limit_a
                    total += legs * (grant.limit_a + grant.reserved_a)
            if granted > background[phase]:
                assert total <= limit[phase] + 0.002, f"{circuit}, phase {phase}"


@LOOKS
@given(wild_houses())
def test_who_takes_no_part_is_granted_nothing_and_told_why(house: dict[str, Any]) -> None:
    allocation = decided(house)

    for grant in allocation.loads.values():
        assert grant.reason
        assert 0 <= grant.limit_a <= grant.target_a
        if not grant.takes_part:
            assert grant.target_a == 0
            assert grant.binding.kind == "status"
        else:
            assert grant.reserved_a == 0


@LOOKS
@given(wild_houses())
def test_connectors_of_one_charger_keep_its_rule(house: dict[str, Any]) -> None:
    allocation = decided(house)

    running: Counter[str] = Counter()
    for name, load in house["site"]["loads"].items():
        if load.get("unit") and allocation.loads[name].limit_a > 0:
            running[load["unit"]] += 1
    for name, unit in house["site"].get("units", {}).items():
        if unit["plugs"] == "exclusive":
            assert running[name] <= 1


@LOOKS
@given(wild_houses())
def test_what_the_batteries_may_do_is_within_what_they_can(house: dict[str, Any]) -> None:
    for battery in decided(house).batteries.values():
        assert 0 <= battery.charge_limit_w <= 5000
        assert 0 <= battery.discharge_limit_w <= 5000


@LOOKS
@given(wild_houses())
def test_the_same_instant_is_decided_the_same(house: dict[str, Any]) -> None:
    assert msgspec.json.encode(decided(house)) == msgspec.json.encode(decided(house))
