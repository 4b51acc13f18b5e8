"""On small sites the engine decides what an exact search over the written rule decides."""

import json
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from busbar_allocator.allocate import allocate
from busbar_allocator.snapshot import Allocation, Snapshot
from services.allocator.households import households
from services.allocator.oracle import House, Search, slack, targets

LOOKS = settings(max_examples=500, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


def the_engine(household: dict[str, Any]) -> Allocation:
    return allocate(msgspec.json.decode(json.dumps(household).encode(), type=Snapshot))


@LOOKS
@given(households())
def test_the_engine_decides_what_the_exact_search_decides(household: dict[str, Any]) -> None:
    found = {name: grant.target_a for name, grant in the_engine(household).loads.items() if grant.takes_part}

    expected = {name: float(amps) for name, amps in targets(household).items()}

    assert found == pytest.approx(expected, abs=0.0006), json.dumps(household, indent=1)


def what_is_hard(household: dict[str, Any], search: Search) -> set[str]:
    """What makes this household more than one division."""
    house, grants = search.house, search.grants
    hard = set()
    full = {
        row.name
        for wish in house.wishes
        for row in search.rise[wish.name]
        if row.use.get(wish.name) and slack(row, grants) < row.use[wish.name] * wish.step
    }
    if len(full) >= 2:
        hard.add("two binding rows")
    if len(household["site"]["circuits"]) > 1:
        hard.add("nesting")
    for wish in house.wishes:
        if wish.name not in search.running and 0 < search.room(search.start[wish.name], wish) < wish.least:
            hard.add("headroom below a minimum")
    if len([name for name in grants if grants[name] > 0]) >= 2:
        hard.add("two loads run")
    return hard


def test_at_least_one_household_in_five_is_hard(capsys: pytest.CaptureFixture[str]) -> None:
    """A generator of easy houses would prove nothing; how many were hard is printed."""
    seen: Counter[str] = Counter()
    count = 0

    @settings(LOOKS, max_examples=300)
    @given(households())
    def look(household: dict[str, Any]) -> None:
        nonlocal count
        count += 1
        seen.update(what_is_hard(household, Search(House(household))))

    look()
    with capsys.disabled():
        shares = ", ".join(f"{what} {100 * n // count} %" for what, n in seen.most_common())
        print(f"\n{count} households: {shares}")
    for what in ("two binding rows", "nesting", "headroom below a minimum"):
        assert seen[what] >= 0.2 * count, what
