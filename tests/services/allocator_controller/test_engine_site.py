"""Every site that the configuration accepts can be decided, with every setting an owner may choose."""

from typing import Any

import msgspec
import pytest
from allocator_house import SIX_PM, a_site
from hypothesis import given, settings
from hypothesis import strategies as st

from busbar_allocator.check import check_site
from busbar_allocator.desk import Desk
from busbar_allocator.engine_site import engine_site
from busbar_allocator.plan import plan_of
from busbar_allocator.settings import from_file
from busbar_contracts.allocation import Distribution, SiteSettingsSet
from busbar_contracts.load import LoadMode, LoadSettingsSet
from busbar_shared.bus import Heard
from busbar_shared.config.root import Site

BATTERY = {
    "batteries": {"home": {"inverter": "roof"}},
    "inverters": {"roof": {"hybrid": True, "rating_w": 8000.0}},
}


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="one charger"),
        pytest.param({"chargers": {}}, id="no load at all"),
        pytest.param({"chargers": {"left": {"connectors": {"1": {}, "2": {}}, "plugs": "sequential"}}}, id="two plugs"),
        pytest.param({"chargers": {"left": {"legs": ["a", "a", "a"], "max_current_a": 20.0}}}, id="three legs on one phase"),
        pytest.param({"chargers": {"left": {"controllable": False}}}, id="a charger without control"),
        pytest.param({"plugs": {"pump": {"rating_w": 900.0}, "rod": {"max_w": 3000.0, "step_w": 250.0}}}, id="plugs"),
        pytest.param({"heaters": {"tank": {"rating_w": 2000.0}}}, id="a tank"),
        pytest.param({"chargeamps": {"connectors": {"1": {"charge_point": "x"}}}}, id="a schedule of others"),
        pytest.param(BATTERY, id="a hybrid with a battery"),
        pytest.param({"inverters": {"roof": {"asymmetric": True}}, "batteries": {"home": {}}}, id="an asymmetric inverter"),
        pytest.param({"site": {"phases": ["a"]}, "chargers": {"left": {"legs": ["a"]}}}, id="one phase"),
        pytest.param({"site": {"unbalance_a": 20.0, "trip_safe": True, "import_limit_w": 9000.0}}, id="all limits"),
    ],
)  # fmt: skip
def test_a_site_can_be_decided(more: dict[str, Any]) -> None:
    plan = plan_of(msgspec.convert(a_site(**more), Site))

    assert check_site(engine_site(plan, from_file(plan), {})) == []


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        SiteSettingsSet,
        distribution=st.sampled_from(Distribution),
        import_limit_w=st.none() | st.floats(0, 1e9),
        power_buffer_w=st.floats(0, 1e9),
        excess_threshold_w=st.floats(0, 1e9),
        excess_uses=st.sampled_from(["above", "all"]),
        grid_charging=st.booleans(),
    ),
    st.builds(
        LoadSettingsSet,
        mode=st.sampled_from(LoadMode),
        priority=st.integers(1, 10),
        min_a=st.floats(0, 100),
        max_a=st.floats(0, 100),
        session_limit_wh=st.none() | st.floats(0, 1e6),
        boost=st.booleans(),
        boost_for_s=st.none() | st.floats(0, 1e9),
    ),
)
def test_whatever_an_owner_asks_is_taken_or_refused_with_a_sentence(
    site: SiteSettingsSet, load: LoadSettingsSet
) -> None:
    desk = Desk(plan_of(msgspec.convert(a_site(**BATTERY), Site)), None, 0.0, "test")
    desk.hear(Heard(site, {}, "", 1.0))
    desk.hear(Heard(load, {"load": "left-1"}, "", 1.0))
    answer = desk.decide(1.0, SIX_PM)

    assert {one.code for one in answer.refusals} <= {"setting_refused"}
    assert all(one.text for one in answer.refusals)
    for one in answer.messages:
        msgspec.json.decode(msgspec.json.encode(one.message), type=type(one.message))
