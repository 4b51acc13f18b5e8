"""One step of the controller in odd houses: several batteries, none, half the readings, nonsense."""

from __future__ import annotations

from math import isfinite
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from busbar_battery.control import Outcome, State, step
from busbar_battery.latch import Band
from busbar_battery.samples import Trace
from busbar_battery.site import RELEASE, BatteryNow, InverterNow, SiteNow, Tuning, Window, Wishes


def trace(*values: float, since: float = 100.0) -> Trace:
    made = Trace()
    for second, value in enumerate(values):
        made = made.heard(since + second, value)
    return made


def battery(name: str, power: float = 0.0, **more: Any) -> BatteryNow:
    usual = {
        "soc": 50.0,
        "band": Band(20.0, 80.0, 100.0),
        "charge_max": 5000.0,
        "discharge_max": 5000.0,
        "capacity_wh": 10_000.0,
    }
    return BatteryNow(id=name, power=trace(power, power, power), **(usual | more))


def site(grid: float, *batteries: BatteryNow, **more: Any) -> SiteNow:
    usual: dict[str, Any] = {"now": 102.2, "grid": trace(grid, grid, grid), "batteries": batteries}
    return SiteNow(**(usual | more))


def settled(house: SiteNow, seconds: int = 30, tuning: Tuning | None = None) -> Outcome:
    """The outcome once the ramps are through."""
    state = State()
    tuning = tuning or Tuning()
    for second in range(seconds):
        moved = replace(
            house,
            now=house.now + second,
            grid=_later(house.grid, second),
            batteries=tuple(replace(one, power=_later(one.power, second)) for one in house.batteries),
            inverters=tuple(replace(one, power=_later(one.power, second)) for one in house.inverters),
        )
        state, outcome = step(state, moved, tuning)
    return outcome


def _later(one: Trace, seconds: float) -> Trace:
    return Trace(tuple(at + seconds for at in one.times), one.values)


def test_two_batteries_share_the_surplus_by_the_energy_they_can_still_take() -> None:
    outcome = settled(
        site(
            -3000.0,
            battery("a", soc=80.0, band=Band(20, 90, 100)),
            battery("b", soc=60.0, band=Band(20, 90, 100)),
        )
    )

    assert outcome.shares == {"a": 1000.0, "b": 2000.0}
    assert outcome.windows == {"a": Window(0.0, 1000.0), "b": Window(0.0, 2000.0)}


def test_two_batteries_discharge_only_from_the_one_above_its_reserve() -> None:
    outcome = settled(site(3000.0, battery("a", soc=20.0), battery("b", soc=70.0)))

    assert outcome.windows == {"a": Window(0.0, 0.0), "b": Window(-3000.0, 0.0)}


def test_a_battery_with_unknown_charge_takes_sun_and_gives_nothing() -> None:
    surplus = settled(site(-2000.0, battery("a", soc=None), battery("b", soc=50.0, capacity_wh=None)))
    deficit = settled(site(2000.0, battery("a", soc=None), battery("b", soc=50.0)))

    assert surplus.shares["a"] == 1000.0
    assert deficit.shares == {"a": 0.0, "b": -2000.0}


def test_a_battery_whose_owner_forbids_it_takes_nothing_from_the_grid() -> None:
    wishes = Wishes(grid_charging=True, grid_charging_max=2000.0)
    outcome = settled(site(500.0, battery("a", from_grid=False), battery("b"), wishes=wishes))

    assert outcome.windows == {"a": Window(0.0, 0.0), "b": Window(2000.0, 2000.0, True)}


def test_a_site_without_a_battery_still_keeps_its_export_limit() -> None:
    roof = InverterNow(id="roof", power=trace(8000.0, 8000.0, 8000.0), rating=10_000.0)
    outcome = settled(site(-7000.0, inverters=(roof,), wishes=Wishes(export_limit=3000.0)))

    assert outcome.caps == {"roof": 4000.0}
    assert outcome.windows == {}


def test_what_cannot_be_capped_is_taken_off_the_share_of_the_others() -> None:
    roof = InverterNow(id="roof", power=trace(5000.0, 5000.0, 5000.0), rating=10_000.0)
    balcony = InverterNow(id="balcony", power=trace(700.0, 700.0, 700.0), rating=800.0, writable=False)
    outcome = settled(site(-5000.0, inverters=(roof, balcony), wishes=Wishes(export_limit=3000.0)))

    assert outcome.caps == {"roof": 3000.0}


def test_the_generation_limit_caps_sun_and_battery_together() -> None:
    roof = InverterNow(id="roof", power=trace(3000.0, 3000.0, 3000.0), rating=10_000.0)
    outcome = settled(site(4000.0, battery("a"), inverters=(roof,), wishes=Wishes(gen_limit=4000.0)))

    assert outcome.decision.battery == -1000.0
    assert outcome.caps == {"roof": 4000.0}


def test_a_sun_that_is_not_measured_falls_to_the_export_limit_and_the_battery_goes_on() -> None:
    roof = InverterNow(id="roof", power=Trace(), rating=10_000.0)
    outcome = settled(site(-3000.0, battery("a"), inverters=(roof,), wishes=Wishes(export_limit=2000.0)))

    assert "pv_unknown" in outcome.decision.flags
    assert outcome.decision.battery == 3000.0
    assert outcome.caps == {"roof": 2000.0}


def test_a_battery_that_is_not_ours_is_let_go() -> None:
    outcome = settled(site(500.0, battery("a"), others=("b",)))

    assert outcome.windows["b"] == RELEASE


def test_a_battery_that_does_not_follow_is_told_of() -> None:
    wishes = Wishes(grid_charging=True, grid_charging_max=2000.0)
    outcome = settled(site(500.0, battery("a"), wishes=wishes), seconds=40)

    assert "battery_not_following" in outcome.decision.flags
    assert outcome.decision.reason.endswith("The battery does not do as it is told.")


def test_an_impossible_limit_lets_the_battery_go_and_says_which() -> None:
    outcome = settled(site(500.0, battery("a", charge_max=-1.0)))

    assert outcome.decision.flags == ("configuration_invalid",)
    assert "charge_max: -1" in outcome.decision.reason


watts = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-20_000, 20_000)
limits = st.none() | st.floats(0, 20_000)


@settings(max_examples=200)
@given(st.data())
def test_whatever_is_measured_a_step_answers_inside_the_limits(data: st.DataObject) -> None:
    draw = data.draw
    charge_max, discharge_max = draw(st.floats(0, 9000)), draw(st.floats(0, 9000))
    wire = draw(limits)
    wishes = Wishes(
        export_limit=draw(limits),
        import_limit=draw(limits),
        gen_limit=draw(limits),
        grid_charging=draw(st.booleans()),
        grid_charging_max=draw(limits),
        export_target=draw(limits),
        priority=draw(st.sampled_from(["battery_first", "export_first"])),
    )
    state, now = State(), 100.0
    grid, power, sun = Trace(), Trace(), Trace()
    for _ in range(draw(st.integers(1, 12))):
        now += draw(st.floats(0.1, 8))
        grid = grid.heard(now - draw(st.floats(0, 1)), draw(watts))
        power = power.heard(now - draw(st.floats(0, 1)), draw(watts))
        sun = sun.heard(now - draw(st.floats(0, 1)), draw(watts))
        one = BatteryNow(
            id="a",
            power=power,
            soc=draw(st.none() | st.floats(-10, 110) | st.just(float("nan"))),
            band=Band(20.0, 80.0, 100.0),
            charge_max=charge_max,
            discharge_max=discharge_max,
            wire_charge=wire,
            inverter=draw(st.sampled_from([None, "roof"])),
            follows_grid=draw(st.booleans()),
        )
        roof = InverterNow(id="roof", power=sun, rating=10_000.0)
        house = SiteNow(
            now=now,
            grid=grid,
            batteries=(one,),
            inverters=(roof,),
            wishes=wishes,
            wire_stale=draw(st.booleans()),
        )
        state, outcome = step(state, house, Tuning())
        most = charge_max if wire is None else min(charge_max, wire)
        window = outcome.windows.get("a", RELEASE)
        if window != RELEASE:
            assert window.min_w is not None
            assert window.max_w is not None
            assert -discharge_max - 1e-6 <= window.min_w <= window.max_w <= most + 1e-6
            assert not (house.wire_stale and window.grid_charging)
        for cap in outcome.caps.values():
            assert cap is None or (isfinite(cap) and cap >= 0)


@pytest.mark.parametrize("power", [float("nan"), float("inf"), 1e12])
def test_a_reading_that_is_no_power_lets_the_battery_go(power: float) -> None:
    outcome = settled(site(power, battery("a")), seconds=25)

    assert outcome.decision.control == "release"
    assert outcome.windows == {"a": RELEASE}
