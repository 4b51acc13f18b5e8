"""Getting to know a charge point, once per connection and boot, gently and one call at a time.

First our limits, then its status, what it can do and the settings the site needs, what others left in it, last
the list of tags and its meter. What comes after our limits waits for quiet moments (`questions.py`).
"""

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from busbar_contracts.charger import ConnectorStatus
from busbar_ocpp import abilities, composite, discovering, errands, local_list
from busbar_ocpp.bearing import Past
from busbar_ocpp.calls import Silent
from busbar_ocpp.connector import Connector
from busbar_ocpp.profile import Purpose
from busbar_ocpp.questions import Questions
from busbar_ocpp.said import Booted

if TYPE_CHECKING:
    from busbar_ocpp.charge_point import ChargePoint

log = logging.getLogger(__name__)

# A charger that says nothing of a boot this long after connecting has only reconnected.
BOOT_WAIT_S = 2.0
# Chargers need a moment after their boot was accepted before they take calls.
SETTLE_S = 0.5
LOOK_S = 3.0
"""How long the first limit may wait for the answer to what survived a reboot."""


class Greeting:
    """What is asked of a charge point when it comes."""

    def __init__(self, charger: "ChargePoint") -> None:
        self._charger = charger
        self._booted = asyncio.Event()
        self._questions = Questions(charger)
        self._cleared_at = -1
        """After which boot profiles of others were last cleared."""

    def booted(self, said: Booted) -> None:
        """It said who it is."""
        self._charger.learning.recognise(said)
        self._booted.set()

    # -- the visit -----------------------------------------------------------------------------

    async def connected(self) -> None:
        """Greet once now, and again after each boot on this connection."""
        clock = self._charger.desk.clock
        self._booted.clear()
        waited = asyncio.create_task(self._booted.wait())
        slept = asyncio.ensure_future(clock.sleep(BOOT_WAIT_S))
        await asyncio.wait({waited, slept}, return_when=asyncio.FIRST_COMPLETED)
        waited.cancel()
        slept.cancel()
        while True:
            self._booted.clear()
            await clock.sleep(SETTLE_S)
            asking = asyncio.create_task(self._greet())
            await self._booted.wait()
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            self._charger.steering.paused = True

    async def _greet(self) -> None:
        charger = self._charger
        await self._look_what_survived()
        await self._bound_the_unbounded()
        charger.steering.paused = False
        charger.tick()
        try:
            first = next(iter(charger.connectors.values()), None)
            if first is not None:
                await errands.limit_unit(charger.steering, first)
            if charger.identity is None:
                await self._questions.trigger("BootNotification")
            await self._trigger_unknown("StatusNotification")
            await self._discover()
            await self._clear_foreign()
            await self._send_tags()
            await self._questions.trigger("MeterValues")
        except Silent as error:
            log.info("%s: greeting ended early: %s", charger.plan.id, error)
        except Exception:
            log.exception("%s: greeting failed", charger.plan.id)

    async def _look_what_survived(self) -> None:
        """Once per kind of charger: did the profiles survive its reboot? Nothing promises that they do."""
        charger = self._charger
        known = charger.desk.memory.of(charger.plan.charge_point)
        if known.keeps_profiles is not None or known.form is None or charger.boots == 0:
            return
        connector = next(iter(charger.connectors.values()), None)
        limit = await self._computed_a(connector) if connector is not None else None
        if limit is not None and connector is not None:
            known.keeps_profiles = limit <= connector.wiring.max_a

    async def _bound_the_unbounded(self) -> None:
        """A charger that comes without any limit gets its fallback at once, without waiting for the first order.

        With no profile it runs without limit (1.6 section 3.13.6). One that holds a smaller limit keeps it:
        nothing is raised before somebody orders it.
        """
        charger = self._charger
        now_s = charger.desk.clock.monotonic()
        for connector in charger.connectors.values():
            if connector.holds(charger.terms.bounds(connector), now_s) is not None:
                continue
            limit = await self._computed_a(connector)
            fallback_a = connector.wiring.fallback_a
            if connector.past is None and (limit is None or limit > fallback_a):
                connector.past = Past(limit_a=fallback_a, issuer="fallback", until_s=now_s)

    async def _computed_a(self, connector: Connector) -> float | None:
        """The limit the charger computes, where it says so before long."""
        async with self._charger.desk.first_looks:
            with suppress(TimeoutError, Silent):
                async with asyncio.timeout(LOOK_S):
                    answer = await self._charger.composite(connector)
                scale = self._charger.terms.scale(connector)
                limit_a, learned = composite.limit_a(answer, scale), self._charger.learning.of(connector)
                learned.min_a = composite.least_a(answer, scale) or learned.min_a
                if not connector.installed and not self._known_form():
                    learned.offers_a = limit_a
                return limit_a
        return None

    def _known_form(self) -> bool:
        """Whether a profile of ours may be in it."""
        return self._charger.desk.memory.of(self._charger.plan.charge_point).form is not None

    async def _clear_foreign(self) -> None:
        """Clear profiles of others that would rule over ours: those of higher levels, one level at a time.

        Never all at once, for that would clear ours too. Then ask the charger what it would limit to.
        """
        charger = self._charger
        steering = charger.steering
        if not steering.speech.accepted or charger.boots == self._cleared_at:
            return
        self._cleared_at = charger.boots
        highest = min(
            steering.speech.abilities.max_level or steering.speech.form.level + 4,
            steering.speech.form.level + 8,
        )
        for level in range(steering.speech.form.level + 1, highest + 1):
            for purpose in (Purpose.DEFAULT, Purpose.TX):
                await self._questions.quiet()
                async with charger.desk.questions:
                    cleared = await steering.clear(None, purpose.value, level)
                if cleared:
                    # A charger that does not read the level has cleared ours with it.
                    for connector in charger.connectors.values():
                        connector.forget_profiles()
                    charger.tick()
        for connector in charger.connectors.values():
            await self._compare(connector)

    async def _compare(self, connector: Connector) -> None:
        """Say when the charger computes more than it was told: something else rules in it."""
        charger = self._charger
        async with charger.desk.questions:
            computed = await charger.composite_a(connector)
        told = connector.told_a
        if computed is None or told is None or not connector.confirmed:
            return
        if computed > told * 1.05 + 0.5:
            text = (
                f"{connector.wiring.load} computes {computed:.1f} A from its profiles, it was told {told:g} A"
            )
            await charger.report("composite_disagrees", text)

    async def _trigger_unknown(self, message: str) -> None:
        if any(one.status is ConnectorStatus.UNKNOWN for one in self._charger.connectors.values()):
            await self._questions.trigger(message)

    async def _discover(self) -> None:
        charger = self._charger
        is_16 = self._questions.is_16
        if is_16:
            said = await discovering.configuration(self._questions.ask)
        else:
            said = await discovering.variables(charger, self._questions.ask, charger.connectors)
        await charger.learning.told(said)
        keep = bool(charger.quirk.refuses_measurands)
        sample_s = int(charger.desk.plan.section.sample_s)
        changes = abilities.changes_16 if is_16 else abilities.changes_201
        for change in changes(said, sample_s, keep_measurands=keep):
            await self._make(change.without_offers() if charger.quirk.offers_nothing else change)

    async def _make(self, change: abilities.Change) -> None:
        """Make a setting and read it back; poorer values are tried until one is taken and stays."""
        known = self._charger.desk.memory.of(self._charger.plan.charge_point)
        for value in change.values:
            if not await self._questions.set(change.key, value):
                continue
            there = await self._questions.read(change.key)
            known.configuration[change.key] = there or value
            if there is None or abilities.same(there, value):
                return
            log.info("%s: %s was accepted and is %s", self._charger.plan.id, change.key, there)

    async def _send_tags(self) -> None:
        """Give the charger the list of tags, where there is one and it is not there yet."""
        charger = self._charger
        tags, known = charger.authorising.listed, charger.desk.memory.of(charger.plan.charge_point)
        if charger.authorising.accepts_all or not tags or not local_list.wanted(known.configuration):
            return
        there = await self._questions.ask("GetLocalListVersion", {})
        if local_list.version(tags) in (there.get("listVersion"), there.get("versionNumber")):
            return
        send = local_list.send_16 if self._questions.is_16 else local_list.send_201
        answer = await self._questions.ask("SendLocalList", send(tags))
        if answer.get("status") != "Accepted":
            log.info("%s: the list of tags was not taken: %s", charger.plan.id, answer.get("status"))
