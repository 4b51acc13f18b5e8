"""An outside planner that happens to live here: sends the cheap windows over the contract, as any HEMS could.

It is made only where the owner asks for it, in hems mode, and it speaks to the scheduler over the bus alone.
"""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

from busbar_chargeamps import instants
from busbar_chargeamps.config import Place
from busbar_chargeamps.plan import Window
from busbar_chargeamps.planner import Planner
from busbar_shared.bus import Bus
from busbar_shared.config.services import ChargeAmpsSection


class Publisher:
    """Sends a schedule whenever new prices give another plan."""

    def __init__(
        self, bus: Bus, section: ChargeAmpsSection, zone: ZoneInfo, places: tuple[Place, ...]
    ) -> None:
        self._bus, self._zone, self._places = bus, zone, places
        self._planner = Planner(section, zone)
        self._sent: tuple[Window, ...] | None = None

    async def hear(self, payload: bytes, now: datetime) -> None:
        """Plan on new prices and send what is left of the plan; raises `NoPrices`."""
        if self._planner.hear(payload, now):
            await self._send(now)

    async def at(self, now: datetime) -> None:
        """Plan again when a new local day has begun: prices may be known for longer than two days."""
        if self._planner.at(now):
            await self._send(now)

    async def again(self, place: Place, now: datetime) -> None:
        """Plan because the owner asks for it, and send this connector its plan also where it is the same."""
        self._planner.again(now)
        before = self._sent
        await self._send(now)
        if before is not None and self._sent is before and before == self._left(now):
            await self._say(place, before)

    async def _send(self, now: datetime) -> None:
        left = self._left(now)
        if left == self._sent or self._planner.plan.state == "waiting_for_prices":
            return
        self._sent = left
        for place in self._places:
            await self._say(place, left)

    def _left(self, now: datetime) -> tuple[Window, ...]:
        return tuple(window for window in self._planner.plan.windows if window.end > now)

    async def _say(self, place: Place, left: tuple[Window, ...]) -> None:
        if left:
            await self._bus.say_raw(place.topic("schedule/set"), schedule(left, self._zone), qos=1)
        else:
            await self._bus.say_raw(place.topic("schedule/clear"), b"", qos=1)


def schedule(windows: tuple[Window, ...], zone: ZoneInfo, source: str = "allocator") -> str:
    """The payload of a `set` with these windows."""
    periods = [
        {"start": instants.written(one.start, zone), "end": instants.written(one.end, zone)}
        for one in windows
    ]
    return json.dumps({"source": source, "periods": periods})
