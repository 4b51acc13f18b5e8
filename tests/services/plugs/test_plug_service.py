"""The plug service at work: orders and their ends, the owner's hand, kills and restarts."""

import asyncio
from typing import Any

import msgspec

from busbar_contracts.load import LoadMode, LoadSettings, ManualSwitch, PlugState
from busbar_shared.clock import VirtualClock

BOILER = """
[plugs.boiler]
driver = "shelly"
topic = "shellyplus1pm-1"
rating_w = 2000
"""
OLD_BOILER = """
[plugs.boiler]
driver = "shelly_gen1"
topic = "shelly1-A"
"""


async def test_an_order_switches_and_its_end_switches_back(house_of: Any, shelly: Any) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(20, order=True)
        running = house.state()
        await house.pass_time(18)
        still_on = shelly.on
        await house.pass_time(3)

    assert running.on is True
    assert (running.order_on, running.issuer) == (True, "allocator")
    assert running.device_timer is True
    assert still_on is True
    assert [on for _, on in shelly.history] == [True, False]


async def test_what_a_plug_says_is_the_contract(house_of: Any, shelly: Any) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(60, order=True)
        for topic, said in house.bus.said:
            assert topic == "hems/plug/boiler/state"
            assert msgspec.json.decode(msgspec.json.encode(said), type=PlugState) == said


async def test_the_state_is_said_on_change_and_not_more_than_once_a_second(
    house_of: Any, shelly: Any
) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(10)
        house.bus.said.clear()
        for _ in range(50):
            shelly.tell("shellyplus1pm-1/status/switch:0", '{"id":0,"apower":5}')
            await house.clock.advance(0.1)
        said = len(house.bus.said)

    assert said <= 6


async def test_a_plug_with_a_timer_is_off_within_its_lease_when_the_service_is_killed(
    house_of: Any, shelly: Any
) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(25, order=True)
        house.task.cancel()
        house.bus.devices = ()  # killed: nothing it says arrives any more
        await asyncio.gather(house.task, return_exceptions=True)
        killed_at = house.clock.monotonic()
        await house.pass_time(61)

    assert [on for _, on in shelly.history] == [True, False]
    assert shelly.history[-1][0] - killed_at <= 60


async def test_a_plug_without_a_timer_is_off_as_soon_as_the_service_is_back(
    house_of: Any, old_shelly: Any
) -> None:
    async with house_of(OLD_BOILER, old_shelly) as house:
        await house.pass_time(25, order=True)
        house.bus.devices = ()
    async with house_of(OLD_BOILER, old_shelly) as house:
        assert house.state().device_timer is False
        await house.pass_time(29)

    assert [on for _, on in old_shelly.history] == [True, False]


async def test_a_restart_restores_the_lease_with_what_is_left_of_it(house_of: Any, old_shelly: Any) -> None:
    async with house_of(OLD_BOILER, old_shelly) as house:
        await house.pass_time(25, order=True)
        house.bus.devices = ()
    async with house_of(OLD_BOILER, old_shelly) as house:
        await house.pass_time(5)
        restored = house.state()
        await house.pass_time(20, order=True)
        kept = old_shelly.on

    assert restored.order_on is True
    assert kept is True
    assert [on for _, on in old_shelly.history][:1] == [True]


async def test_a_service_without_memory_leaves_a_plug_alone_for_one_lease_and_then_makes_it_safe(
    house_of: Any, old_shelly: Any
) -> None:
    old_shelly.on = True
    async with house_of(OLD_BOILER, old_shelly) as house:
        await house.pass_time(27)
        before = old_shelly.on
        await house.pass_time(5)

    assert before is True
    assert old_shelly.on is False


async def test_sigterm_leaves_the_plug_off(house_of: Any, old_shelly: Any) -> None:
    async with house_of(OLD_BOILER, old_shelly) as house:
        await house.pass_time(20, order=True)
        assert old_shelly.on is True

    assert old_shelly.on is False


async def test_a_restart_does_not_shorten_the_minimum_time_off(house_of: Any, old_shelly: Any) -> None:
    async with house_of(OLD_BOILER, old_shelly) as house:
        await house.pass_time(20, order=True)
    async with house_of(OLD_BOILER, old_shelly) as house:
        await house.pass_time(110, order=True)
        assert old_shelly.on is False
        await house.pass_time(20, order=True)
        assert old_shelly.on is True


async def test_a_freezer_falls_back_to_on_and_has_no_timer(house_of: Any, shelly: Any) -> None:
    shelly.on = True
    async with house_of(BOILER + 'safe_state = "on"\nmin_off_s = 30\n', shelly) as house:
        await house.pass_time(40, order=False)
        assert shelly.on is False
        await house.pass_time(60)
        assert shelly.on is True
        assert shelly.timer_until_s is None
        assert house.state().device_timer is False


async def test_the_owners_button_is_respected_and_reported(house_of: Any, shelly: Any) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(60, order=False)
        shelly.move(True)
        shelly.say("button")
        await house.pass_time(60, order=False)
        held = house.state()
        await house.pass_time(1700, order=False)
        on_before_the_end = shelly.on
        await house.pass_time(60, order=False)

    assert held.manual is True
    assert ("switched_by_hand", "boiler was switched on by hand; respected for 30 min") in house.bus.events
    assert on_before_the_end is True
    assert shelly.on is False


async def test_the_owner_may_also_say_it_on_the_bus(house_of: Any, shelly: Any) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(5, order=False)
        house.bus.feed(ManualSwitch(on=True), plug="boiler")
        await house.pass_time(600, order=False)

        assert shelly.on is True
        assert house.state().manual is True


async def test_an_order_from_a_stranger_switches_nothing_on_but_may_switch_off(
    house_of: Any, shelly: Any
) -> None:
    async with house_of(BOILER, shelly) as house:
        await house.pass_time(5)
        house.order(True, issuer="neighbour")
        await house.pass_time(5)
        assert shelly.on is False
        assert "neighbour" in house.state().last_refusal
        await house.pass_time(20, order=True)
        house.order(False, issuer="grid-operator")
        await house.pass_time(15, order=True)
        assert shelly.on is False
        assert house.state().issuer == "grid-operator"


async def test_an_old_burst_of_orders_switches_nothing_on(
    house_of: Any, shelly: Any, clock: VirtualClock
) -> None:
    async with house_of(BOILER, shelly) as house:
        clock.jump(3600)
        house.order(True)
        clock.jump(-3600)
        await house.pass_time(5)
        assert shelly.on is False


async def test_a_satisfied_boiler_in_solar_only_is_done_and_asks_again_later(
    house_of: Any, shelly: Any
) -> None:
    settings = LoadSettings(
        mode=LoadMode.SOLAR_ONLY,
        modes=(LoadMode.CONTINUOUS, LoadMode.SOLAR_ONLY, LoadMode.EXCESS),
        priority=1,
        enabled=True,
    )
    async with house_of(BOILER + "done_after_s = 120\n", shelly) as house:
        house.bus.feed(settings, load="boiler")
        await house.pass_time(5)
        assert house.state().wants_power is True, "off is not absent"
        await house.pass_time(300, order=True)
        assert house.state().wants_power is True
        shelly.watts = 1.0
        await house.pass_time(200, order=True)
        assert house.state().wants_power is False
        await house.pass_time(900, order=False)
        assert house.state().wants_power is False
        await house.pass_time(1000, order=False)
        assert house.state().wants_power is True
        await house.pass_time(100, order=True)
        assert (shelly.on, house.state().wants_power) == (True, True), (
            "it is given time to show whether it draws"
        )
        await house.pass_time(60, order=True)
        assert house.state().wants_power is False
        await house.pass_time(1900, order=False)
        shelly.watts = 2000.0
        await house.pass_time(60, order=True)
        assert house.state().wants_power is True


async def test_an_idle_load_leaves_the_sun_to_others_at_once_and_is_done_only_after_a_quarter_of_an_hour(
    house_of: Any, shelly: Any
) -> None:
    settings = LoadSettings(mode=LoadMode.EXCESS, modes=(LoadMode.EXCESS,), priority=1, enabled=True)
    async with house_of(BOILER, shelly) as house:
        house.bus.feed(settings, load="boiler")
        await house.pass_time(60, order=True)
        shelly.watts = 3.0
        await house.pass_time(200, order=True)
        assert (house.state().idle, house.state().wants_power) == (True, True)
        shelly.watts = 300.0
        await house.pass_time(60, order=True)
        assert (house.state().idle, house.state().wants_power) == (False, True)
        shelly.watts = 3.0
        await house.pass_time(900, order=True)
        assert (house.state().idle, house.state().wants_power) == (True, True)
        await house.pass_time(60, order=True)
        assert (house.state().idle, house.state().wants_power) == (True, False)


async def test_a_planned_restart_leaves_the_plug_as_it_is(house_of: Any, old_shelly: Any) -> None:
    async with house_of(OLD_BOILER, old_shelly) as house:
        await house.pass_time(40, order=True)
        house.service.handing_over = True
    assert old_shelly.on is True
    async with house_of(OLD_BOILER, old_shelly) as house:
        await house.pass_time(20, order=True)

        assert [on for _, on in old_shelly.history] == [True]


async def test_a_younger_instance_listens_and_says_nothing_to_a_device(
    house_of: Any, old_shelly: Any
) -> None:
    async with house_of(OLD_BOILER, old_shelly) as house:
        house.service.passive = True
        house.bus.said_raw.clear()
        await house.pass_time(60, order=True)

    assert house.bus.said_raw == []
    assert old_shelly.on is False


async def test_a_heaters_plug_obeys_its_heater_and_not_the_allocator(house_of: Any, shelly: Any) -> None:
    heater = '[heaters.tank]\nplug = "boiler"\n'
    async with house_of(BOILER + heater, shelly) as house:
        await house.pass_time(5, order=True)
        assert shelly.on is False
        house.order(True, issuer="heat")
        await house.pass_time(15, order=False)
        assert shelly.on is True
        assert house.state().issuer == "heat"
