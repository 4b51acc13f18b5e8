"""Whatever the service hears, in any order and at any time: it answers, inside the limits, and forces nothing blindly."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from math import inf, isfinite, nan
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from busbar_battery.config import plan_from
from busbar_battery.desk import Desk
from busbar_battery.post import Said
from busbar_contracts.allocation import Allocation, BatteryRoom, MeterHealth, SiteLimit, SiteSettings
from busbar_contracts.battery import BatteryReading, BatterySetpoint, BatterySettings, BatteryState
from busbar_contracts.meter import Control, InverterLimit, InverterReading, MeterReading, Quality
from busbar_contracts.prices import PriceSeries, PriceSlot
from busbar_contracts.topics import topic_of
from busbar_shared.bus import Heard, RawHeard
from busbar_shared.config.load import read

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
CHARGE_W, DISCHARGE_W, RATING_W, EXPORT_W = 4000.0, 3000.0, 10_000.0, 2000.0
# Three periods of a reading each second, but at least 5 s; and the second until the next decision.
BLIND_AFTER_S = 6.0
LEASE_S = 30.0

SITE = f"""
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 10
[meters.grid.modbus]
host = "meter.invalid"
[inverters.roof]
writable = true
rating_w = {RATING_W}
[inverters.roof.modbus]
host = "inverter.invalid"
[batteries.cellar]
writable = true
capacity_wh = 10000
charge_limit_w = {CHARGE_W}
discharge_limit_w = {DISCHARGE_W}
[batteries.cellar.modbus]
host = "inverter.invalid"
[battery_flow]
dry_run = false
export_limit_w = {EXPORT_W}
"""


class House:
    """A desk with two clocks, and what it said last."""

    def __init__(self, more: str = "") -> None:
        self.desk = Desk(plan_from(read(SITE + more)), None, "test")
        self.now, self.now_s = NOON, 1000.0
        self.window: BatterySetpoint | None = None
        self.cap: float | None = None

    def hear(self, message: Struct, retained: bool = False, **ids: str) -> tuple[str, str, str] | None:
        heard = Heard(message, ids, topic_of(type(message)).address.format(**ids), self.now_s, retained)
        return self.desk.hear(heard, self.now, self.now_s)

    def ask(self, payload: bytes) -> None:
        self.desk.ask(RawHeard("hems/battery/cellar/settings/set", payload, self.now_s, False), self.now)

    def decide(self) -> Said:
        said = self.desk.decide(self.now, self.now_s)
        for letter in said.letters:
            # What it says is the contract, to the letter.
            assert msgspec.json.decode(msgspec.json.encode(letter.message), type=type(letter.message))
            if isinstance(letter.message, BatterySetpoint):
                self.window = letter.message
            if isinstance(letter.message, InverterLimit):
                self.cap = letter.message.limit_w
        return said

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.now_s += seconds

    def good(self, grid: float = -1000.0, **rest: Any) -> None:
        """A second with readings one can believe."""
        self.good_but_for_the_grid(**rest)
        at = rest.get("at", self.now + timedelta(seconds=rest.get("ahead_s", 0)))
        self.hear(MeterReading(at=at, power_w=grid), meter="grid")

    def good_but_for_the_grid(
        self, sun: float = 3000.0, soc: float = 50.0, ahead_s: float = 0.0, at: datetime | None = None,
        inverter: InverterReading | None = None,
    ) -> None:  # fmt: skip
        """The same without the meter; `at` or `ahead_s` where the sender's clock is another."""
        at = self.now + timedelta(seconds=ahead_s) if at is None else at
        room = {"cellar": BatteryRoom(charge_limit_w=9e3, discharge_limit_w=9e3)}
        self.hear(Allocation(at=at, meter=MeterHealth.FRESH, loads={}, circuits={}, batteries=room))
        battery = BatteryReading(at=at, power_w=0.0, soc_percent=soc, control=Control.OURS)
        self.hear(battery, battery="cellar")
        self.hear(inverter or InverterReading(at=at, power_w=sun, rating_w=RATING_W), inverter="roof")


powers = (
    st.none()
    | st.floats(-1e9, 1e9)
    | st.floats(-12_000, 12_000)
    | st.sampled_from([nan, inf, -inf, 1e300, -0.0])
)
limits = st.none() | st.floats(0, 1e9) | st.floats(0, 12_000) | st.sampled_from([nan, inf, 0.0])
percents = st.none() | st.floats(0, 100) | st.sampled_from([nan, -1.0, 101.0, 0.0, 100.0])
periods = st.sampled_from([0.0, 1.0, 1.0, 10.0, 1e9, nan, inf])
moments = st.builds(
    lambda s: NOON + timedelta(seconds=s),
    st.floats(-100, 200) | st.sampled_from([-1e9, 1e9, -86_400.0, 3600.0]),
)
names = st.sampled_from(["cellar", "roof", "grid", "", "x"])
readings = (
    st.builds(MeterReading, at=moments, power_w=powers, period_s=periods, quality=st.sampled_from(list(Quality)))
    | st.builds(
        InverterReading, at=moments, power_w=powers, period_s=periods, rating_w=limits,
        quality=st.sampled_from(list(Quality)),
    )
    | st.builds(
        BatteryReading, at=moments, power_w=powers, soc_percent=percents, period_s=periods, charge_limit_w=limits,
        discharge_limit_w=limits, capacity_wh=limits, state=st.sampled_from(list(BatteryState)),
        control=st.sampled_from(list(Control)), quality=st.sampled_from(list(Quality)),
    )
)  # fmt: skip
wishes = (
    st.builds(
        SiteLimit, issuer=st.sampled_from(["a", "b"]), instance=st.sampled_from(["1", "2"]), seq=st.integers(0, 9),
        issued_at=moments, lease_s=st.floats(0.1, 86_400), reason=st.just("x"), import_limit_w=limits,
        export_limit_w=limits,
    )
    | st.builds(
        Allocation, at=moments, meter=st.sampled_from(list(MeterHealth)), loads=st.just({}), circuits=st.just({}),
        batteries=st.dictionaries(names, st.builds(BatteryRoom, charge_limit_w=limits, discharge_limit_w=limits)),
    )
    | st.builds(SiteSettings, import_limit_w=limits, power_buffer_w=st.floats(0, 1e9))
    | st.builds(BatterySettings, soc_min_percent=st.floats(0, 100), grid_charging=st.booleans())
    | st.builds(
        PriceSeries, schema=st.just("hems.prices/1"), series=st.sampled_from(["import", "export", "x"]),
        currency=st.just("EUR"), unit=st.just("EUR/kWh"),
        slots=st.lists(st.builds(PriceSlot, start=moments, end=moments, price=st.floats(-1e6, 1e6))).map(tuple),
    )
)  # fmt: skip
asked = st.dictionaries(
    st.sampled_from([*BatterySettings.__struct_fields__, "batteryStorageMode", "batteryChargeRatePercent", "x"]),
    st.none() | st.booleans() | st.floats(0, 1e9) | st.floats(0, 100) | st.text(max_size=4) | st.just([]),
    max_size=3,
).map(lambda wish: json.dumps(wish).encode()) | st.binary(max_size=12)  # fmt: skip
happenings = st.tuples(readings | readings | wishes | asked, names, st.booleans())
seconds = st.floats(0, 3) | st.sampled_from([0.0, 1.0, 1.0, 30.0, 400.0])
jumps = st.sampled_from([0.0, 0.0, 0.0, 0.0, -7200.0, 7200.0, 1e8])


def kinds_ids(message: Struct, name: str) -> dict[str, str]:
    """The parameters of a message's topic, with any name for each."""
    topic = topic_of(type(message)).address
    return {part[1:-1]: name for part in topic.split("/") if part.startswith("{")}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(happenings, seconds, jumps), max_size=25), st.booleans())
def test_whatever_is_heard_it_answers_inside_the_limits(events: list[Any], begun: bool) -> None:
    house = House()
    for _ in range(5 if begun else 0):
        house.good()
        house.decide()
        house.passes(1.0)
    for (what, name, retained), passed, jump in events:
        if isinstance(what, bytes):
            house.ask(what)
        else:
            house.hear(what, retained, **kinds_ids(what, name))
        house.passes(passed)
        house.now += timedelta(seconds=jump)
        house.decide()
        window = house.window
        if window is not None and window.min_w is not None and window.max_w is not None:
            assert -DISCHARGE_W <= window.min_w <= window.max_w <= CHARGE_W
        assert house.cap is None or (isfinite(house.cap) and 0 <= house.cap <= RATING_W)
    house.desk.farewell(house.now)
    assert msgspec.json.encode(house.desk.kept())


FORCED = "grid_charging = true\ngrid_charging_max_w = 3000\n"


def forced_house() -> House:
    """It charges from the grid with 3 kW."""
    house = House(FORCED)
    for _ in range(10):
        house.good(grid=500.0, sun=0.0)
        house.decide()
        house.passes(1.0)
    assert house.window is not None
    assert house.window.min_w == 3000.0
    return house


@pytest.mark.parametrize(
    "instead",
    [
        pytest.param([], id="nothing"),
        pytest.param([MeterReading(at=NOON, power_w=500.0)], id="the same old reading again and again"),
        pytest.param(
            [MeterReading(at=NOON + timedelta(days=9), power_w=None)], id="a time of next week, no power"
        ),
        pytest.param([MeterReading(at=NOON, power_w=9e8)], id="more than a house can draw"),
        pytest.param([MeterReading(at=NOON, power_w=nan)], id="no number"),
        pytest.param(
            [MeterReading(at=NOON + timedelta(seconds=11), power_w=500.0, period_s=1e9)],
            id="once that it is read every thirty years",
        ),
    ],
)
def test_a_forced_flow_ends_when_nothing_believable_is_heard_of_the_grid(instead: list[MeterReading]) -> None:
    house = forced_house()
    once = instead and instead[0].period_s > 1
    for second in range(200 if once else 20):
        house.good_but_for_the_grid(sun=0.0)
        for message in instead[: 1 if not once or second == 1 else 0]:
            house.hear(message, meter="grid")
        house.decide()
        house.passes(1.0)
        if second == BLIND_AFTER_S and not once:
            assert house.window is not None
            assert house.window.min_w is None or house.window.min_w <= 0
    assert house.window is not None
    assert house.window.min_w is None or house.window.min_w <= 0


@pytest.mark.parametrize(
    "power_w",
    [
        pytest.param(1e8, id="a hundred megawatts"),
        pytest.param(60_000.0, id="six times its nameplate"),
        pytest.param(-1e8, id="a hundred megawatts the wrong way round"),
        pytest.param(nan, id="no number"),
        pytest.param(None, id="nothing"),
    ],
)
def test_an_inverter_that_speaks_nonsense_never_has_its_cap_raised(power_w: float | None) -> None:
    house = House()
    for _ in range(20):
        house.good(grid=-2000.0, sun=3500.0, soc=100.0)
        house.decide()
        house.passes(1.0)
    caps = [house.cap]
    for _ in range(40):
        house.good(
            grid=-2000.0, sun=3500.0, soc=100.0, inverter=InverterReading(at=house.now, power_w=power_w)
        )
        house.decide()
        house.passes(1.0)
        caps.append(house.cap)

    # What may be exported may be made, whatever the house takes: 2 kW stand unmeasured.
    assert caps[0] == 3500.0
    assert caps == sorted(caps, key=lambda cap: -(cap or 0.0))
    assert caps[-1] == EXPORT_W


@pytest.mark.parametrize(
    "ahead_s",
    [
        pytest.param([3600] * 20, id="an hour ahead for a while, then back"),
        pytest.param([-3600] * 20, id="an hour behind for a while, then back"),
        pytest.param([86_400], id="one reading of tomorrow"),
        pytest.param([-30, 0, -30, 0, -20, 0], id="old readings between the new"),
    ],
)
def test_a_senders_clock_that_jumps_costs_a_second_or_two(ahead_s: list[int]) -> None:
    house = House()
    released = 0
    for second in range(120):
        jump = ahead_s[second - 20] if 20 <= second < 20 + len(ahead_s) else 0
        house.good(ahead_s=jump)
        house.decide()
        assert house.window is not None
        released += house.window.min_w is None
        house.passes(1.0)

    assert released == 0


def test_our_own_clock_being_set_changes_nothing_but_the_hour() -> None:
    house = House()
    for second in range(90):
        if second in (20, 50):
            house.now += timedelta(hours=3 if second == 20 else -5)
        house.good(at=NOON + timedelta(seconds=second))
        house.decide()
        assert house.window is not None
        assert house.window.min_w is not None
        house.passes(1.0)


def test_readings_that_come_in_a_burst_after_a_silence_are_as_old_as_they_are() -> None:
    """A minute of readings held up somewhere and let go at once: the last is fresh, what came before is not."""
    house = forced_house()
    held_up = []
    for _ in range(60):
        house.decide()
        held_up.append(house.now)
        house.passes(1.0)
    for at in held_up[:40]:
        house.hear(
            BatteryReading(at=at, power_w=3000.0, soc_percent=50.0, control=Control.OURS), battery="cellar"
        )
        house.hear(MeterReading(at=at, power_w=500.0), meter="grid")
    house.decide()

    assert house.window is not None
    assert house.window.min_w is None
