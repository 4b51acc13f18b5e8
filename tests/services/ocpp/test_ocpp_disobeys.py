"""A charger that accepts every limit and follows none, in a real house: it is named before it is granted more."""

import asyncio
from pathlib import Path

import pytest

from busbar_contracts.charger import ChargerState, LeaseQuality
from houses import DARK_HOUSE, House, quick_site, running

pytestmark = [pytest.mark.system, pytest.mark.timeout(360)]

FALLBACK_A = 6.0


def raised_on_trust(states: list[ChargerState]) -> list[float]:
    """Every limit above the fallback that stood while the state still promised a lease."""
    return [
        state.limit.limit_a
        for state in states
        if state.limit is not None
        and state.limit.limit_a > FALLBACK_A
        and state.lease is not LeaseQuality.NONE
    ]


async def states_of(house: House, into: list[ChargerState]) -> None:
    """Keep every state of the left charger that is said."""
    async for heard in house.bus.listen(ChargerState):
        into.append(heard.message)


@pytest.mark.parametrize("fault", ["accepts_without_effect", "disobeys"])
async def test_a_charger_that_follows_no_limit_is_named_before_it_is_granted_more(
    tmp_path: Path, fault: str
) -> None:
    more = f'{DARK_HOUSE}[simulator.cars.left]\nfaults = ["{fault}"]\n'
    async with running(quick_site(more=more), tmp_path) as house:
        states: list[ChargerState] = []
        hearing = asyncio.create_task(states_of(house, states))
        await house.until(lambda: house.amps() > 15, 40, "the car takes what it likes")
        await house.until(
            lambda: bool(states) and states[-1].lease is LeaseQuality.NONE and states[-1].disobedient,
            60,
            "the charger is named",
        )
        hearing.cancel()

        assert raised_on_trust(states) == []
        assert house.truth.verdict == "ok"
