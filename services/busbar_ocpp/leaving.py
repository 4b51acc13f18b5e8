"""What a service that is stopped leaves behind: every connected charger at the smaller of limit and fallback.

Told explicitly, so that nobody waits for a lease to run out (`architecture.md` section 2). A planned restart
says nothing: its leases outlive it.
"""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from busbar_contracts.charger import ChargerLimit
from busbar_ocpp.bearing import Past, lowers
from busbar_ocpp.connector import Connector
from busbar_shared.leases import LeaseBook

if TYPE_CHECKING:
    from busbar_ocpp.charge_point import ChargePoint

log = logging.getLogger(__name__)

LEAVE_S = 6.0
"""A service has 8 s to leave its devices; a charger that does not answer in these falls back by its lease."""


def let_leases_end(charger: "ChargePoint", connector: Connector) -> None:
    """End every order at a connector now: what follows is what follows from any lease that ends."""
    now_s = charger.desk.clock.monotonic()
    holds = connector.holds(charger.terms.bounds(connector), now_s)
    if holds is None or not holds.ordered:
        return  # nothing was ordered, or the leases have ended already
    book: LeaseBook[ChargerLimit] = LeaseBook(lowers)
    connector.book = book
    connector.past = Past(limit_a=holds.limit_a, issuer=holds.issuer, until_s=now_s, phases=holds.phases)


async def leave(chargers: Iterable["ChargePoint"]) -> None:
    """Tell every connected charger its safe limit, and wait until it has taken it, but not for ever."""
    told = []
    for charger in chargers:
        if charger.calls is None or charger.released:
            continue
        for connector in charger.connectors.values():
            let_leases_end(charger, connector)
            charger.desk.remember(connector)
        charger.steering.silent.clear()
        charger.steer_all()
        told.append(charger)
    with suppress(TimeoutError):
        async with asyncio.timeout(LEAVE_S):
            for charger in told:
                await charger.steering.idle()
            return
    log.warning("a charger did not take its safe limit in time; its lease runs out")
