"""The room that the allocator keeps free for windows it does not decide."""

from datetime import timedelta

from busbar_allocator.foreign import reserved_a
from services.chargeamps.household import TONIGHT, Household, local


async def test_the_allocator_makes_room_a_minute_before_a_window_and_as_long_as_the_car_draws(
    house: Household,
) -> None:
    await house.send(TONIGHT)
    await house.wait(seconds=30)
    ten = local("2025-12-04T22:00")

    def reserved(seconds: float) -> float:
        return reserved_a(house.status, 16.0, ten + timedelta(seconds=seconds))

    assert [reserved(at) for at in (-61, -59, 0, 3599, 3601)] == [0.0, 16.0, 16.0, 16.0, 0.0]
    await house.wait(hours=2)
    assert house.status.state == "charging"
    assert reserved(4000) == 16.0
