"""What must be sent now, and how urgent it is."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from busbar_ocpp.forms import Abilities, forms
from busbar_ocpp.profile import (
    Form,
    Kind,
    Layout,
    Moment,
    Profile,
    Purpose,
    Scale,
    Standing,
    Unit,
    lease_profiles,
)
from busbar_ocpp.standing import Installed, Urgency, due, lasts, slot_of

SIX_PM = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)


def wanted(grant: float, form: Form | None = None, transaction: str | None = None) -> tuple[Profile, ...]:
    standing = Standing(grant_a=grant, fallback_a=6.0, validity_s=120, hold_pause_s=14_400, most_a=16.0)
    moment = Moment(charger_time=SIX_PM, transaction=transaction)
    return lease_profiles(standing, form or Form(), Scale(), 1, moment)


def held(profiles: tuple[Profile, ...], sent_s: float = 0.0) -> dict[tuple[int, Purpose, int], Installed]:
    return {slot_of(one): Installed(profile=one, sent_s=sent_s, lasts_s=lasts(one)) for one in profiles}


@pytest.mark.parametrize(
    ("before", "now", "now_s", "calls"),
    [
        pytest.param((), wanted(13.0), 0.0, [Urgency.CUT], id="nothing known is in the charger: at once"),
        pytest.param(wanted(13.0), wanted(13.0), 39.0, [], id="the same is not sent again"),
        pytest.param(wanted(13.0), wanted(13.0), 40.0, [Urgency.RENEWAL], id="but renewed at a third of its time"),
        pytest.param(wanted(13.0), wanted(9.0), 1.0, [Urgency.CUT], id="less"),
        pytest.param(wanted(9.0), wanted(13.0), 1.0, [Urgency.RAISE], id="more"),
        pytest.param(wanted(9.0), wanted(0.0), 1.0, [Urgency.CUT], id="a pause"),
        pytest.param(wanted(0.0), wanted(0.0), 7199.0, [], id="a pause is left alone"),
        pytest.param(wanted(0.0), wanted(0.0), 7200.0, [Urgency.RENEWAL], id="and renewed at half of its time"),
        pytest.param(wanted(9.0), wanted(9.0, transaction="1"), 1.0, [Urgency.CUT, Urgency.CUT],
            id="a transaction begins: its own profile, and a pause for the next"),
        pytest.param(wanted(9.0, transaction="1"), wanted(12.0, transaction="1"), 1.0, [Urgency.RAISE],
            id="in a transaction only its profile moves"),
        pytest.param(wanted(9.0, transaction="1"), wanted(9.0, transaction="2"), 1.0, [Urgency.CUT],
            id="another transaction"),
        pytest.param(wanted(9.0), wanted(9.0, Form(unit=Unit.WATTS)), 1.0, [Urgency.CUT], id="another unit"),
    ],
)  # fmt: skip
def test_what_is_due(
    before: tuple[Profile, ...], now: tuple[Profile, ...], now_s: float, calls: list[Urgency]
) -> None:
    assert [urgency for urgency, _ in due(now, held(before), now_s)] == calls


def test_what_upsets_a_charger_is_renewed_as_late_as_is_safe() -> None:
    before = held(wanted(13.0))

    assert due(wanted(13.0), before, 79.0, seldom=True) == []
    assert [urgency for urgency, _ in due(wanted(13.0), before, 80.0, seldom=True)] == [Urgency.RENEWAL]
    assert [urgency for urgency, _ in due(wanted(9.0), before, 1.0, seldom=True)] == [Urgency.CUT]


def test_a_floor_without_an_end_is_not_renewed() -> None:
    stacked = wanted(13.0, Form(layout=Layout.STACKED))

    assert [profile.level for _, profile in due(stacked, held(stacked), 50.0)] == [2]


def test_a_relative_schedule_is_not_new_because_time_has_passed() -> None:
    form = Form(kind=Kind.RELATIVE)
    before = wanted(13.0, form, "1")
    later = tuple(replace(one) for one in wanted(13.0, form, "1"))

    assert due(later, held(before), 10.0) == []


@pytest.mark.parametrize(
    ("abilities", "first"),
    [
        pytest.param(Abilities(), Form(), id="nothing known: two periods, absolute, ampere, level 2"),
        pytest.param(Abilities(units=(Unit.WATTS,)), Form(unit=Unit.WATTS), id="watts only"),
        pytest.param(Abilities(max_level=1), Form(level=1), id="one level above zero"),
        pytest.param(Abilities(level=7), Form(level=7), id="a level of the owner's choice"),
        pytest.param(Abilities(level=7, max_level=3), Form(level=3), id="which the charger does not have"),
        pytest.param(Abilities(max_periods=1), Form(layout=Layout.STACKED), id="one period"),
        pytest.param(Abilities(max_periods=1, max_level=0), Form(layout=Layout.SINGLE, level=0),
            id="one period and one level"),
        pytest.param(Abilities(relative_first=True), Form(kind=Kind.RELATIVE), id="absolute fails"),
        pytest.param(Abilities(without_tx_profile=True), Form(during=Purpose.DEFAULT), id="no TxProfile"),
    ],
)  # fmt: skip
def test_the_first_form_to_try(abilities: Abilities, first: Form) -> None:
    assert forms(abilities)[0] == first


@pytest.mark.parametrize("units", [None, (Unit.AMPS,), (Unit.WATTS,)], ids=["any", "ampere", "watts"])
def test_forms_are_tried_once_each_and_the_one_without_a_lease_last(units: tuple[Unit, ...] | None) -> None:
    every = forms(Abilities(units=units))

    assert len(set(every)) == len(every)
    without_lease = [form.layout is Layout.SINGLE for form in every]
    assert without_lease == sorted(without_lease)
    assert units is None or {form.unit for form in every} == set(units)
