"""A charge point that was taken out of the configuration: our profiles are cleared when it next comes.

Only such as hold a profile of ours, which the learned form of its limits tells. It is told once, with an event,
and then it is a stranger like any other.
"""

import asyncio
import logging

from busbar_ocpp import answers, frames, hear16, hear201
from busbar_ocpp.calls import Calls, Refused, Silent, Superseded
from busbar_ocpp.hear16 import Unreadable
from busbar_ocpp.link import Link, Lost
from busbar_ocpp.memory import Known, Memory
from busbar_ocpp.profile import Purpose
from busbar_ocpp.wires import wires_of
from busbar_shared.bus import Bus
from busbar_shared.clock import Clock

log = logging.getLogger(__name__)

SETTLE_S = 3.0
"""A boot is answered first; chargers take calls a moment later."""
PURPOSES = (Purpose.TX, Purpose.DEFAULT, Purpose.MAX)


class Farewell:
    """Releases charge points that are ours no more."""

    def __init__(self, memory: Memory, bus: Bus, clock: Clock) -> None:
        self._memory, self._bus, self._clock = memory, bus, clock

    def due(self, identity: str) -> bool:
        """Whether a charge point that is not configured may still hold profiles of ours."""
        known = self._memory.learned.known.get(identity)
        return known is not None and known.form is not None

    async def serve(self, link: Link) -> None:
        """Clear our profiles, say so, and let it go."""
        calls = Calls(link.send, link.version, self._clock)
        tasks = [asyncio.create_task(calls.run()), asyncio.create_task(self._release(link, calls))]
        try:
            async for text in link.messages():
                await _hear(text, link, calls, self._clock)
        except Lost:
            log.info("%s is gone before it was released", link.credentials.id)
        finally:
            calls.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _release(self, link: Link, calls: Calls) -> None:
        identity = link.credentials.id
        known = self._memory.learned.known[identity]
        await self._clock.sleep(SETTLE_S)
        try:
            cleared = await _clear(calls, link.version, known)
        except Silent as silent:
            log.info("%s could not be released: %s", identity, silent)
        else:
            known.form = None
            await asyncio.to_thread(self._memory.save_learned)
            await self._bus.event(
                "charge_point_released",
                f"charge point {identity!r} is not configured any more; {cleared} kinds of our profiles were cleared,"
                " and it charges as it was set up, without a limit of ours",
            )
        await link.close(1008, "not configured")


async def _clear(calls: Calls, version: str, known: Known) -> int:
    """Clear by purpose and level, never all at once; how many kinds there were. Raises `Silent`."""
    assert known.form is not None
    level, cleared = known.form.level, 0
    for purpose in PURPOSES:
        for one in sorted({max(level - 1, 0), level}):
            payload = wires_of(version).clear_charging_profile(purpose=purpose.value, level=one)
            try:
                answer = await calls.ask("ClearChargingProfile", payload)
            except (Refused, Superseded):
                continue
            cleared += answer.get("status") == "Accepted"
    return cleared


async def _hear(text: str | bytes, link: Link, calls: Calls, clock: Clock) -> None:
    """Answer what it says as a stranger's, without booking any of it."""
    try:
        message = frames.read(text, link.version)
    except frames.BadFrame as bad:
        if bad.id is not None:
            await link.send(frames.error(bad.id, bad.code, str(bad)))
        return
    if not isinstance(message, frames.Call):
        calls.hear(message)
        return
    if message.action != "BootNotification":
        await link.send(frames.error(message.id, "SecurityError", "not configured any more"))
        return
    hear = hear16 if answers.family(link.version) == "1.6" else hear201
    try:
        hear.read(message.action, message.payload)
    except Unreadable as error:
        await link.send(frames.error(message.id, error.code, str(error)))
        return
    await link.send(frames.result(message.id, answers.boot(clock.now(), 60, accepted=True)))
