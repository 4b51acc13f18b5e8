"""A car that draws all it can before Busbar ever reached its charger: how soon the phases are inside their limit."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from houses import DARK_HOUSE, House, charging, quick_site, running

pytestmark = [pytest.mark.system, pytest.mark.timeout(360)]

CAR = """
[simulator.cars.left]
ocpp = "{version}"
"""
FAMILY = {"extra_w": [2760.0, 2760.0, 2760.0], "for_s": 600.0}
"""The family draws 12 A on each phase; with a car at 16 A the breaker of 25 A is over its limit by 3 A."""

LIMIT_A = 25.0
SERVICES = ("meter", "ocpp", "allocator")
WITHIN_S = 60.0
"""Real time on a busy machine; a quiet one needs a tenth of it."""


def highest_a(house: House) -> float:
    """The true current of the busiest phase."""
    return max(phase.current_a for _, phase in house.scene.phases())


def held_back(folder: Path) -> Callable[[str, list[str]], list[str]]:
    """The services wait for a file; the simulated house and the broker do not."""

    def dressed(name: str, command: list[str]) -> list[str]:
        wait = f"while [ ! -e '{folder}/go' ]; do sleep 0.02; done; exec \"$@\""
        return ["sh", "-c", wait, "sh", *command] if name in SERVICES else command

    return dressed


@pytest.mark.parametrize("version", ["1.6", pytest.param("2.0.1", marks=pytest.mark.soak)])
async def test_a_car_that_was_there_first_is_limited(tmp_path: Path, version: str) -> None:
    text = quick_site(more=DARK_HOUSE + CAR.format(version=version))
    async with running(text, tmp_path, dressed=held_back(tmp_path)) as house:
        await charging(house, seconds=90)
        await house.bus.say_raw("busbar-simulator/test/wish", json.dumps(FAMILY), qos=1)
        await house.until(lambda: highest_a(house) > LIMIT_A + 2, 30, "nobody limits anything yet")
        seen: dict[str, float] = {}
        (tmp_path / "go").touch()
        began = time.monotonic()

        while highest_a(house) > LIMIT_A or house.amps() > 13.5:
            passed_s = time.monotonic() - began
            assert passed_s < WITHIN_S, f"{seen}; {house.describe()}"
            note(house, seen, passed_s)
            await asyncio.sleep(0.02)
        seen["inside its limit"] = round(time.monotonic() - began, 1)
        print(f"OCPP {version}, seconds after the start: {seen}")

        # And it stays so, while the car is given what the family leaves of the breaker.
        await house.until(lambda: 10.0 < house.amps() <= 13.5, WITHIN_S, "the car gets what is left")
        broken = len(house.truth.detail["broken"])
        await house.holds(lambda: highest_a(house) <= LIMIT_A + 1.0, 10, "no phase is over its limit again")
        assert len(house.truth.detail["broken"]) == broken


def note(house: House, seen: dict[str, float], now_s: float) -> None:
    """Remember when each thing was first so."""
    state = house.scene.chargers.get("left-1")
    ocpp = house.scene.services.get("ocpp")
    so = {
        "the service lives": ocpp is not None,
        "the charger has a link": state is not None and state.link,
        "it was told a limit": state is not None and state.limit is not None and state.limit.confirmed,
        "the car draws less": house.amps() < 15.0,
    }
    for what, true in so.items():
        if true:
            seen.setdefault(what, round(now_s, 1))
