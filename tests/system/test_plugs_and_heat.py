"""Plugs and tanks in a whole house: what they truly draw when the services that hold them are killed."""

import time
from pathlib import Path

import pytest

from houses import DARK_HOUSE, LEASE_S, House, quick_site, running

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

DEVICE_LEASE_S = 9.0
SEEN_S = 3.0
"""The truth is told each second, and a relay takes a moment."""
RESTART_S = 10.0

PLUGS = """
[plugs.timed]
topic = "shellyplus1pm-1"
phases = ["b"]
rating_w = 1500
device_lease_s = 9
poll_s = 2
[plugs.plain]
driver = "shelly_gen1"
topic = "shelly1-A"
phases = ["c"]
rating_w = 1500
poll_s = 2
"""
TANKS = """
[plugs.element]
driver = "shelly_gen1"
topic = "shelly1-B"
phases = ["b"]
rating_w = 1500
poll_s = 2
[heaters.behind]
plug = "element"
phases = ["b"]
rating_w = 1500
[heaters.behind.topics]
temperature = { topic = "cellar/behind" }
[heaters.own]
phases = ["c"]
rating_w = 1500
[heaters.own.topics]
temperature = { topic = "cellar/own" }
command = "cellar/own/set"
[simulator.heaters.behind]
celsius = 35
[simulator.heaters.own]
celsius = 35
"""


def draws(house: House, load: str) -> bool:
    """It truly draws now."""
    return house.amps(load) > 1.0


async def both_on(house: House, *loads: str) -> None:
    for load in loads:
        await house.until(lambda load=load: draws(house, load), 60, f"{load} is granted and draws")  # type: ignore[misc]


async def test_killed_for_good_the_plug_service_leaves_a_timed_plug_to_its_timer(tmp_path: Path) -> None:
    async with running(quick_site(more=DARK_HOUSE + PLUGS), tmp_path) as house:
        await both_on(house, "timed", "plain")
        await house.stop("plugs")

        took = await house.until(
            lambda: not draws(house, "timed"), DEVICE_LEASE_S + SEEN_S, "its own timer ends it"
        )

        assert took <= DEVICE_LEASE_S + SEEN_S
        assert draws(house, "plain"), "without a timer nobody is there to switch it off"


async def test_a_plug_without_a_timer_is_off_within_the_restart_of_its_service(tmp_path: Path) -> None:
    async with running(quick_site(more=DARK_HOUSE + PLUGS), tmp_path) as house:
        await both_on(house, "plain")
        # With the allocator dead nobody renews its order; the supervisor brings the killed service back.
        await house.stop("allocator")
        house.kill("plugs")
        began = time.monotonic()

        await house.until(lambda: not draws(house, "plain"), LEASE_S + RESTART_S + SEEN_S, "it is off")

        assert time.monotonic() - began <= LEASE_S + RESTART_S + SEEN_S


@pytest.mark.parametrize(
    ("dies", "load", "within_s"),
    [
        pytest.param("allocator", "behind", 2 * LEASE_S, id="no allocator: the tank's lease ends"),
        pytest.param("heat", "behind", LEASE_S, id="no heat service: the lease of its plug ends"),
        pytest.param("allocator", "own", 2 * LEASE_S, id="no allocator: a tank with a switch of its own too"),
    ],
)
async def test_a_tank_is_not_heated_by_a_dead_house(
    dies: str, load: str, within_s: float, tmp_path: Path
) -> None:
    async with running(quick_site(more=DARK_HOUSE + TANKS), tmp_path) as house:
        await both_on(house, load)
        await house.stop(dies)

        await house.until(lambda: not draws(house, load), within_s + SEEN_S + 1, "nothing heats it")


async def test_a_tank_with_a_switch_of_its_own_is_off_within_the_restart_of_the_heat_service(
    tmp_path: Path,
) -> None:
    async with running(quick_site(more=DARK_HOUSE + TANKS), tmp_path) as house:
        await both_on(house, "own")
        await house.stop("allocator")
        house.kill("heat")

        await house.until(lambda: not draws(house, "own"), LEASE_S + RESTART_S + SEEN_S, "nothing heats it")
