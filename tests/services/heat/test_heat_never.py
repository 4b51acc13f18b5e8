"""What must never happen to a heater, whatever its sensors say and whoever orders."""

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from busbar_contracts.load import HeatMode, HeatOrder, HeatState, LoadMode
from busbar_contracts.topics import topic_of
from busbar_heat.actuator import Switch, Wires
from busbar_heat.kinds import heater_of
from busbar_heat.setup import Sensors, Setup
from busbar_heat.tank import TankRules
from busbar_shared.device_message import Source
from busbar_shared.device_topics import Send
from busbar_shared.judge import decode
from busbar_shared.moment import Moment

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
TANK = Setup(
    id="tank",
    kind="tank",
    sensors=Sensors(
        temperature=Source("t/c"), power=Source("t/w"), on=Source("t/on"), presence=Source("t/a")
    ),
    wires=Wires(switch=Switch("t/set")),
    rating_w=2000.0,
    tank=TankRules(),
)
PUMP = Setup(
    id="pump",
    kind="sg_ready",
    sensors=Sensors(),
    wires=Wires(contacts=(Switch("p/a"), Switch("p/b"))),
    rating_w=2000.0,
)
PAYLOADS = st.floats(-60, 130).map(lambda celsius: f"{celsius:.1f}".encode()) | st.sampled_from(
    [b"on", b"off", b"nan", b"1e9", b"{}", b"", b"online", b"offline", b"\xff"]
)
STEPS = st.lists(
    st.tuples(
        st.floats(0.0, 1200.0),
        st.sampled_from(["t/c", "t/c", "t/c", "t/w", "t/on", "t/a"]),
        PAYLOADS,
        st.booleans(),
        st.none() | st.sampled_from(HeatMode),
        st.sampled_from(["allocator", "neighbour"]),
        st.sampled_from(LoadMode),
    ),
    max_size=40,
)


@settings(max_examples=200, deadline=None)
@given(steps=STEPS)
def test_a_tank_is_never_heated_without_a_grant_or_at_its_maximum_or_without_a_temperature(
    steps: list[tuple[float, str, bytes, bool, HeatMode | None, str, LoadMode]],
) -> None:
    now = Moment(NOON, 1000.0)
    tank = heater_of(TANK, now)
    for number, (pause, topic, payload, retained, order, issuer, mode) in enumerate(steps):
        now = Moment(now.at + timedelta(seconds=pause), now.s + pause)
        tank.settings(mode, True)
        tank.hear(topic, payload, now, retained=retained)
        if order is not None:
            made = HeatOrder(
                issuer=issuer,
                instance=issuer,
                seq=number + 1,
                issued_at=now.at,
                lease_s=30.0,
                reason="x",
                mode=order,
            )
            tank.order(made, now)
        heats = [one for one in tank.tick(now) if isinstance(one, Send) and one.payload == "ON"]
        state = tank.state(now)
        celsius = tank.celsius(now)
        allowed = (
            tank.granted(now) in (HeatMode.NORMAL, HeatMode.BOOST) and celsius is not None and celsius < 75
        )
        assert allowed or not heats
        assert state.issuer != "neighbour" or state.order is HeatMode.BLOCK
        assert decode(topic_of(HeatState), msgspec.json.encode(state)) == state


@settings(max_examples=200, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.floats(0.5, 4000.0), st.none() | st.sampled_from(HeatMode), st.none() | st.floats(0, 9000)
        ),
        max_size=60,
    )
)
def test_a_heat_pump_is_never_blocked_for_more_than_two_hours_nor_hurried(
    steps: list[tuple[float, HeatMode | None, float | None]],
) -> None:
    now = Moment(NOON, 1000.0)
    pump = heater_of(PUMP, now)
    state, since_s = 2, float("-inf")
    for number, (pause, order, pool_w) in enumerate(steps):
        for _ in range(max(1, round(pause / 30))):
            now = Moment(now.at + timedelta(seconds=30), now.s + 30)
            if order is not None:
                made = HeatOrder(
                    issuer="allocator",
                    instance=str(number),
                    seq=round(now.s),
                    issued_at=now.at,
                    lease_s=40.0,
                    reason="x",
                    mode=order,
                )
                pump.order(made, now)
            pump.pool_w = pool_w
            pump.tick(now)
            after = pump.state(now).sg_state
            assert after is not None
            if after != state:
                assert now.s - since_s >= 600 or after == 1
                state, since_s = after, now.s
            assert state != 1 or now.s - since_s < 7200 + 30
