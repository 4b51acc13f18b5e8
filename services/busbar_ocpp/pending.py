"""Charge points nobody configured, waiting for the owner's word: heard, answered Pending, never told anything."""

import asyncio
import logging
from contextlib import suppress

from busbar_ocpp import answers, frames, hear16, hear201
from busbar_ocpp.hear16 import Unreadable
from busbar_ocpp.link import Link, Lost
from busbar_ocpp.said import Booted
from busbar_shared.bus import Bus
from busbar_shared.clock import Clock

log = logging.getLogger(__name__)

ASK_AGAIN_S = 30
"""A pending charge point boots again after this (1.6 section 4.2)."""
MOST = 20
SILENT_AFTER = 100
"""Messages a stranger may send before it is let go."""


class Waiting:
    """The strangers at the door, by their identities."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus, self._clock = bus, clock
        self.links: dict[str, Link] = {}

    def room_for(self, identity: str) -> bool:
        """Whether one more may wait."""
        return identity in self.links or len(self.links) < MOST

    async def serve(self, link: Link) -> None:
        """Keep one company until it goes or is accepted."""
        identity = link.credentials.id
        before = self.links.get(identity)
        if before is not None:
            await before.close(1001, "replaced by a new connection")
        self.links[identity] = link
        heard = 0
        try:
            async for text in link.messages():
                heard += 1
                if heard > SILENT_AFTER:
                    await link.close(1008, "not accepted yet")
                    return
                with suppress(Lost):
                    await self._answer(text, link)
        finally:
            if self.links.get(identity) is link:
                del self.links[identity]

    async def let_go(self, identity: str) -> None:
        """Close the connection, so that it comes again and is let in."""
        link = self.links.get(identity)
        if link is not None:
            await link.close(1012, "accepted; please come again")

    async def _answer(self, text: str | bytes, link: Link) -> None:
        try:
            message = frames.read(text, link.version)
        except frames.BadFrame as bad:
            if bad.id is not None:
                await link.send(frames.error(bad.id, bad.code, str(bad)))
            return
        if not isinstance(message, frames.Call):
            return
        if message.action != "BootNotification":
            await link.send(frames.error(message.id, "SecurityError", "not accepted yet"))
            return
        hear = hear16 if answers.family(link.version) == "1.6" else hear201
        try:
            said = hear.read(message.action, message.payload)
        except Unreadable as error:
            await link.send(frames.error(message.id, error.code, str(error)))
            return
        now = self._clock.now()
        await link.send(frames.result(message.id, answers.boot(now, ASK_AGAIN_S, accepted=False)))
        if isinstance(said, Booted):
            await asyncio.shield(self._announce(link.credentials.id, said))

    async def _announce(self, identity: str, said: Booted) -> None:
        await self._bus.event(
            "pending_charge_point",
            f"charge point {identity!r} ({said.vendor} {said.model}) asks to come in;"
            f" `busbar ocpp accept CHARGER {identity}` lets it in as that charger",
            severity="info",
        )
