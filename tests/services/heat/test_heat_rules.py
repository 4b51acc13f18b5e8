"""The rules of heaters, one by one: tank, set-point, SG Ready, legionella, thermal model, powers."""

import dataclasses
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from busbar_contracts.load import HeatMode
from busbar_heat import legionella, power, setpoint, sgready, tank, thermal
from busbar_heat.setpoint import Setpoint, SetpointRules
from busbar_heat.sgready import Sg, SgRules
from busbar_heat.tank import Switching, TankRules, Wants

TANK = TankRules()
HOUR = 3600.0
DAY = 86_400.0


@pytest.mark.parametrize(
    ("was", "celsius", "comfort"),
    [
        pytest.param(False, 41.9, True, id="cold water asks for heat"),
        pytest.param(False, 43.0, False, id="a little below 45 is still warm"),
        pytest.param(True, 47.9, True, id="once begun it heats to the upper edge"),
        pytest.param(True, 48.0, False, id="at the upper edge it stops"),
    ],
)
def test_a_tank_keeps_its_comfort_with_hysteresis(was: bool, celsius: float, comfort: bool) -> None:
    wants = tank.wants_after(Wants(comfort=was), celsius, TANK, sanitise=False, stored=False)

    assert wants.comfort is comfort


@pytest.mark.parametrize(
    ("granted", "celsius", "heats", "why"),
    [
        pytest.param(HeatMode.NORMAL, 40.0, True, "comfort", id="comfort from any source"),
        pytest.param(HeatMode.NORMAL, 55.0, False, "warm enough", id="no storing without surplus"),
        pytest.param(HeatMode.BOOST, 55.0, True, "storing surplus", id="surplus goes into the tank"),
        pytest.param(HeatMode.BOOST, 70.0, False, "warm enough", id="up to the storage temperature"),
        pytest.param(
            HeatMode.BLOCK, 20.0, False, "blocked by order", id="a block counts more than cold water"
        ),
        pytest.param(None, 20.0, False, "nobody grants it power", id="without orders nothing is heated"),
        pytest.param(HeatMode.BOOST, 75.0, False, "75.0 °C is its maximum", id="never above the maximum"),
        pytest.param(HeatMode.BOOST, None, False, "its temperature is unknown", id="unknown is not cold"),
    ],
)
def test_when_a_tank_is_heated(
    granted: HeatMode | None, celsius: float | None, heats: bool, why: str
) -> None:
    wants = tank.wants_after(Wants(), celsius, TANK, sanitise=False, stored=False)

    assert tank.should_heat(wants, granted, celsius, TANK) == (heats, why)


def test_a_tank_with_a_thermostat_of_its_own_may_run_without_our_sensor() -> None:
    rules = TankRules(own_thermostat=True)
    wants = tank.wants_after(Wants(), None, rules, sanitise=False, stored=False)

    assert tank.should_heat(wants, HeatMode.NORMAL, None, rules) == (True, "comfort")
    assert wants.storage is False, "but nothing is stored blindly"


@given(
    celsius=st.none() | st.floats(-20, 120),
    granted=st.none() | st.sampled_from(HeatMode),
    sanitise=st.booleans(),
    was=st.booleans(),
)
def test_no_wish_and_no_order_heats_a_tank_at_its_maximum(
    celsius: float | None, granted: HeatMode | None, sanitise: bool, was: bool
) -> None:
    wants = tank.wants_after(Wants(was, was), celsius, TANK, sanitise=sanitise, stored=False)
    heats, _ = tank.should_heat(wants, granted, celsius, TANK)

    assert not (heats and (celsius is None or celsius >= TANK.max_c or granted in (None, HeatMode.BLOCK)))


def test_minimum_times_hold_a_contactor_but_not_against_need() -> None:
    on = Switching(on=True, since_s=100.0)
    off = Switching(on=False, since_s=100.0)
    times = {"min_on_s": 120.0, "min_off_s": 120.0}

    assert tank.switched(on, False, 200.0, forced_off=False, **times).on is True
    assert tank.switched(on, False, 200.0, forced_off=True, **times).on is False
    assert tank.switched(on, False, 220.0, forced_off=False, **times).on is False
    assert tank.switched(off, True, 219.0, forced_off=True, **times).on is False
    assert tank.switched(Switching(), True, 0.0, forced_off=False, **times).on is True


ROOM = SetpointRules()


@pytest.mark.parametrize(
    ("granted", "season", "offset"),
    [
        pytest.param(HeatMode.NORMAL, "heating", 0.0, id="normal is the owner's target"),
        pytest.param(HeatMode.BOOST, "heating", 2.0, id="in winter surplus makes it warmer"),
        pytest.param(HeatMode.BOOST, "cooling", -2.0, id="in summer it makes it cooler"),
        pytest.param(HeatMode.BLOCK, "heating", -2.0, id="a block lets it rest"),
        pytest.param(HeatMode.BOOST, None, 0.0, id="whoever does not know the season moves nothing"),
        pytest.param(None, "heating", 0.0, id="without orders it is the owner's again"),
    ],
)
def test_how_far_a_set_point_is_moved(
    granted: HeatMode | None, season: setpoint.Season | None, offset: float
) -> None:
    assert setpoint.wished_offset_k(granted, season, ROOM) == offset


@pytest.mark.parametrize(
    ("word_said", "season"),
    [("heat", "heating"), ("Cooling", "cooling"), ("auto", None), ("off", None), (None, None)],
)
def test_the_season_is_what_the_device_says_and_never_a_guess(
    word_said: str | None, season: str | None
) -> None:
    assert setpoint.season_of(word_said) == season


def test_the_owners_hand_on_the_knob_is_the_new_normal() -> None:
    boosted = setpoint.said(Setpoint(21.0, 2.0, 0.0), 23.0, 0.0)

    after, by_owner = setpoint.heard(boosted, 19.5, 500.0)

    assert by_owner
    assert (after.base_c, after.offset_k) == (19.5, 0.0)


def test_a_device_that_repeats_what_we_said_or_answers_late_is_no_hand_on_the_knob() -> None:
    boosted = setpoint.said(setpoint.said(Setpoint(21.0), 21.0, 0.0), 23.0, 100.0)

    assert setpoint.heard(boosted, 23.0, 110.0) == (dataclasses.replace(boosted, shown_c=23.0), False)
    assert setpoint.heard(boosted, 21.0, 110.0) == (boosted, False), "its old value may still be on its way"


def test_a_set_point_keeps_minimum_runtime_and_pause() -> None:
    rules = SetpointRules(min_run_s=600.0, min_pause_s=300.0)
    point = setpoint.moved(Setpoint(21.0), 2.0, 0.0, rules)

    assert setpoint.moved(point, 0.0, 599.0, rules).offset_k == 2.0
    back = setpoint.moved(point, 0.0, 600.0, rules)
    assert back.offset_k == 0.0
    assert setpoint.moved(back, 2.0, 899.0, rules).offset_k == 0.0
    assert setpoint.moved(back, 2.0, 900.0, rules).offset_k == 2.0


PUMP = SgRules(recommend_above_w=1000.0, force_above_w=3000.0)


@pytest.mark.parametrize(
    ("granted", "pool_w", "by_hand", "state"),
    [
        pytest.param(HeatMode.NORMAL, 5000.0, None, 2, id="normal whatever the sun"),
        pytest.param(HeatMode.BOOST, 500.0, None, 2, id="too little surplus to recommend anything"),
        pytest.param(HeatMode.BOOST, 1500.0, None, 3, id="surplus recommends"),
        pytest.param(HeatMode.BOOST, 3500.0, None, 4, id="much surplus forces"),
        pytest.param(
            HeatMode.BOOST, None, None, 3, id="an order without a known surplus recommends, it never forces"
        ),
        pytest.param(HeatMode.BLOCK, 9000.0, 4, 1, id="the grid operator's block counts more than the owner"),
        pytest.param(HeatMode.NORMAL, None, 4, 4, id="the owner's hand counts more than the sun"),
        pytest.param(None, None, None, 2, id="without orders the heat pump is its own master"),
    ],
)
def test_which_state_a_heat_pump_is_asked_for(
    granted: HeatMode | None, pool_w: float | None, by_hand: int | None, state: int
) -> None:
    assert sgready.wished(granted, pool_w, by_hand, PUMP) == state


def test_a_state_is_held_for_ten_minutes_but_a_block_is_obeyed_at_once() -> None:
    recommended = Sg(3, 0.0)

    assert sgready.after(recommended, 2, 599.0, PUMP, ordered_block=False).state == 3
    assert sgready.after(recommended, 2, 600.0, PUMP, ordered_block=False).state == 2
    assert sgready.after(recommended, 1, 1.0, PUMP, ordered_block=True).state == 1


def test_a_block_ends_after_two_hours_and_does_not_come_back_at_once() -> None:
    sg = sgready.after(Sg(2, 0.0), 1, 600.0, PUMP, ordered_block=True)
    sg = sgready.after(sg, 1, 600.0 + 7199.0, PUMP, ordered_block=True)
    assert sg.state == 1
    sg = sgready.after(sg, 1, 600.0 + 7200.0, PUMP, ordered_block=True)
    assert sg.state == 2
    # As long again it is left alone, or a house whose meter is dead for days would freeze.
    assert sgready.after(sg, 1, 600.0 + 14_399.0, PUMP, ordered_block=True).state == 2
    assert sgready.after(sg, 1, 600.0 + 14_401.0, PUMP, ordered_block=True).state == 1


@pytest.mark.parametrize("was", [1, 2, 3, 4])
@pytest.mark.parametrize("to", [1, 2, 3, 4])
def test_no_block_and_no_forced_start_on_the_way_between_two_states(was: int, to: int) -> None:
    contacts = dict(zip("ab", sgready.CONTACTS[was], strict=True))
    passed = []
    for name, closed in sgready.contacts_to_move(sgready.CONTACTS[was], to):
        contacts[name] = closed
        passed.append((contacts["a"], contacts["b"]))

    assert (contacts["a"], contacts["b"]) == sgready.CONTACTS[to]
    assert not {sgready.CONTACTS[1], sgready.CONTACTS[4]} & set(passed[:-1])


def test_the_contacts_are_those_of_the_label() -> None:
    assert sgready.CONTACTS == {1: (True, False), 2: (False, False), 3: (False, True), 4: (True, True)}


def test_half_an_hour_of_hot_water_counts_whoever_heated_it() -> None:
    programme = legionella.Programme()
    done = [legionella.seen(programme, 61.0, 60.0, 600.0 * step) for step in range(5)]

    assert done == [False, False, False, True, False]
    assert legionella.due_at(programme, 7) == pytest.approx(2400 + 7 * DAY)


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(
            [(0, 61), (600, 61), (1200, 59), (1800, 61), (2400, 61)], id="a dip begins the half hour anew"
        ),
        pytest.param([(0, 61), (3600, 61)], id="an hour without a reading proves nothing"),
    ],
)
def test_what_does_not_count_as_half_an_hour(samples: list[tuple[float, float]]) -> None:
    programme = legionella.Programme()

    assert not any(legionella.seen(programme, celsius, 60.0, at) for at, celsius in samples)


def test_the_programme_begins_early_enough_to_be_done_in_time() -> None:
    programme = legionella.Programme(done_at=0.0, began_at=0.0)

    assert not legionella.must_heat(programme, 7, 6 * DAY, lead_s=2 * HOUR)
    assert legionella.must_heat(programme, 7, 7 * DAY - 4 * HOUR, lead_s=2 * HOUR)
    assert legionella.is_overdue(programme, 7, 7 * DAY + 1)


def test_a_calendar_that_was_years_ahead_does_not_put_the_programme_off_for_years() -> None:
    programme = legionella.Programme(done_at=3650 * DAY, began_at=3600 * DAY)
    legionella.seen(programme, 45.0, 60.0, 100 * DAY)

    assert legionella.due_at(programme, 7) == 107 * DAY


def a_log(capacity: float = 232.0, loss: float = 2.5, *, showers: bool, days: int = 5) -> thermal.Log:
    """What a 200 litre tank writes in some days: heated from 42 to 48 by 2 kW, cooling between, now and then drawn."""
    rng, log, stretch = random.Random(1), thermal.Log(), None
    celsius, heating, around = 47.0, False, 20.0
    for minute in range(days * 1440):
        watts = rng.gauss(2000, 20) if heating else 1.0
        celsius += (watts * heating - loss * (celsius - around)) / capacity / 60
        if showers and minute % 720 in range(420, 430):
            celsius -= 0.8
        heating = celsius < 42 or (heating and celsius < 48)
        shown = round(celsius, 1)
        stretch = thermal.observed(
            log, stretch, minute * 60.0, shown, watts if heating else 1.0, heating, around
        )
    return log


@pytest.mark.parametrize("showers", [False, True], ids=["an unused tank", "a family that showers"])
def test_a_tank_is_known_after_some_days(showers: bool) -> None:
    model = thermal.fitted(a_log(showers=showers))

    assert model.capacity_wh_per_k == pytest.approx(232, rel=0.1)
    assert model.loss_w_per_k == pytest.approx(2.5, rel=0.25)
    assert model.confidence > 0.6


def test_what_a_tank_can_still_take_and_how_long_it_takes() -> None:
    model = thermal.Model(232.0, 2.5, 1.0)

    assert model.wanted_wh(45.0, 70.0, 20.0, 2000.0) == pytest.approx(6060, rel=0.01)
    assert model.to_reach(45.0, 70.0, 20.0, 2000.0) == pytest.approx(3.03 * HOUR, rel=0.01)
    assert model.wanted_wh(72.0, 70.0, 20.0, 2000.0) == 0.0
    assert model.to_reach(45.0, 70.0, 20.0, 100.0) is None, "a hundred watts never get it there"


def test_without_data_there_is_no_model_and_no_confidence() -> None:
    assert thermal.fitted(thermal.Log()) == thermal.Model(None, None, 0.0)
    assert thermal.Model().wanted_wh(45.0, 70.0, 20.0, 2000.0) is None


def test_what_the_owner_knows_is_not_fitted() -> None:
    model = thermal.fitted(a_log(showers=True), capacity_wh_per_k=300.0, loss_w_per_k=3.0)

    assert (model.capacity_wh_per_k, model.loss_w_per_k, model.confidence) == (300.0, 3.0, 1.0)


def test_a_time_constant_may_stand_for_the_loss() -> None:
    model = thermal.fitted(thermal.Log(), capacity_wh_per_k=232.0, time_constant_s=92.8 * HOUR)

    assert model.loss_w_per_k == pytest.approx(2.5)
    assert model.confidence == 1.0


def test_two_stretches_of_each_kind_are_believed_less_than_ten() -> None:
    whole = a_log(showers=False)
    little = thermal.Log(losses_per_h=whole.losses_per_h[:2], rises=whole.rises[:2])

    assert 0 < thermal.fitted(little).confidence < 0.5 < thermal.fitted(whole).confidence


def test_a_heater_is_planned_at_its_rating_until_it_was_seen_to_run() -> None:
    drawn = power.Drawn()
    assert power.planned_w(drawn, 2000.0, None) == 2000.0
    for run in range(3):
        power.sampled(drawn, 9000.0, 1.0)
        for second in range(30, 90, 10):
            power.sampled(drawn, 1000.0 + run, float(second))
        power.ran(drawn)
    assert power.planned_w(drawn, 2000.0, None) == 1000.0
    assert power.planned_w(drawn, 2000.0, 1500.0) == 1500.0


def test_what_was_learned_survives_a_file() -> None:
    log = a_log(showers=True)

    assert msgspec.json.decode(msgspec.json.encode(log), type=thermal.Log) == log
