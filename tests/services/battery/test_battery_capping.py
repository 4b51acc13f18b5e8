"""How battery and capped sun make room for each other."""

from __future__ import annotations

from typing import Any

import pytest

from busbar_battery.capping import making_room
from busbar_battery.caps import Cap
from busbar_battery.recent import Need
from busbar_battery.samples import Pair, Trace
from busbar_battery.site import InverterNow, SiteNow, Wishes


def room(**more: Any) -> float | None:
    """What is left for a battery that covers 3.5 kW of house while the cap on the sun rises from 2 to 2.5 kW."""
    had = {"house": 3500.0, "limit": 0.0, "before": 2000.0, "after": 2500.0, "sun": 1950.0} | more
    roof = InverterNow(id="roof", power=Trace().heard(100.0, had["sun"]), rating=10_000.0)
    site = SiteNow(now=100.5, grid=Trace(), inverters=(roof,), wishes=Wishes(export_limit=had["limit"]))
    need = None if had["house"] is None else Need(had["house"], 0.0)
    return making_room(Cap(had["before"]), Cap(had["after"]), site, Pair(100.0, 0.0, (-1500.0,)), need)


@pytest.mark.parametrize(
    ("house", "most"),
    [
        pytest.param({}, 1000.0, id="the sun is about to give 2.5 of the 3.5 kW, the battery the rest"),
        pytest.param({"limit": 500.0}, 1500.0, id="what may be exported may overlap"),
        pytest.param({"after": 5000.0}, 0.0, id="a sun that covers all leaves nothing to give"),
        pytest.param({"after": 2000.0}, None, id="a cap that stands asks nothing of the battery"),
        pytest.param({"after": 1500.0}, None, id="nor does one that falls"),
        pytest.param({"before": None}, None, id="nor where there was none"),
        pytest.param({"after": None}, None, id="nor where it is gone"),
        pytest.param({"limit": None}, None, id="without an export limit nothing can be broken"),
        pytest.param({"sun": 1200.0}, None, id="a sun below its cap will not rise with it"),
        pytest.param({"house": None}, None, id="a house that is not known makes no room"),
    ],
)
def test_a_battery_makes_room_for_a_sun_whose_cap_rises(house: dict[str, Any], most: float | None) -> None:
    assert room(**house) == most
