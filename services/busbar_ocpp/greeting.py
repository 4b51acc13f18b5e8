"""Getting to know a charge point, once per connection and boot, gently and one call at a time."""

import asyncio
import logging
from typing import TYPE_CHECKING

from busbar_ocpp.calls import Refused, Silent, Superseded
from busbar_ocpp.connector import Connector
from busbar_ocpp.said import Booted, TransactionSaid

if TYPE_CHECKING:
    from busbar_ocpp.charge_point import ChargePoint

log = logging.getLogger(__name__)

# A charger that says nothing of a boot this long after connecting has only reconnected.
BOOT_WAIT_S = 2.0
# Chargers need a moment after their boot was accepted before they take calls.
SETTLE_S = 0.5


class Greeting:
    """What is asked of a charge point when it comes."""

    def __init__(self, charger: "ChargePoint") -> None:
        self._charger = charger
        self._booted = asyncio.Event()

    def booted(self, said: Booted) -> None:
        """It said who it is."""
        self._booted.set()

    def transaction(self, connector: Connector, said: TransactionSaid) -> None:
        """A transaction was told of."""

    async def connected(self) -> None:
        """Greet once now, and again after each boot on this connection."""
        clock = self._charger.desk.clock
        self._booted.clear()
        waited = asyncio.create_task(self._booted.wait())
        slept = asyncio.create_task(clock.sleep(BOOT_WAIT_S))
        await asyncio.wait({waited, slept}, return_when=asyncio.FIRST_COMPLETED)
        waited.cancel()
        slept.cancel()
        while True:
            self._booted.clear()
            await clock.sleep(SETTLE_S)
            try:
                await self._greet()
            except (Silent, Refused, Superseded) as error:
                log.info("%s: greeting ended early: %s", self._charger.plan.id, error)
            await self._booted.wait()
            self._charger.steering.paused = True

    async def _greet(self) -> None:
        charger = self._charger
        charger.steering.paused = False
        charger.tick()
        first = next(iter(charger.connectors.values()), None)
        if first is not None:
            await charger.steering.limit_unit(first)
        await self._trigger("StatusNotification")
        await self._trigger("MeterValues")

    async def _trigger(self, message: str) -> None:
        """Ask for a message; a charger that will not send it is excused."""
        calls = self._charger.calls
        if calls is None:
            return
        try:
            await calls.ask("TriggerMessage", {"requestedMessage": message})
        except Refused as refused:
            log.info("%s: no trigger of %s: %s", self._charger.plan.id, message, refused)
