"""The parts of the controller, each on its own: samples, ramp, shares, latches, tries, orders."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from busbar_battery.caps import Cap, next_cap
from busbar_battery.latch import Band, Latches, latched
from busbar_battery.pace import rest_s
from busbar_battery.probe import Probe, Sight, probed
from busbar_battery.ramp import Motion, moved
from busbar_battery.samples import Trace, calm, newest_pair
from busbar_battery.sending import Sent, due
from busbar_battery.site import RELEASE, BatteryNow, InverterNow, SiteNow, Tuning, Window
from busbar_battery.split import Output, Part, capped, shared
from busbar_battery.windows import narrowed


def trace(*samples: tuple[float, float]) -> Trace:
    made = Trace()
    for at_s, value in samples:
        made = made.heard(at_s, value)
    return made


@pytest.mark.parametrize(
    ("at_s", "value"),
    [
        pytest.param(1.0, 0.0, id="on a sample"),
        pytest.param(1.4, 1000.0, id="between two samples of a battery that slews"),
        pytest.param(2.05, 2500.0, id="a twentieth of a second after the last is the same instant"),
        pytest.param(2.4, None, id="after the last one waits"),
        pytest.param(0.5, None, id="before the first nothing is known"),
    ],
)
def test_the_batterys_power_at_the_instant_of_the_meter(at_s: float, value: float | None) -> None:
    assert trace((1.0, 0.0), (2.0, 2500.0)).at(at_s) == (None if value is None else pytest.approx(value))


def test_a_sample_that_is_not_newer_is_left_out() -> None:
    assert trace((2.0, 1.0), (1.0, 5.0), (2.0, 7.0)) == trace((2.0, 1.0))


def test_a_slewing_battery_read_earlier_than_the_meter_shows_the_true_surplus() -> None:
    # The battery climbs by 2.5 kW/s under 6 kW of surplus; read 0.4 s apart, the naive sum is 1 kW wrong.
    battery = trace((10.0, 0.0), (11.0, 2500.0), (12.0, 5000.0))
    grid = trace((10.4, -5000.0), (11.4, -2500.0), (12.4, -1000.0))

    pair = newest_pair(grid, [battery])

    assert pair is not None
    assert (pair.at_s, pair.surplus) == (11.4, pytest.approx(6000.0))


def test_without_a_battery_the_newest_meter_sample_is_the_pair() -> None:
    pair = newest_pair(trace((1.0, -300.0)), [])

    assert pair is not None
    assert pair.surplus == 300.0


def test_one_odd_sample_changes_nothing_and_a_real_step_counts_at_the_second() -> None:
    assert calm([1000.0, 9000.0, 1000.0]) == 1000.0
    assert calm([1000.0, 9000.0, 9000.0]) == 9000.0


def walk(motion: Motion, target: float, lowest: float, highest: float, seconds: int) -> list[float]:
    powers = []
    start = motion.at_s or 0.0
    for second in range(1, seconds + 1):
        motion = moved(motion, target, lowest, highest, now=start + second, ramp_w_per_s=1000.0, dwell_s=3.0)
        powers.append(motion.power)
    return powers


@pytest.mark.parametrize(
    ("power", "target", "lowest", "highest", "powers"),
    [
        pytest.param(0.0, 2500.0, -5000.0, 5000.0, [1000.0, 2000.0, 2500.0, 2500.0], id="up on the ramp"),
        pytest.param(3000.0, 500.0, -5000.0, 1000.0, [1000.0, 500.0], id="down to a limit at once, then on the ramp"),
        pytest.param(
            1500.0, -2000.0, -5000.0, 5000.0, [500.0, 0.0, 0.0, 0.0, -1000.0, -2000.0],
            id="it rests three seconds at zero before it turns",
        ),
        pytest.param(
            1500.0, -2000.0, -5000.0, -2000.0, [0.0, 0.0, 0.0, -2000.0],
            id="a limit takes it to zero at once, but does not turn it without the rest",
        ),
        pytest.param(
            -500.0, 0.0, -5000.0, 5000.0, [0.0, 0.0], id="zero is zero",
        ),
    ],
)  # fmt: skip
def test_the_ordered_power_moves(
    power: float, target: float, lowest: float, highest: float, powers: list[float]
) -> None:
    start = Motion(power, 0.0, 1 if power > 0 else -1 if power < 0 else 0)

    assert walk(start, target, lowest, highest, len(powers)) == powers


def test_going_back_to_the_old_direction_needs_no_rest() -> None:
    motion = Motion(0.0, 0.0, 1, 0.0)

    assert walk(motion, 800.0, -5000.0, 5000.0, 1) == [800.0]


@given(
    st.floats(-5000, 5000), st.lists(st.tuples(st.floats(-9000, 9000), st.floats(0, 3)), min_size=1, max_size=30)
)  # fmt: skip
def test_the_ordered_power_never_leaves_its_limits_nor_jumps_over_zero(
    power: float, moves: list[tuple[float, float]]
) -> None:
    motion, now = Motion(power, 0.0, 0 if power == 0 else 1 if power > 0 else -1), 0.0
    for target, seconds in moves:
        now += seconds
        after = moved(motion, target, -4000.0, 3000.0, now=now, ramp_w_per_s=1000.0, dwell_s=2.0)
        assert -4000 <= after.power <= 3000
        assert after.power * motion.power >= 0 or motion.power == 0
        motion = after


@pytest.mark.parametrize(
    ("power", "parts", "shares"),
    [
        pytest.param(
            3000.0, [("a", inf, 2.0), ("b", inf, 1.0)], {"a": 2000.0, "b": 1000.0}, id="by what still fits"
        ),
        pytest.param(
            3000.0,
            [("a", 500.0, 2.0), ("b", inf, 1.0)],
            {"a": 500.0, "b": 2500.0},
            id="what one cannot take goes on",
        ),
        pytest.param(
            -3000.0,
            [("a", 1000.0, 1.0), ("b", 1000.0, 1.0)],
            {"a": -1000.0, "b": -1000.0},
            id="never more than they can",
        ),
        pytest.param(
            3000.0, [("a", 0.0, 1.0), ("b", inf, 1.0)], {"a": 0.0, "b": 3000.0}, id="a full one takes nothing"
        ),
        pytest.param(
            2000.0,
            [("a", inf, 0.0), ("b", inf, 0.0)],
            {"a": 1000.0, "b": 1000.0},
            id="without weights evenly",
        ),
        pytest.param(0.0, [("a", inf, 1.0)], {"a": 0.0}, id="nothing is nothing"),
    ],
)
def test_a_power_is_shared(
    power: float, parts: list[tuple[str, float, float]], shares: dict[str, float]
) -> None:
    assert shared(power, [Part(*part) for part in parts]) == shares


@given(
    st.floats(-20_000, 20_000),
    st.lists(st.tuples(st.floats(0, 9000) | st.just(inf), st.floats(0, 100)), min_size=1, max_size=5),
)
def test_shares_have_one_sign_keep_every_limit_and_waste_nothing(
    power: float, rows: list[tuple[float, float]]
) -> None:
    parts = [Part(str(number), *row) for number, row in enumerate(rows)]

    shares = shared(power, parts)

    assert all(share * power >= 0 for share in shares.values())
    assert all(abs(shares[part.id]) <= part.most + 1e-6 for part in parts)
    assert abs(sum(shares.values())) == pytest.approx(
        min(abs(power), sum(part.most for part in parts)), abs=1e-3
    )


@pytest.mark.parametrize(
    ("total", "caps"),
    [
        pytest.param(
            6000.0, {"south": 4500.0, "north": 1500.0}, id="one in the shade keeps what it gives and a tenth"
        ),
        pytest.param(0.0, {"south": 0.0, "north": 0.0}, id="no export and no load is no sun"),
        pytest.param(
            20000.0, {"south": 10000.0, "north": 10000.0}, id="a cap beyond the ratings is the ratings"
        ),
    ],
)
def test_a_cap_is_shared_among_inverters(total: float, caps: dict[str, float]) -> None:
    outputs = [Output("south", 10000.0, 9000.0), Output("north", 10000.0, 500.0)]

    assert capped(total, outputs) == caps


@pytest.mark.parametrize(
    ("before", "soc", "after", "band"),
    [
        pytest.param(Latches(), 50.0, Latches(), Band(20, 80, 100), id="in the middle"),
        pytest.param(Latches(), 80.0, Latches(at_target=True), Band(20, 75, 100), id="reaching the target"),
        pytest.param(
            Latches(at_target=True),
            76.0,
            Latches(at_target=True),
            Band(20, 75, 100),
            id="still at the target",
        ),
        pytest.param(Latches(at_target=True), 74.9, Latches(), Band(20, 80, 100), id="below it again"),
        pytest.param(
            Latches(), 20.0, Latches(empty=True), Band(25, 80, 100), id="at the reserve the floor rises"
        ),
        pytest.param(Latches(empty=True), 25.1, Latches(), Band(20, 80, 100), id="and falls once well above"),
        pytest.param(Latches(), 100.0, Latches(full=True, at_target=True), Band(20, 75, 99), id="full"),
        pytest.param(
            Latches(full=True),
            None,
            Latches(full=True),
            Band(20, 80, 99),
            id="an unknown charge changes no latch",
        ),
    ],
)
def test_thresholds_hold_until_the_charge_has_moved_back(
    before: Latches, soc: float | None, after: Latches, band: Band
) -> None:
    assert latched(before, soc, Band(20.0, 80.0, 100.0), 5.0) == (after, band)


def sight(now: float, **more: float | bool) -> Sight:
    usual = {"sun": 3000.0, "held_back": True, "room": True, "broken": False, "step": 500.0}
    return Sight(now=now, **(usual | more))  # type: ignore[arg-type]


def test_a_sun_held_back_is_tried_and_tried_again_as_long_as_it_rises() -> None:
    tuning = Tuning()
    first = probed(Probe(), sight(100.0), tuning)
    assert first.since == 100.0

    assert probed(first, sight(103.0, sun=3300.0), tuning).since == 103.0


def test_a_vain_try_waits_and_the_next_waits_longer() -> None:
    tuning = Tuning()
    vain = probed(Probe(100.0, 3000.0), sight(109.0), tuning)
    assert (vain.since, vain.not_before) == (None, 124.0)
    assert probed(vain, sight(123.0), tuning).since is None

    again = probed(probed(vain, sight(124.0), tuning), sight(133.0), tuning)

    assert again.not_before == 163.0


def test_a_try_that_breaks_the_limit_ends_at_once() -> None:
    assert probed(Probe(100.0, 3000.0), sight(101.0, broken=True), Tuning()).since is None


@pytest.mark.parametrize(
    ("order", "seconds", "is_due"),
    [
        pytest.param(Window(-1000.0, 2000.0), 1.0, False, id="the same again"),
        pytest.param(Window(-1000.0, 2040.0), 1.0, False, id="a change too small to matter"),
        pytest.param(Window(-1000.0, 2060.0), 1.0, True, id="a change that matters"),
        pytest.param(Window(-1000.0, 2000.0), 10.0, True, id="a third of the lease has passed"),
        pytest.param(RELEASE, 1.0, True, id="letting go"),
        pytest.param(Window(-1000.0, 2000.0, True), 1.0, True, id="the grid comes into it"),
        pytest.param(Window(0.0, 2000.0), 1.0, True, id="no discharge any more"),
    ],
)
def test_an_order_goes_out_when_it_is_due(order: Window, seconds: float, is_due: bool) -> None:
    assert due(Sent(Window(-1000.0, 2000.0), 0.0), order, seconds, 30.0, 50.0) is is_due


def cap_after_a_cut(since_cut_s: float, wanted: float) -> float | None:
    """The cap on a 10 kW inverter, cut to 2 kW so long ago and last looked at a second ago."""
    site = SiteNow(
        now=100.0, grid=Trace(), inverters=(InverterNow(id="roof", power=Trace(), rating=10_000.0),)
    )
    before = Cap(2000.0, 99.0, cut_s=100.0 - since_cut_s)
    return next_cap(before, wanted, site, Tuning()).total


@pytest.mark.parametrize(
    ("since_cut_s", "wanted", "total"),
    [
        pytest.param(0.5, 6000.0, 2000.0, id="half a second after a cut it does not rise, whatever the house seems to take"),
        pytest.param(2.4, 6000.0, 2000.0, id="nor shortly before meter and inverter both show the cut"),
        pytest.param(2.6, 6000.0, 2500.0, id="then by 5 % of the rating a second"),
        pytest.param(0.5, 1500.0, 1500.0, id="down it goes at any time"),
    ],
)  # fmt: skip
def test_a_cap_that_was_cut_waits_before_it_rises(since_cut_s: float, wanted: float, total: float) -> None:
    assert cap_after_a_cut(since_cut_s, wanted) == total


@pytest.mark.parametrize(
    ("window", "most_given", "narrower"),
    [
        pytest.param(Window(-5000.0, 0.0), 1200.0, Window(-1200.0, 0.0), id="the sun takes over the rest"),
        pytest.param(Window(-800.0, 0.0), 1200.0, Window(-800.0, 0.0), id="already narrower"),
        pytest.param(Window(-5000.0, 3000.0), 0.0, Window(0.0, 3000.0), id="the sun covers the house"),
        pytest.param(Window(-2000.0, -2000.0), 0.0, Window(-2000.0, -2000.0), id="an exact order stays"),
        pytest.param(RELEASE, 0.0, RELEASE, id="a battery on its own stays so"),
        pytest.param(Window(-5000.0, 0.0), None, Window(-5000.0, 0.0), id="no cap rises"),
    ],
)
def test_a_window_makes_room_for_a_rising_cap(
    window: Window, most_given: float | None, narrower: Window
) -> None:
    assert narrowed(window, most_given) == narrower


@pytest.mark.parametrize(
    ("inverter", "sun", "rest"),
    [
        pytest.param("roof", 3000.0, 5.0, id="a hybrid in the sun rests"),
        pytest.param("roof", None, 5.0, id="a hybrid whose sun is unknown rests"),
        pytest.param("roof", 0.0, 0.0, id="a hybrid at night turns at once"),
        pytest.param(None, 3000.0, 0.0, id="a battery with an inverter of its own turns at once"),
    ],
)
def test_a_battery_rests_before_it_turns_only_where_the_sun_would_drop(
    inverter: str | None, sun: float | None, rest: float
) -> None:
    one = BatteryNow(id="a", power=Trace(), soc=50.0, band=Band(20, 80, 100), inverter=inverter)

    assert rest_s(SiteNow(now=0.0, grid=Trace(), batteries=(one,)), sun, Tuning()) == rest


def test_a_cap_of_zero_is_another_order_than_one_of_ten_watts() -> None:
    assert due(Sent(10.0, 0.0), 0.0, 1.0, 30.0, 50.0)
