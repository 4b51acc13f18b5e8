"""kill -9 in each state: what a plug may do is the same before and after, to the second before the kill."""

from typing import Any

from busbar_contracts.load import ManualSwitch

OLD = """
[plugs.boiler]
driver = "shelly_gen1"
topic = "shelly1-A"
phases = ["a"]
max_switches_per_h = 4
"""


class Killed:
    """The service, ended so that nothing it says or writes at its end is left."""

    def __init__(self, house: Any) -> None:
        self.house, self.kept = house, house.service.state_dir / "leases.json"

    def now(self) -> None:
        """From here on nothing arrives; what is on disk now is what the next one finds."""
        self.house.bus.devices = ()
        self.written = self.kept.read_bytes() if self.kept.exists() else None

    def found(self) -> None:
        """Put back what was on disk in the moment of the kill."""
        if self.written is None:
            self.kept.unlink(missing_ok=True)
        else:
            self.kept.write_bytes(self.written)


async def test_killed_two_seconds_after_a_switch_off_it_still_rests_for_its_two_minutes(
    house_of: Any, old_shelly: Any
) -> None:
    async with house_of(OLD, old_shelly) as house:
        await house.pass_time(150, order=True)
        assert old_shelly.on is True
        await house.pass_time(2, order=False)
        assert old_shelly.on is False
        killed = Killed(house)
        killed.now()
    killed.found()
    off_at = old_shelly.history[-1][0]
    async with house_of(OLD, old_shelly) as house:
        await house.pass_time(150, order=True)

    assert old_shelly.history[-1][1] is False or old_shelly.history[-1][0] - off_at >= 120
    on_again = [at for at, on in old_shelly.history if on and at > off_at]
    assert min(on_again) - off_at >= 119


async def test_killed_two_seconds_after_a_hand_was_at_the_button_the_hand_still_counts(
    house_of: Any, old_shelly: Any
) -> None:
    async with house_of(OLD, old_shelly) as house:
        await house.pass_time(40, order=False)
        old_shelly.move(True)
        old_shelly.say("")
        await house.pass_time(2, order=False)
        killed = Killed(house)
        killed.now()
    killed.found()
    async with house_of(OLD, old_shelly) as house:
        await house.pass_time(300, order=False)
        assert old_shelly.on is True
        assert house.state().manual is True
        await house.pass_time(1600, order=False)

        assert old_shelly.on is False


async def test_killed_right_after_the_owner_said_it_on_the_bus_the_wish_outlives_a_lost_link(
    house_of: Any, old_shelly: Any
) -> None:
    async with house_of(OLD, old_shelly) as house:
        await house.pass_time(40, order=False)
        house.bus.feed(ManualSwitch(on=True), plug="boiler")
        await house.pass_time(2, order=False)
        killed = Killed(house)
        killed.now()
    killed.found()
    async with house_of(OLD, old_shelly) as house:
        await house.pass_time(5, order=False)
        old_shelly.tell("shellies/shelly1-A/online", "false")
        old_shelly.tell("shellies/shelly1-A/online", "true")
        await house.pass_time(40, order=False)

        assert old_shelly.on is True
        assert house.state().manual is True


async def test_killed_again_and_again_it_is_not_switched_more_often_than_allowed(
    house_of: Any, old_shelly: Any
) -> None:
    began = old_shelly.clock.monotonic()
    for _ in range(12):
        async with house_of(OLD, old_shelly) as house:
            await house.pass_time(145, order=True)
            await house.pass_time(3, order=False)
            killed = Killed(house)
            killed.now()
        killed.found()

    assert old_shelly.clock.monotonic() - began < 3600
    ons = [at for at, on in old_shelly.history if on]
    assert len(old_shelly.history) <= 4, f"switched on at {ons}"
