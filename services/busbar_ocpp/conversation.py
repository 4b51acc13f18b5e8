"""One connection of a charge point: its calls are heard as they come, and answered one after the other.

What a transaction is answered with is on the disk before; what follows from a call comes after its answer.
"""

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from busbar_ocpp import frames
from busbar_ocpp.answering import answer
from busbar_ocpp.calls import Calls
from busbar_ocpp.hear16 import Unreadable
from busbar_ocpp.link import Link, Lost
from busbar_ocpp.said import Said, TransactionSaid
from busbar_ocpp.taking import take

if TYPE_CHECKING:
    from busbar_ocpp.charge_point import ChargePoint

log = logging.getLogger(__name__)

INBOX = 64


class Conversation:
    """What is said over one connection, both ways."""

    def __init__(self, charger: "ChargePoint", link: Link, calls: Calls) -> None:
        self._charger, self._link, self._calls = charger, link, calls
        self._inbox: asyncio.Queue[frames.Call] = asyncio.Queue(INBOX)

    async def run(self) -> None:
        """Hear, answer and ask until the connection ends."""
        tasks = [
            asyncio.create_task(self._calls.run()),
            asyncio.create_task(self._work()),
            asyncio.create_task(self._charger.greeting.connected()),
        ]
        try:
            async for text in self._link.messages():
                await self._receive(text)
        finally:
            self._calls.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _receive(self, text: str | bytes) -> None:
        version = self._link.version
        try:
            message = frames.read(text, version)
        except frames.BadFrame as bad:
            await self._charger.chatter.nonsense(str(bad))
            # 2.0.1 part 4 section 4.2.3: what has no id is answered to "-1"; 1.6 has no such answer.
            if bad.id is not None or version != "1.6":
                with suppress(Lost):
                    await self._link.send(frames.error(bad.id or "-1", _framework(bad, version), str(bad)))
            return
        if isinstance(message, frames.Call):
            await self._inbox.put(message)
        elif not self._calls.hear(message):
            log.debug("%s: an answer nobody waits for", self._charger.plan.id)

    async def _work(self) -> None:
        """Answer calls one after the other, so that they take effect in their order."""
        charger = self._charger
        while True:
            call = await self._inbox.get()
            said, text = await self._served(call)
            with suppress(Lost):
                await self._link.send(text)
            charger.terms.unanswered.clear()
            if said is not None:
                try:
                    await take(charger, said)
                except Exception:
                    log.exception("%s: what followed from %s failed", charger.plan.id, call.action)

    async def _served(self, call: frames.Call) -> tuple[Said | None, str]:
        """What was said, kept, and the frame that answers it; a fault of ours is answered as one."""
        try:
            said, payload = await answer(self._charger, call, self._link.version)
            text = frames.result(call.id, payload)
        except Unreadable as error:
            await self._charger.chatter.nonsense(f"{call.action[:60]}: {error}")
            return None, frames.error(call.id, error.code, str(error))
        except Exception:
            log.exception("%s: %s could not be served", self._charger.plan.id, call.action)
            trouble = "this server failed; the message may be sent again"
            return None, frames.error(call.id, "InternalError", trouble)
        await self._keep(call, said, payload)
        return said, text

    async def _keep(self, call: frames.Call, said: Said | None, answered: dict[str, Any]) -> None:
        """Before a transaction is answered it is on the disk, for us and for the back office."""
        charger = self._charger
        if charger.proxy is not None:
            try:
                await charger.proxy.pass_on(call.action, call.payload, answered)
            except Exception:
                log.exception("%s: %s could not be passed on", charger.plan.id, call.action)
        if isinstance(said, TransactionSaid):
            await charger.desk.ledger.durable()


def _framework(bad: frames.BadFrame, version: str) -> str:
    return "RpcFrameworkError" if version != "1.6" and bad.id is None else bad.code
