"""Every known misbehaviour of a charger in a real house: charge, kill the OCPP service, look at the true current.

The rule (docs/ocpp.md): with the service dead the current returns to the fallback by itself within the validity
of the profile, or the state named the lease `none` before the charger was told more than its fallback.
Some minutes each; run by `make soak`.
"""

import asyncio
from pathlib import Path

import pytest

from busbar_contracts.charger import ChargerState, LeaseQuality
from busbar_simulator.station.faults import Fault
from houses import DARK_HOUSE, VALIDITY_S, House, quick_site, running

pytestmark = [pytest.mark.soak, pytest.mark.system, pytest.mark.timeout(300)]

FALLBACK_A = 6.0
SETTLES_S = 45.0
"""Long enough for a start, a sample and the climb to full power, where the charger can be brought there."""


async def heard(house: House, into: list[ChargerState]) -> None:
    """Keep every state of the charger that is said."""
    async for one in house.bus.listen(ChargerState):
        into.append(one.message)


def granted_on_trust(states: list[ChargerState]) -> float:
    """The highest limit that stood while the state did not name the lease `none`."""
    return max(
        (one.limit.limit_a for one in states if one.limit and one.lease is not LeaseQuality.NONE), default=0.0
    )


async def falls_for_good(house: House, within_s: float) -> None:
    """See the true current at the fallback by then, and from then on.

    A dip before proves nothing: the last profile the charger was told may only just have reached the car.
    """
    began_s, above_s = asyncio.get_running_loop().time(), 0.0
    while (now_s := asyncio.get_running_loop().time() - began_s) < within_s + 6:
        above_s = now_s if house.amps() >= FALLBACK_A + 1 else above_s
        await asyncio.sleep(0.1)
    print(f"last above its fallback {above_s:.1f} s after the service died")
    assert above_s <= within_s, f"above its fallback after {above_s:.1f} s; {house.describe()}"


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
@pytest.mark.parametrize("fault", [pytest.param(one.value, id=one.value.replace("_", " ")) for one in Fault])
async def test_a_misbehaving_charger_falls_by_itself_or_is_named(
    tmp_path: Path, fault: str, version: str
) -> None:
    more = f'{DARK_HOUSE}[simulator.cars.left]\nocpp = "{version}"\nfaults = ["{fault}"]\n'
    async with running(quick_site(more=more), tmp_path) as house:
        states: list[ChargerState] = []
        hearing = asyncio.create_task(heard(house, states))
        began_s = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - began_s < SETTLES_S and house.amps() < 15:
            await asyncio.sleep(0.5)
        await asyncio.sleep(20)
        drawn_a, trusted_a = house.amps(), granted_on_trust(states)
        hearing.cancel()
        await house.stop("ocpp")
        print(f"{fault} {version}: draws {drawn_a:.1f} A, on trust {trusted_a:g} A, lease {states[-1].lease}")
        if trusted_a <= FALLBACK_A:
            return  # it was never believed with more than may stand for ever
        await falls_for_good(house, VALIDITY_S + 10)
