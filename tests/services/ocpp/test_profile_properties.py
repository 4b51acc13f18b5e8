"""Whatever happens, no limit the charger computes is above grant, connector and unit, and silence falls back.

The charger's side is `ocpp_charger_model`, which shares nothing with the builder.
"""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from ocpp_charger_model import UNLIMITED, ModelCharger

from busbar_ocpp import wire16, wire201
from busbar_ocpp.profile import (
    Form,
    Kind,
    Layout,
    Moment,
    Purpose,
    Scale,
    Standing,
    Unit,
    lease_profiles,
    unit_profile,
)
from busbar_ocpp.standing import Installed, due, lasts, slot_of

START = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)
MOST_A = 16.0
UNIT_A = 20.0

grants = st.one_of(st.just(0.0), st.floats(0, 40), st.sampled_from([6.0, 8.2, 10.0, 16.0]))
steps = st.one_of(
    st.tuples(st.just("grant"), grants),
    st.tuples(st.just("wait"), st.floats(1, 200)),
    st.tuples(st.just("start"), st.none()),
    st.tuples(st.just("end"), st.none()),
)
forms = st.builds(
    Form,
    unit=st.sampled_from(Unit),
    layout=st.sampled_from([Layout.TWO_PERIODS, Layout.STACKED]),
    during=st.sampled_from([Purpose.TX, Purpose.DEFAULT]),
    level=st.integers(1, 5),
    valid_from=st.booleans(),
)
scales = st.builds(
    Scale,
    legs=st.integers(1, 3),
    volts=st.floats(207, 253),
    step_a=st.sampled_from([0.1, 1.0]),
    step_w=st.sampled_from([0.1, 1.0, 100.0]),
)


class Household:
    """The builder and a charger at two ends of a wire, in virtual time."""

    def __init__(self, form: Form, scale: Scale, fallback_a: float, ahead_s: float, version: str) -> None:
        self.now = START
        self.form, self.scale, self.fallback_a = form, scale, fallback_a
        self.version = version
        self.charger = ModelCharger(
            version=version,
            clock_ahead=timedelta(seconds=ahead_s),
            legs=scale.legs,
            volts=scale.volts,
            max_periods=1 if form.layout is Layout.STACKED else 2,
        )
        self.installed: dict[object, Installed] = {}
        self.grant_a = 0.0
        self.granted_at = START
        self.started_at: datetime | None = None
        self.count = 0
        self.told_at = START
        self.say_unit()

    @property
    def moment(self) -> Moment:
        running = self.charger.transactions.get(1)
        return Moment(
            charger_time=self.now + self.charger.clock_ahead,
            transaction=running[0] if running else None,
            elapsed_s=(self.now - running[1]).total_seconds() if running else None,
        )

    @property
    def standing(self) -> Standing:
        return Standing(
            grant_a=self.grant_a, fallback_a=self.fallback_a, validity_s=120, hold_pause_s=3600, most_a=MOST_A
        )

    def say_unit(self) -> None:
        profile = unit_profile(UNIT_A, self.form, self.scale, self.moment)
        wire = (
            wire16.charging_profile(profile) if self.version == "1.6" else wire201.charging_profile(profile)
        )
        assert self.charger.install(0, wire, self.now) == "Accepted"

    def tell(self) -> None:
        """Everything that is due goes to the charger, which must accept it; after each call the limits hold."""
        wanted = lease_profiles(self.standing, self.form, self.scale, 1, self.moment)
        now_s = (self.now - START).total_seconds()
        for _, profile in due(wanted, self.installed, now_s):  # type: ignore[arg-type]
            wire = (
                wire16.charging_profile(profile)
                if self.version == "1.6"
                else wire201.charging_profile(profile)
            )
            assert self.charger.install(profile.connector, wire, self.now) == "Accepted"
            self.installed[slot_of(profile)] = Installed(
                profile=profile, sent_s=now_s, lasts_s=lasts(profile)
            )
        self.told_at = self.now

    def limit_a(self) -> float:
        return self.charger.limit_a(1, self.now)

    def do(self, step: tuple[str, float | None]) -> None:
        what, value = step
        if what == "grant":
            assert value is not None
            self.grant_a = value
        elif what == "wait":
            assert value is not None
            self.now += timedelta(seconds=value)
        elif what == "start" and 1 not in self.charger.transactions:
            self.count += 1
            self.charger.transactions[1] = (str(self.count), self.now)
        elif what == "end":
            self.charger.end_transaction(1)
            self.installed = {
                slot: held for slot, held in self.installed.items() if held.profile.purpose is not Purpose.TX
            }


@settings(max_examples=300, deadline=None)
@given(
    form=forms,
    scale=scales,
    fallback_a=st.sampled_from([0.0, 6.0, 8.0, 10.5]),
    ahead_s=st.floats(-3600, 3600),
    version=st.sampled_from(["1.6", "2.0.1"]),
    evening=st.lists(steps, min_size=1, max_size=25),
)
def test_the_charger_never_computes_more_than_it_was_granted(
    form: Form,
    scale: Scale,
    fallback_a: float,
    ahead_s: float,
    version: str,
    evening: list[tuple[str, float | None]],
) -> None:
    house = Household(form, scale, fallback_a, ahead_s, version)
    house.tell()

    for step in evening:
        ceiling = max(house.grant_a, 0.0)
        house.do(step)
        if step[0] != "grant":  # between an order and its call the old one still stands
            late = (house.now - house.told_at).total_seconds()
            allowed = max(ceiling, fallback_a if ceiling < 6 and late >= 3590 else 0.0)
            assert house.limit_a() <= min(allowed, MOST_A, UNIT_A) + 1e-6
        house.tell()
        assert house.limit_a() <= min(house.grant_a, MOST_A, UNIT_A) + 1e-6


@settings(max_examples=200, deadline=None)
@given(
    form=forms,
    scale=scales,
    fallback_a=st.sampled_from([0.0, 6.0, 8.0]),
    version=st.sampled_from(["1.6", "2.0.1"]),
    evening=st.lists(steps, min_size=1, max_size=15),
    silence=st.floats(0, 20_000),
)
def test_after_our_silence_the_charger_falls_to_the_fallback_by_itself(
    form: Form,
    scale: Scale,
    fallback_a: float,
    version: str,
    evening: list[tuple[str, float | None]],
    silence: float,
) -> None:
    house = Household(form, scale, fallback_a, 0.0, version)
    for step in evening:
        house.do(step)
        house.tell()
    granted = house.grant_a if house.grant_a >= 6 else 0.0

    house.do(("wait", silence))

    if granted == 0:
        assert house.limit_a() <= (0.0 if silence < 1700 else fallback_a) + 1e-6
    elif silence < 120:
        assert house.limit_a() <= granted + 1e-6
    else:
        assert house.limit_a() <= min(granted, fallback_a) + 1e-6


@settings(max_examples=100, deadline=None)
@given(grant=st.floats(6, 16), fallback_a=st.sampled_from([0.0, 6.0]), silence=st.floats(0, 1000))
def test_a_relative_schedule_falls_back_too(grant: float, fallback_a: float, silence: float) -> None:
    house = Household(Form(kind=Kind.RELATIVE), Scale(), fallback_a, 0.0, "1.6")
    house.grant_a = grant
    house.do(("start", None))
    house.do(("wait", 77.0))
    house.tell()

    house.do(("wait", silence))

    assert house.limit_a() <= (grant if silence < 121 else min(grant, fallback_a)) + 1e-6


FAULTS_THE_TWO_PERIODS_SURVIVE = (
    "ignores_duration",
    "unlimited_after_expired_tx_profile",
    "keeps_last_after_expiry",
    "connector_profile_deletes_zero",
)


@settings(max_examples=100, deadline=None)
@given(
    fault=st.sampled_from(FAULTS_THE_TWO_PERIODS_SURVIVE),
    grant=st.floats(6, 16),
    running=st.booleans(),
)
def test_two_periods_need_no_rule_about_expired_profiles(fault: str, grant: float, running: bool) -> None:
    house = Household(Form(), Scale(), 6.0, 0.0, "1.6")
    house.charger.faults = frozenset({fault})
    house.grant_a = grant
    if running:
        house.do(("start", None))
    house.tell()

    house.do(("wait", 125.0))

    assert house.limit_a() <= min(grant, 6.0) + 1e-6


def test_a_charger_that_keeps_its_first_period_is_what_the_proof_must_find() -> None:
    house = Household(Form(), Scale(), 6.0, 0.0, "1.6")
    house.charger.faults = frozenset({"keeps_first_period"})
    house.grant_a = 16.0
    house.tell()

    house.do(("wait", 500.0))

    assert house.limit_a() == 16.0


def test_a_charger_that_forgets_everything_has_no_limit_until_it_is_told_again() -> None:
    house = Household(Form(), Scale(), 6.0, 0.0, "1.6")
    house.charger.faults = frozenset({"forgets_profiles_on_reboot"})
    house.grant_a = 10.0
    house.tell()
    house.charger.reboot()
    assert house.limit_a() == UNLIMITED

    house.installed.clear()
    house.tell()

    assert house.limit_a() == 10.0
