"""A charger in virtual time: what it falls to when nobody speaks to it any more."""

from datetime import UTC, datetime, timedelta

import pytest

from busbar_cli.simulate_devices import Beat, ChargerDevice, Moment
from busbar_contracts.charger import Capabilities, ChargerLimit
from busbar_simulator.plant.car import Car, CarSpec
from busbar_simulator.plant.socket import Socket, SocketSpec

SIX_PM = datetime(2026, 6, 21, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ordered_a", "falls_to_a"),
    [
        pytest.param(16.0, 6.0, id="a car that charges goes on at the fallback"),
        pytest.param(0.0, 0.0, id="a car that was paused is not started by silence"),
    ],
)
def test_when_its_lease_has_ended(ordered_a: float, falls_to_a: float) -> None:
    socket = Socket(SocketSpec())
    socket.car = Car(CarSpec(), 40.0)
    charger = ChargerDevice(
        socket, Beat(10.0, 0.0), fallback_a=6.0, capabilities=Capabilities(), answer_s=0.5, way_s=0.0
    )
    for second in range(60):
        now = Moment(float(second), SIX_PM + timedelta(seconds=second))
        if second < 2:
            charger.obey(
                ChargerLimit(
                    issuer="allocator", instance="one", seq=second + 1, issued_at=now.at, lease_s=30.0,
                    reason="test", limit_a=ordered_a,
                ),
                now,
            )  # fmt: skip
        charger.step(now)
        if second == 20:
            assert socket.pilot_a == ordered_a

    assert socket.pilot_a == falls_to_a
