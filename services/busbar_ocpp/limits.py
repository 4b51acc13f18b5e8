"""Keeps what a charger holds equal to what shall hold: sends, renews, retries, and tries other forms.

One `Steering` per charge point. It is asked to look (`steer`) after every event and each second; what is due
goes into the call queue under the key of its drawer, so that a newer value replaces one that still waits.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from busbar_ocpp.calls import Calls, Refused, Silent, Superseded
from busbar_ocpp.connector import Connector
from busbar_ocpp.profile import Profile, Purpose, Unit, lease_profiles
from busbar_ocpp.speech import Speech
from busbar_ocpp.standing import Installed, Slot, Urgency, due, lasts, slot_of
from busbar_ocpp.terms import Terms
from busbar_ocpp.told import Told, noted
from busbar_ocpp.wires import wires_of
from busbar_shared.clock import Clock

log = logging.getLogger(__name__)

RETRY_S = 2.0
# Who never answers is asked seldom: each question keeps the line busy until its time is over.
RETRY_DEAF_S = 60.0
# A charge point refuses a TxProfile of a transaction whose number has not reached it yet.
RETRY_TX_S = 1.0
EARLY_TRIES = 3


class Steering:
    """Sends one charge point its limits, in the `terms` that hold and the form in which its `speech` has them."""

    def __init__(
        self,
        *,
        clock: Clock,
        terms: Terms,
        speech: Speech,
        unit_max_a: float | None,
        report: Callable[[str, str], Awaitable[None]],
        changed: Callable[[Connector], None],
    ) -> None:
        self.clock, self.terms, self.speech, self.unit_max_a = clock, terms, speech, unit_max_a
        self.report, self._changed = report, changed
        self.renews_seldom = False
        self.calls: Calls | None = None
        self.version = "1.6"
        self.paused = True
        """Nothing is sent before the charger has been greeted."""
        self.silent: set[int] = set()
        """Connectors whose lease is being proven."""
        self._pending: dict[Slot, Profile] = {}
        self._retry_at_s: dict[Slot, float] = {}
        self._cleared: set[Slot] = set()
        self._early_transaction: str | None = None
        self._early_left = 0
        """The transaction that may have been too young for a profile, and how often one may still be tried again."""
        self.unit_told = False
        self._tasks: set[asyncio.Task[None]] = set()

    # -- a connection --------------------------------------------------------------------------

    def link_up(self, calls: Calls, version: str) -> None:
        """A connection is there; what was in flight on the last one is unknown."""
        self.calls, self.version = calls, version
        self._pending.clear()
        self._retry_at_s.clear()
        self._cleared.clear()
        self.terms.unanswered.clear()
        self.paused = True

    def link_down(self) -> None:
        """The connection is gone; the charger lives on what it has."""
        self.calls = None
        for task in self._tasks:
            task.cancel()
        self._pending.clear()

    def forget(self) -> None:
        """The charger has rebooted: nothing promises that a profile survived (1.6 section 3.13.6)."""
        self.unit_told = False
        self._pending.clear()
        self._retry_at_s.clear()
        self.speech.try_again()

    # -- acting --------------------------------------------------------------------------------

    def steer(self, connector: Connector) -> None:
        """Send what is due at a connector. Never waits."""
        now_s = self.clock.monotonic()
        if self.calls is None or self.paused or not connector.wiring.controllable:
            return
        if connector.number in self.silent:
            return
        if not self.speech.worth_trying(now_s):
            return
        terms = self.terms
        holds = connector.holds(terms.bounds(connector), now_s)
        if holds is None:
            return
        standing = terms.standing(connector, terms.grantable_a(connector, holds.limit_a), holds.phases)
        wanted = lease_profiles(
            standing, self.speech.form, terms.scale(connector), connector.number, terms.moment(connector)
        )
        assumed = {
            **connector.installed,
            **{
                slot: Installed(profile=profile, sent_s=now_s, lasts_s=lasts(profile))
                for slot, profile in self._pending.items()
            },
        }
        for urgency, profile in due(wanted, assumed, now_s, seldom=self.renews_seldom):
            slot = slot_of(profile)
            if self._retry_at_s.get(slot, 0.0) <= now_s:
                self._pending[slot] = profile
                self._start(self._send(connector, profile, urgency, standing.now_a))
        self._clear_stale(connector, {slot_of(profile) for profile in wanted})

    async def _send(self, connector: Connector, profile: Profile, urgency: Urgency, limit_a: float) -> None:
        slot, calls = slot_of(profile), self.calls
        if calls is None:
            return
        sent_s, said_at = self.clock.monotonic(), self.clock.now()
        self._note(connector, profile, max(limit_a, connector.told_a or 0.0))
        payload = wires_of(self.version).set_charging_profile(profile)
        try:
            answer = await calls.ask("SetChargingProfile", payload, urgency, key=("profile", slot))
        except Superseded:
            return
        except Silent as silent:
            self._end(slot, profile, retry=True)
            # It may or may not hold now: what it held before counts for nothing any more.
            connector.installed.pop(slot, None)
            connector.confirmed = False
            log.info("%s: %s", connector.wiring.load, silent)
            if self.calls is calls:
                before = self.speech.controllable
                self.speech.unanswered()
                if before and not self.speech.controllable:
                    text = f"{connector.wiring.load} answers no SetChargingProfile; it is not controlled"
                    await self.report("charger_without_control", text)
            self._changed(connector)
        except Refused as refused:
            self.speech.answered()
            self._end(slot, profile)
            await self._refused(connector, profile, str(refused))
        else:
            self.speech.answered()
            self._end(slot, profile)
            if answer.get("status") == "Accepted":
                self._took(connector, profile, sent_s, said_at, limit_a)
            else:
                await self._refused(connector, profile, str(answer.get("status", "no status")))

    def _took(
        self, connector: Connector, profile: Profile, sent_s: float, said_at: datetime, limit_a: float
    ) -> None:
        slot = slot_of(profile)
        if profile.purpose is Purpose.TX and profile.transaction != connector.transaction_id:
            return  # the transaction ended meanwhile, and the profile with it
        connector.installed[slot] = Installed(profile=profile, sent_s=sent_s, lasts_s=lasts(profile))
        self._cleared.discard(slot)
        first = not self.speech.met
        self.speech.took(profile)
        running = connector.transaction is not None and self.speech.form.during is Purpose.TX
        if profile.purpose is (Purpose.TX if running else Purpose.DEFAULT):
            if connector.told_a != limit_a or not connector.confirmed:
                connector.told_at = said_at
            connector.told_a, connector.confirmed = limit_a, True
            self._note(connector, profile, limit_a)
        self._changed(connector)
        if first:
            self.steer(connector)

    def _note(self, connector: Connector, profile: Profile, limit_a: float) -> None:
        """Keep what a draw will be judged by: a raise counts from here, although its answer may be lost."""
        legs = self.terms.scale(connector).legs if profile.unit is Unit.WATTS else None
        connector.told_log = noted(connector.told_log, Told(self.clock.monotonic(), limit_a, legs))

    def _end(self, slot: Slot, profile: Profile, *, retry: bool = False) -> None:
        if self._pending.get(slot) is profile:
            del self._pending[slot]
        if retry:
            self._retry_at_s[slot] = self.clock.monotonic() + (RETRY_DEAF_S if self.speech.deaf else RETRY_S)

    async def _refused(self, connector: Connector, profile: Profile, why: str) -> None:
        """Make room for the profile once, then go on to the next form."""
        slot = slot_of(profile)
        connector.confirmed = False
        if profile.purpose is Purpose.TX and profile.transaction != connector.transaction_id:
            return
        if profile.purpose is Purpose.TX and self._too_early(profile):
            self._retry_at_s[slot] = self.clock.monotonic() + RETRY_TX_S
            return
        connector.last_refusal = f"SetChargingProfile {profile.purpose.value} in {profile.unit.value}: {why}"
        self._changed(connector)
        if self.version != "1.6" and slot not in self._cleared and slot not in connector.installed:
            # 2.0.1 refuses a second id in a drawer (K01.FR.06, K01.FR.39), and a foreign one may lie there.
            self._cleared.add(slot)
            await self.clear(profile.connector, profile.purpose.value, profile.level)
            self.steer(connector)
            return
        before = self.speech.controllable
        self.speech.refused(profile, self.clock.monotonic())
        self._changed(connector)
        refusal = f"{connector.wiring.load}: {connector.last_refusal}"
        if self.speech.controllable:
            await self.report("profile_refused", f"{refusal}; trying another form")
        elif before:
            await self.report("charger_without_control", f"{refusal}; no form is left, it is not controlled")
        self.steer(connector)

    def _too_early(self, profile: Profile) -> bool:
        """Whether the charger may not know its own transaction yet: our answer to its start may still be on the way."""
        if self._early_transaction != profile.transaction:
            self._early_transaction, self._early_left = profile.transaction, EARLY_TRIES
        left = self._early_left
        self._early_left = max(left - 1, 0)
        return bool(left)

    async def clear(self, connector: int | None, purpose: str, level: int | None) -> bool:
        """Clear profiles by purpose and level, never all at once; whether there were any."""
        if self.calls is None:
            return False
        payload = wires_of(self.version).clear_charging_profile(
            connector=connector, purpose=purpose, level=level
        )
        try:
            answer = await self.calls.ask("ClearChargingProfile", payload, Urgency.CUT)
        except (Refused, Silent, Superseded) as error:
            log.info("clearing %s at level %s: %s", purpose, level, error)
            return False
        return answer.get("status") == "Accepted"

    def _clear_stale(self, connector: Connector, wanted: set[Slot]) -> None:
        """Profiles of a form that was left would go on counting."""
        if self._pending:
            return
        for slot in [one for one in connector.installed if one not in wanted]:
            del connector.installed[slot]
            self._start(self._clear_slot(slot))

    async def _clear_slot(self, slot: Slot) -> None:
        await self.clear(slot[0], slot[1].value, slot[2])

    async def idle(self) -> None:
        """Wait until nothing is on its way to the charger."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
