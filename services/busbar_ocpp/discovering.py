"""What a charge point is asked about itself, a few settings at a time."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Any

from busbar_ocpp import abilities
from busbar_ocpp.said import Reported
from busbar_ocpp.settings import asked, keys_of, variables_of

if TYPE_CHECKING:
    from busbar_ocpp.charge_point import ChargePoint

Ask = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""Asks a charge point; the answer is empty where it refuses."""

REPORT_S = 30.0
"""How long the parts of an inventory may take."""
LONGEST_REPORT = 5000
OUR_REQUESTS = 1_000_000
"""Numbers of our own reports lie above those of a back office, which numbers its own."""
_requests = itertools.count(OUR_REQUESTS + 1)


async def configuration(ask: Ask) -> dict[str, str]:
    """1.6: a few keys at a time, no more than it allows; some crash on the full list."""
    most = await ask("GetConfiguration", {"key": ["GetConfigurationMaxKeys"]})
    allowed = keys_of(most).get("GetConfigurationMaxKeys", "")
    said: dict[str, str] = {}
    for group in abilities.groups(abilities.KEYS_16, int(allowed) if allowed.isdecimal() else None):
        found = keys_of(await ask("GetConfiguration", {"key": group}))
        said |= {key: value for key, value in found.items() if key in group}
    return said


async def variables(charger: "ChargePoint", ask: Ask, evses: Collection[int]) -> dict[str, str]:
    """2.0.1: the same with GetVariables; a station that knows none of them is asked for its inventory."""
    items = "DeviceDataCtrlr.ItemsPerMessage[GetVariables]"
    allowed = (await _variables(ask, [items])).get(items, "")
    most = int(allowed) if allowed.isdecimal() else abilities.GROUP_201
    said: dict[str, str] = {}
    for group in abilities.groups(abilities.VARIABLES_201, min(most, abilities.GROUP_201)):
        said |= await _variables(ask, group)
    if not said:
        return await _inventory(charger, ask)
    for evse in [*sorted(evses), max(evses, default=0) + 1]:
        names = [name.format(evse=evse) for name in abilities.VARIABLES_EVSE]
        for group in abilities.groups(names, min(most, abilities.GROUP_201)):
            said |= await _variables(ask, group)
    return said


async def _variables(ask: Ask, names: Collection[str]) -> dict[str, str]:
    found = variables_of(await ask("GetVariables", {"getVariableData": [asked(name) for name in names]}))
    return {name: value for name, value in found.items() if name in names}


async def _inventory(charger: "ChargePoint", ask: Ask) -> dict[str, str]:
    """GetBaseReport (2.0.1 B07); its parts come as calls of the station."""
    request, found, complete = next(_requests), dict[str, str](), asyncio.Event()

    def hear(part: Reported) -> None:
        if part.request == request and len(found) < LONGEST_REPORT:
            found.update(part.variables)
            if part.last:
                complete.set()

    charger.on_report.append(hear)
    try:
        answer = await ask("GetBaseReport", {"requestId": request, "reportBase": "FullInventory"})
        if answer.get("status") == "Accepted":
            told = asyncio.create_task(complete.wait())
            limit = asyncio.ensure_future(charger.desk.clock.sleep(REPORT_S))
            await asyncio.wait({told, limit}, return_when=asyncio.FIRST_COMPLETED)
            told.cancel()
            limit.cancel()
    finally:
        charger.on_report.remove(hear)
    return {name: value for name, value in found.items() if _useful(name)}


def _useful(name: str) -> bool:
    """Whether anything here reads it; a full inventory has hundreds of others."""
    evse = name.partition(".")[0].startswith("EVSE[")
    return name in abilities.VARIABLES_201 or (
        evse and name.partition(".")[2] in {one.partition(".")[2] for one in abilities.VARIABLES_EVSE}
    )
