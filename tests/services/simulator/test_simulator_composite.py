"""What a charge point allows, computed from the profiles it was given."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from busbar_simulator.station.composite import Reader, Session
from busbar_simulator.station.faults import Fault
from busbar_simulator.station.profiles import Kind, Period, Profile, Profiles, Purpose, Rejected, Shelf

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SESSION = Session(transaction="t1", began=NOW - timedelta(minutes=10))


def ago(seconds: float) -> datetime:
    """A moment before now; negative is later."""
    return NOW - timedelta(seconds=seconds)


def a_profile(limit: float, purpose: Purpose = Purpose.TX, **more: Any) -> Profile:
    """An absolute profile of one period on connector 1, level 2."""
    base = Profile(
        id=1, connector=1, level=2, purpose=purpose, kind=Kind.ABSOLUTE, unit="A", start=ago(60),
        periods=(Period(start_s=0, limit=limit),),
    )  # fmt: skip
    return replace(base, **more)


LEASE = a_profile(16, periods=(Period(start_s=0, limit=16), Period(start_s=120, limit=6)))


@pytest.mark.parametrize(
    ("profiles", "later_s", "amps"),
    [
        pytest.param([], 0, None, id="without profiles there is no limit"),
        pytest.param([a_profile(10)], 0, 10, id="one profile"),
        pytest.param([LEASE], 0, 16, id="a lease while it is fresh"),
        pytest.param([LEASE], 59, 16, id="a lease in its last second"),
        pytest.param([LEASE], 60, 6, id="a lease that ran out falls to its second period by itself"),
        pytest.param([LEASE], 86_400, 6, id="and stays there"),
        pytest.param([a_profile(10), a_profile(8, id=2, level=3)], 0, 8, id="the higher level prevails"),
        pytest.param(
            [a_profile(10), a_profile(8, id=2, level=3, valid_to=ago(-30))], 31, 10,
            id="a higher level that is no longer valid leaves the lower one",
        ),
        pytest.param(
            [a_profile(10), a_profile(8, id=2, level=3, valid_from=ago(-30))], 29, 10,
            id="a higher level that is not yet valid",
        ),
        pytest.param(
            [a_profile(10), a_profile(8, id=2, level=3, duration_s=90)], 31, 10,
            id="a schedule that is over says nothing any more",
        ),
        pytest.param(
            [a_profile(10, Purpose.TX), a_profile(6, Purpose.TX_DEFAULT, id=2, level=5)], 0, 10,
            id="a transaction's profile overrules the default, whatever the levels",
        ),
        pytest.param(
            [a_profile(10, duration_s=90), a_profile(6, Purpose.TX_DEFAULT, id=2)], 31, 6,
            id="an expired transaction profile leaves the default",
        ),
        pytest.param([a_profile(10, transaction="t9")], 0, None, id="another transaction's profile"),
        pytest.param([a_profile(10, transaction="t1")], 0, 10, id="this transaction's profile"),
        pytest.param([a_profile(10, connector=2)], 0, None, id="another connector's profile"),
        pytest.param(
            [a_profile(8, Purpose.TX_DEFAULT, connector=0)], 0, 8, id="a default for the whole charge point"
        ),
        pytest.param(
            [a_profile(8, Purpose.TX_DEFAULT, connector=0, level=9), a_profile(12, Purpose.TX_DEFAULT, id=2)], 0, 12,
            id="a default on the connector replaces the one for the whole charge point",
        ),
        pytest.param(
            [a_profile(16), a_profile(10, Purpose.STATION_MAX, id=2, connector=0)], 0, 10,
            id="the whole charge point's maximum counts too",
        ),
        pytest.param([a_profile(6900, unit="W")], 0, 10, id="watts on three legs"),
        pytest.param(
            [a_profile(9, kind=Kind.RELATIVE, periods=(Period(start_s=0, limit=9), Period(start_s=660, limit=6)))],
            61, 6, id="a relative schedule counts from the start of the transaction",
        ),
        pytest.param(
            [a_profile(9, kind=Kind.RECURRING, start=ago(2 * 86_400 + 100),
                       periods=(Period(start_s=0, limit=9), Period(start_s=200, limit=6)))],
            0, 9, id="a recurring schedule begins again each day",
        ),
        pytest.param([a_profile(9, start=ago(-30))], 29, None, id="an absolute schedule that has not begun"),
    ],
)  # fmt: skip
def test_what_is_allowed(profiles: list[Profile], later_s: float, amps: float | None) -> None:
    allowed = Reader().allowed(profiles, 1, SESSION, NOW + timedelta(seconds=later_s))

    assert allowed.amps == amps


@pytest.mark.parametrize(
    ("fault", "amps"),
    [
        pytest.param(None, 6, id="an honest one falls to the default"),
        pytest.param(Fault.IGNORES_DURATION, 16, id="one that ignores the duration goes on"),
        pytest.param(Fault.FREE_AFTER_EXPIRY, None, id="one runs without any limit"),
        pytest.param(Fault.KEEPS_LAST_AFTER_EXPIRY, 16, id="one keeps the last value"),
    ],
)
def test_after_an_expired_transaction_profile(fault: Fault | None, amps: float | None) -> None:
    profiles = [a_profile(16, duration_s=30), a_profile(6, Purpose.TX_DEFAULT, id=2)]
    reader = Reader(faults=frozenset() if fault is None else frozenset({fault}))

    assert reader.allowed(profiles, 1, SESSION, NOW).amps == amps


def test_a_one_phase_car_takes_all_the_watts_on_one_leg() -> None:
    assert Reader(legs=1).allowed([a_profile(3680, unit="W")], 1, SESSION, NOW).amps == 16


def test_the_maximum_of_the_unit_is_shared_by_its_connectors() -> None:
    maximum = a_profile(20, Purpose.STATION_MAX, connector=0)

    assert Reader(connectors=2).allowed([maximum], 1, SESSION, NOW).amps == 10


def test_the_composite_schedule_of_a_lease() -> None:
    steps = Reader().schedule([LEASE], 1, SESSION, NOW, 300)

    assert [(second, allowed.amps) for second, allowed in steps] == [(0, 16), (60, 6)]


@pytest.mark.parametrize(
    ("version_16", "second", "left"),
    [
        pytest.param(True, {"id": 1}, [1], id="the same id replaces"),
        pytest.param(True, {"id": 2}, [2], id="1.6: the same level replaces"),
        pytest.param(True, {"id": 2, "level": 3}, [1, 2], id="another level stands beside it"),
        pytest.param(True, {"id": 2, "connector": 2}, [1, 2], id="another connector stands beside it"),
        pytest.param(False, {"id": 1}, [1], id="2.0.1: the same id replaces"),
        pytest.param(False, {"id": 2}, None, id="2.0.1: a second id on the level is refused"),
        pytest.param(
            False, {"id": 2, "valid_from": ago(-99), "valid_to": ago(-199)}, [1, 2],
            id="2.0.1: unless their times differ",
        ),
    ],
)  # fmt: skip
def test_how_profiles_replace_each_other(
    version_16: bool, second: dict[str, Any], left: list[int] | None
) -> None:
    profiles = Profiles(Shelf(newest_wins=version_16))
    profiles.install(a_profile(10, Purpose.TX_DEFAULT, valid_to=ago(-99)))
    if left is None:
        with pytest.raises(Rejected):
            profiles.install(a_profile(8, Purpose.TX_DEFAULT, **second))
        left = [1]
    else:
        profiles.install(a_profile(8, Purpose.TX_DEFAULT, **second))

    assert [profile.id for profile in profiles.installed] == left


@pytest.mark.parametrize(
    ("fault", "refused"),
    [
        pytest.param(Fault.WATTS_ONLY, {"unit": "A"}, id="watts only"),
        pytest.param(Fault.LEVEL_ZERO_ONLY, {"level": 1}, id="level zero only"),
        pytest.param(Fault.NO_RELATIVE, {"kind": Kind.RELATIVE}, id="no relative schedules"),
        pytest.param(
            Fault.ONE_PERIOD,
            {"periods": (Period(start_s=0, limit=6), Period(start_s=9, limit=0))},
            id="one period",
        ),
        pytest.param(Fault.NO_MAX_PROFILE, {"purpose": Purpose.STATION_MAX, "connector": 0}, id="no maximum"),
        pytest.param(None, {"purpose": Purpose.STATION_MAX}, id="a maximum on a connector"),
        pytest.param(None, {"periods": ()}, id="no periods"),
        pytest.param(
            None, {"periods": (Period(start_s=5, limit=6),)}, id="periods that do not begin at zero"
        ),
        pytest.param(None, {"periods": (Period(start_s=0, limit=-1),)}, id="a negative limit"),
    ],
)
def test_what_is_not_taken(fault: Fault | None, refused: dict[str, Any]) -> None:
    profiles = Profiles(Shelf(), frozenset() if fault is None else frozenset({fault}))

    with pytest.raises(Rejected):
        profiles.install(a_profile(10, **refused))
    assert profiles.installed == []


def test_some_forget_every_third_profile() -> None:
    profiles = Profiles(Shelf(), frozenset({Fault.IGNORES_EVERY_THIRD_PROFILE}))
    for number in range(1, 5):
        profiles.install(a_profile(number, id=number, level=number))

    assert [profile.id for profile in profiles.installed] == [1, 2, 4]


@pytest.mark.parametrize(
    ("fault", "left"),
    [
        pytest.param(None, [1, 3], id="defaults and maxima survive a reboot"),
        pytest.param(Fault.FORGETS_ON_REBOOT, [], id="some forget everything"),
    ],
)
def test_what_survives_a_reboot(fault: Fault | None, left: list[int]) -> None:
    profiles = Profiles(Shelf(), frozenset() if fault is None else frozenset({fault}))
    profiles.install(a_profile(6, Purpose.TX_DEFAULT))
    profiles.install(a_profile(10, Purpose.TX, id=2))
    profiles.install(a_profile(16, Purpose.STATION_MAX, id=3, connector=0))
    profiles.reboot()

    assert [profile.id for profile in profiles.installed] == left
