"""Charging profiles that end by themselves: the lease is inside the schedule.

A charge point that hears nothing more must come down to its fallback without us. So one profile carries both
what is granted now and what holds afterwards, as two periods of one schedule without an end:

    [0 s: grant] [validity: the smaller of grant and fallback]      a pause is [0 s: 0 A] [hold_pause: fallback]

Such a profile needs one stack level, two periods, and no rule about expired profiles, of which charge points
have several (OCPP 1.6 section 3.13.2 does not count `duration`; after an expired TxProfile some run
unlimited). Only where `ChargingScheduleMaxPeriods` is 1 two stacked profiles take its place.

Everything here is a value computed from values: the same for 1.6 and 2.0.1, whose words `wire16` and
`wire201` put it into.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from math import floor

from msgspec import Struct
from msgspec.structs import replace

# A clock read a moment ago may be a little off: a schedule that starts in the charger's future is no limit at
# all, one that started early only ends early.
START_EARLY_S = 10

# OCPP 1.6 section 7.11: limits have at most one fraction digit.
FINEST = 0.1


class Unit(StrEnum):
    """What a schedule counts in, in the words of both protocols."""

    AMPS = "A"
    WATTS = "W"


class Purpose(StrEnum):
    """Which of the charger's drawers a profile goes into, in the words of OCPP 1.6."""

    MAX = "ChargePointMaxProfile"
    DEFAULT = "TxDefaultProfile"
    TX = "TxProfile"


class Layout(StrEnum):
    """How the lease is laid out in profiles."""

    TWO_PERIODS = "two_periods"
    STACKED = "stacked"
    # One limit without an end: all that is left where a charger has one period and one level. No lease.
    SINGLE = "single"


class Kind(StrEnum):
    """What the schedule's zero is: a moment, or the start of the transaction."""

    ABSOLUTE = "Absolute"
    RELATIVE = "Relative"


class Form(Struct, frozen=True, kw_only=True):
    """One way of saying the same limit. Which one a charger understands is found out and remembered."""

    unit: Unit = Unit.AMPS
    layout: Layout = Layout.TWO_PERIODS
    kind: Kind = Kind.ABSOLUTE
    # The purpose used while a transaction runs; outside it is always TxDefaultProfile.
    during: Purpose = Purpose.TX
    level: int = 2
    # OCPP 2.0.1 forbids validFrom in a TxProfile where 1.6 is silent, and some chargers refuse it.
    valid_from: bool = True
    # Some chargers only take profiles for the whole unit (connector 0).
    on_unit: bool = False


class Standing(Struct, frozen=True, kw_only=True):
    """What shall hold at a connector, whether or not we are ever heard again. Ampere per leg, seconds."""

    grant_a: float
    fallback_a: float
    validity_s: int
    hold_pause_s: int
    least_a: float = 6.0
    most_a: float = 32.0
    phases: int | None = None

    @property
    def now_a(self) -> float:
        """The current of the first period: the grant within the connector's range, or a pause."""
        return usable(self.grant_a, self.least_a, self.most_a)

    @property
    def then_a(self) -> float:
        """The current of the second period."""
        after = usable(self.fallback_a, self.least_a, self.most_a)
        return min(after, self.now_a) if self.now_a > 0 else after

    @property
    def lasts_s(self) -> int:
        """How long the first period is."""
        return self.validity_s if self.now_a > 0 else self.hold_pause_s


class Scale(Struct, frozen=True, kw_only=True):
    """How amperes become the number a charger wants: its legs, its voltage, its resolution."""

    legs: int = 3
    volts: float = 230.0
    step_a: float = FINEST
    step_w: float = FINEST
    least_a: float = 6.0


class Period(Struct, frozen=True):
    """From `start_s` seconds after the schedule's zero this limit holds."""

    start_s: int
    limit: float
    phases: int | None = None


class Profile(Struct, frozen=True, kw_only=True):
    """One charging profile, in neither protocol's words."""

    id: int
    connector: int
    purpose: Purpose
    level: int
    unit: Unit
    kind: Kind
    periods: tuple[Period, ...]
    start: datetime | None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    duration_s: int | None = None
    transaction: str | None = None


class Moment(Struct, frozen=True, kw_only=True):
    """When a profile is made: the charger's own time, and how long its transaction has run."""

    charger_time: datetime
    transaction: str | None = None
    elapsed_s: float | None = None
    # The charger's clock may be behind what we think by this much.
    unsure_s: int = 0


def usable(amps: float, least_a: float, most_a: float) -> float:
    """The amperes a car can use of this: nothing below its minimum, at most the connector's maximum."""
    if not amps >= least_a:  # also false for NaN
        return 0.0
    return min(amps, most_a)


def rounded_down(value: float, step: float) -> float:
    """The largest multiple of `step` not above `value`, never negative, with at most one decimal."""
    if not value > 0:
        return 0.0
    steps = floor(value / step)
    # 6.3 / 0.1 is 62.99: take the step above where it is still not more than the value.
    while round((steps + 1) * step, 1) <= value:
        steps += 1
    while steps > 0 and round(steps * step, 1) > value:
        steps -= 1
    return round(steps * step, 1)


def limit_of(amps: float, unit: Unit, scale: Scale) -> float:
    """This current per leg in the unit and resolution of the charger, rounded down; below the minimum 0."""
    if unit is Unit.AMPS:
        limit = rounded_down(amps, scale.step_a)
        return limit if limit >= scale.least_a else 0.0
    return rounded_down(amps * scale.volts * scale.legs, scale.step_w)


def profile_id(connector: int, purpose: Purpose, rank: int = 0) -> int:
    """A stable id per connector, purpose and place in the stack: a repeated profile replaces itself.

    OCPP 2.0.1 refuses a second id for the same purpose and level (K01.FR.06, K01.FR.39).
    """
    place = {Purpose.MAX: 0, Purpose.DEFAULT: 1, Purpose.TX: 2}[purpose]
    return 1000 + connector * 10 + place * 2 + rank


def lease_profiles(
    standing: Standing, form: Form, scale: Scale, connector: int, moment: Moment
) -> tuple[Profile, ...]:
    """What to install at a connector, in the order to send it: the lease for now, then the floor below it.

    Outside a transaction this is a TxDefaultProfile. During one it is a TxProfile, and the default becomes a
    pause, so that the next transaction waits for its own grant instead of finding the last one's.
    """
    if moment.transaction is None or form.during is Purpose.DEFAULT:
        return _in_drawer(Purpose.DEFAULT, standing, form, scale, connector, moment)
    waiting = replace(standing, grant_a=0.0)
    return (
        *_in_drawer(Purpose.TX, standing, form, scale, connector, moment),
        *_in_drawer(Purpose.DEFAULT, waiting, form, scale, connector, moment),
    )


def unit_profile(most_a: float, form: Form, scale: Scale, moment: Moment) -> Profile:
    """The unit's own maximum over all its connectors, for good (connector 0)."""
    start = moment.charger_time - timedelta(seconds=START_EARLY_S + moment.unsure_s)
    return Profile(
        id=profile_id(0, Purpose.MAX),
        connector=0,
        purpose=Purpose.MAX,
        level=form.level,
        unit=form.unit,
        kind=Kind.ABSOLUTE,
        periods=(Period(0, limit_of(most_a, form.unit, scale)),),
        start=start,
        valid_from=start if form.valid_from else None,
    )


def _in_drawer(
    purpose: Purpose, standing: Standing, form: Form, scale: Scale, connector: int, moment: Moment
) -> tuple[Profile, ...]:
    place = (standing, form, connector, moment)
    now = Period(0, limit_of(standing.now_a, form.unit, scale), standing.phases)
    then_a = limit_of(standing.then_a, form.unit, scale)
    if form.layout is Layout.TWO_PERIODS:
        lead_s = _run_before(form, moment) + (moment.unsure_s if form.kind is Kind.ABSOLUTE else 0)
        later = Period(standing.lasts_s + lead_s, then_a, standing.phases)
        return (_profile(purpose, 1, (now, later), *place),)
    if form.layout is Layout.STACKED:
        lease = _profile(purpose, 1, (now,), *place, ends=True)
        floor_ = _profile(purpose, 0, (Period(0, then_a, standing.phases),), *place)
        return lease, floor_
    return (_profile(purpose, 1, (now,), *place),)


def _run_before(form: Form, moment: Moment) -> int:
    """A relative schedule counts from the start of the transaction, so what has passed comes on top."""
    if form.kind is Kind.RELATIVE and moment.transaction is not None:
        return int(moment.elapsed_s or 0)
    return 0


def _profile(
    purpose: Purpose,
    rank: int,
    periods: tuple[Period, ...],
    standing: Standing,
    form: Form,
    connector: int,
    moment: Moment,
    *,
    ends: bool = False,
) -> Profile:
    start = moment.charger_time - timedelta(seconds=START_EARLY_S + moment.unsure_s)
    absolute = form.kind is Kind.ABSOLUTE or ends
    return Profile(
        id=profile_id(connector, purpose, rank),
        connector=0 if form.on_unit and purpose is Purpose.DEFAULT else connector,
        purpose=purpose,
        level=form.level if rank else max(form.level - 1, 0),
        unit=form.unit,
        kind=Kind.ABSOLUTE if absolute else Kind.RELATIVE,
        periods=periods,
        start=start if absolute else None,
        valid_from=start if form.valid_from and absolute else None,
        # Both, because charge points differ in which of the two they obey.
        valid_to=start + timedelta(seconds=standing.lasts_s + moment.unsure_s) if ends else None,
        duration_s=standing.lasts_s + moment.unsure_s if ends else None,
        transaction=moment.transaction if purpose is Purpose.TX else None,
    )
