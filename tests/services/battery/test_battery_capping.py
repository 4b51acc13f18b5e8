"""How battery and capped sun make room for each other."""

from __future__ import annotations

from typing import Any

import pytest

from busbar_battery.beside_the_sun import Caps, beside_the_sun
from busbar_battery.capping import cap_after, making_room, taken_up
from busbar_battery.caps import Cap, next_cap
from busbar_battery.latch import Band
from busbar_battery.pace import rest_s
from busbar_battery.recent import Need, plausible
from busbar_battery.samples import Pair, Trace
from busbar_battery.site import BatteryNow, InverterNow, SiteNow, Tuning, Window, Wishes

FREE = Window(-5000.0, 5000.0)


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


def cap_when_the_house_falls(window: Window = FREE, over_s: float = 0.0, **battery: Any) -> float | None:
    """The cap on 5 kW of sun a moment after the house fell by 3 kW, all of which goes to the grid where none may."""
    usual: dict[str, Any] = {"soc": 50.0, "charge_max": 5000.0}
    cellar = BatteryNow(
        id="cellar", power=Trace((99.0, 100.0), (0.0, 0.0)), band=Band(20.0, 80.0, 100.0), **(usual | battery)
    )
    roof = InverterNow(id="roof", power=Trace((99.0, 100.0), (5000.0, 5000.0)), rating=10_000.0)
    site = SiteNow(
        now=100.5, grid=Trace((100.0,), (-3000.0,)), batteries=(cellar,), inverters=(roof,),
        wishes=Wishes(export_limit=0.0),
    )  # fmt: skip
    after = cap_after(
        Cap(5500.0, 100.0), site, Tuning(), Pair(100.0, -3000.0, (0.0,)), Need(2000.0, 0.0),
        over_s=over_s, doubtful=False, taken_up=taken_up(site, {"cellar": window}),
    )  # fmt: skip
    return after.total


@pytest.mark.parametrize(
    ("house", "cap"),
    [
        pytest.param({}, 5000.0, id="what the battery's own loop takes up within a second is not cut"),
        pytest.param({"over_s": 1.0}, 2000.0, id="by the second reading it has not: the house alone counts"),
        pytest.param({"follows_grid": False}, 2000.0, id="a battery without a loop of its own takes nothing up"),
        pytest.param({"soc": 97.0}, 2000.0, id="nearly full it takes less than it says"),
        pytest.param({"soc": None}, 2000.0, id="nobody knows how full it is"),
        pytest.param({"window": Window(-5000.0, 0.0)}, 2000.0, id="it was told not to charge"),
        pytest.param({"charge_max": 1000.0}, 2000.0, id="there is not room enough in it"),
        pytest.param({"inverter": "roof"}, 2000.0, id="on the sun's own side it takes up nothing at the meter"),
    ],
)  # fmt: skip
def test_the_sun_pays_for_what_the_battery_does_not_take_up(house: dict[str, Any], cap: float) -> None:
    assert cap_when_the_house_falls(**house) == cap


@pytest.mark.parametrize(
    ("excess", "cap"),
    [
        pytest.param(1000.0, 2000.0, id="the kilowatt that is cut already"),
        pytest.param(1600.0, 1400.0, id="and what came on top of it"),
    ],
)
def test_a_cut_that_is_on_its_way_is_not_made_twice(excess: float, cap: float) -> None:
    """Half a second ago the cap fell from 3 to 2 kW, and neither meter nor inverter shows it yet.

    The sun was still rising: its older sample makes the house look a kilowatt smaller than it is.
    """
    roof = InverterNow(id="roof", power=Trace((98.0, 99.0), (1000.0, 2000.0)), rating=10_000.0)
    meter = Trace((100.0,), (-excess,))
    site = SiteNow(now=100.5, grid=meter, inverters=(roof,), wishes=Wishes(export_limit=0.0))
    before = Cap(2000.0, 100.0, cut_s=100.0, cuts=((100.0, 1000.0),))
    house = Need(2000.0 - excess, 0.0)

    after = cap_after(before, site, Tuning(), Pair(100.0, -excess, ()), house, over_s=0.0, doubtful=False)

    assert after.total == cap


def hybrid_cap(
    cap: float, wanted: float | None, battery: float, sun: float, imported: float = 0.0
) -> float | None:
    """The cap of a hybrid of 10 kW a second later; its battery's power is + charging, the import limit 4 kW."""
    cellar = BatteryNow(
        id="cellar",
        power=Trace((100.0,), (battery,)),
        soc=50.0,
        band=Band(20.0, 80.0, 100.0),
        inverter="roof",
    )
    roof = InverterNow(id="roof", power=Trace((100.0,), (sun - battery,)), rating=10_000.0)
    site = SiteNow(
        now=101.0, grid=Trace((100.0,), (imported,)), batteries=(cellar,), inverters=(roof,),
        wishes=Wishes(export_limit=0.0, import_limit=4000.0),
    )  # fmt: skip
    return next_cap(Cap(cap, 100.0), wanted, site, Tuning()).total


@pytest.mark.parametrize(
    ("house", "cap"),
    [
        pytest.param((500.0, 4000.0, -500.0, 3000.0), 1000.0, id="in the sun by 5 % of the rating a second"),
        pytest.param((500.0, 4000.0, -500.0, 0.0), 4000.0, id="at night at once to what the house takes"),
        pytest.param((500.0, 4000.0, -500.0, 3000.0, 6000.0), 4000.0, id="at once where the import limit waits for it"),
        pytest.param((500.0, None, -500.0, 3000.0), 1000.0, id="no limit any more: up as slowly"),
        pytest.param((500.0, None, -500.0, 0.0), 10_000.0, id="no limit any more at night: up to the top first"),
        pytest.param((10_000.0, None, -500.0, 0.0), None, id="and from the top it is let go"),
    ],
)  # fmt: skip
def test_a_hybrids_cap_rises(house: tuple[Any, ...], cap: float | None) -> None:
    assert hybrid_cap(*house) == cap


@pytest.mark.parametrize(
    ("seen", "rest"),
    [
        pytest.param([0.0] * 8, 0.0, id="one that stood still turns at once"),
        pytest.param([20.0] * 8, 0.0, id="next to nothing is nothing"),
        pytest.param([800.0, *[0.0] * 4], 5.0, id="one that charged four seconds ago rests"),
        pytest.param([0.0] * 3, 5.0, id="nor is it known of one that was read for three seconds only"),
    ],
)
def test_a_hybrid_in_the_sun_rests_before_it_turns(seen: list[float], rest: float) -> None:
    times = tuple(100.0 - second for second in reversed(range(len(seen))))
    cellar = BatteryNow(
        id="cellar", power=Trace(times, tuple(seen)), soc=50.0, band=Band(20.0, 80.0, 100.0), inverter="roof"
    )

    assert rest_s(SiteNow(now=100.2, grid=Trace(), batteries=(cellar,)), 3000.0, Tuning()) == rest


@pytest.mark.parametrize(
    ("given", "sun", "most"),
    [
        pytest.param(3000.0, 0.0, None, id="at night no sun can take over"),
        pytest.param(2500.0, 600.0, 2400.0, id="in the last sun no more than the cap rises"),
    ],
)
def test_the_battery_of_a_hybrid_makes_room_for_sun_only(
    given: float, sun: float, most: float | None
) -> None:
    """The house takes 3.5 kW, nothing may be exported, the cap rises from 3 to 3.5 kW."""
    cellar = BatteryNow(id="cellar", power=Trace(), soc=50.0, band=Band(20.0, 80.0, 100.0), inverter="roof")
    roof = InverterNow(id="roof", power=Trace().heard(100.0, given + sun), rating=10_000.0)
    site = SiteNow(
        now=100.5, grid=Trace(), batteries=(cellar,), inverters=(roof,), wishes=Wishes(export_limit=0.0)
    )
    pair = Pair(100.0, 0.0, (-given,))

    assert making_room(Cap(3000.0), Cap(3500.0), site, pair, Need(3500.0, 0.0)) == most


@pytest.mark.parametrize(
    ("house", "bounds"),
    [
        pytest.param({}, (-1000.0, 5000.0), id="the sun may come up to 2 kW: the battery gives the third"),
        pytest.param({"sun": 300.0}, (-3000.0, 5000.0), id="a sun below its caps of the last seconds will not"),
        pytest.param({"sun": 0.0}, (-3000.0, 5000.0), id="nor will any at night"),
        pytest.param({"export": 500.0}, (-1500.0, 5000.0), id="what may be exported may overlap"),
        pytest.param({"loads": (3000.0, 2500.0, 2900.0)}, (-500.0, 5000.0), id="the least of the last houses counts"),
        pytest.param({"cut_s": 99.0}, (-1000.0, 200.0), id="while a cut is under way it takes little more"),
        pytest.param({"cut_s": 99.0, "power": 900.0}, (-1000.0, 900.0), id="than it was told"),
        pytest.param({"cut_s": 99.0, "measured": 700.0}, (-1000.0, 900.0), id="or than it does"),
        pytest.param({"cut_s": 90.0}, (-1000.0, 5000.0), id="afterwards as much as it may"),
        pytest.param({"highest": -2000.0}, (-2000.0, -2000.0), id="an import limit stands above"),
    ],
)  # fmt: skip
def test_a_battery_without_a_loop_beside_a_capped_sun(
    house: dict[str, Any], bounds: tuple[float, float]
) -> None:
    """A house of 3 kW; the caps of the last seconds were 1.5 kW and more, and now it is 2 kW."""
    had: dict[str, Any] = {
        "sun": 1500.0, "export": 0.0, "loads": (3000.0,), "cut_s": None, "power": 0.0, "measured": 0.0, "highest": 5000.0
    } | house  # fmt: skip
    cellar = BatteryNow(id="cellar", power=Trace(), soc=50.0, band=Band(20.0, 80.0, 100.0))
    roof = InverterNow(id="roof", power=Trace().heard(99.5, had["sun"]), rating=10_000.0)
    site = SiteNow(
        now=100.0, grid=Trace(), batteries=(cellar,), inverters=(roof,),
        wishes=Wishes(export_limit=had["export"]),
    )  # fmt: skip
    needs = [Need(load, 0.0) for load in had["loads"]]
    cap, caps = Cap(2000.0, 99.9, cut_s=had["cut_s"]), Caps(((97.0, 1500.0), (99.0, 1900.0)))
    pair = Pair(99.5, 0.0, (had["measured"],))

    found = beside_the_sun((-3000.0, had["highest"]), had["power"], caps, cap, site, pair, needs)

    assert found == bounds


@pytest.mark.parametrize(
    ("loads", "load"),
    [
        pytest.param((2000.0, 2100.0, -4000.0), 0.0, id="a house never gives: it is a sun not yet seen"),
        pytest.param((-600.0, -500.0, -700.0), -500.0, id="unless all seen lately gave: a hidden generator"),
        pytest.param((2000.0, 2100.0, 300.0), 300.0, id="a house that takes little may be"),
    ],
)
def test_a_house_that_seems_to_give(loads: tuple[float, ...], load: float) -> None:
    assert plausible(loads[-1], [Need(one, 0.0) for one in loads]) == load
