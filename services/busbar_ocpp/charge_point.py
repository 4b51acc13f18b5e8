"""One charge point over all its connections: hears it, answers it, and keeps its limits.

A connection lives in `serve`; everything that is known outlives it.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from busbar_contracts.charger import ChargerCommand, ChargerState, LeaseQuality
from busbar_ocpp import answers, composite, frames, hear16, hear201, owner
from busbar_ocpp.authorising import Authorising
from busbar_ocpp.booking import Booking
from busbar_ocpp.calls import Calls, Refused, Silent, Superseded
from busbar_ocpp.config import ChargerPlan
from busbar_ocpp.connector import Connector
from busbar_ocpp.desk import Desk
from busbar_ocpp.drift import Drift, heard
from busbar_ocpp.enforcing import DEAD_S, enforce
from busbar_ocpp.entry import Entry
from busbar_ocpp.following import follow
from busbar_ocpp.greeting import Greeting
from busbar_ocpp.hear16 import Unreadable
from busbar_ocpp.limits import Steering
from busbar_ocpp.link import Link, Lost
from busbar_ocpp.proxy import Proxy
from busbar_ocpp.publish import state_of
from busbar_ocpp.quirks import merged
from busbar_ocpp.said import Booted, Reported, Said, TransactionSaid
from busbar_ocpp.taking import take

log = logging.getLogger(__name__)

HEARTBEAT_S = 60
INBOX = 64
NONSENSE_EVERY_S = 60.0
NOTES_AT_ONCE, NOTES_PER_S = 20.0, 0.2


class ChargePoint:
    """One charger of the site."""

    def __init__(self, plan: ChargerPlan, desk: Desk) -> None:
        now_s = desk.clock.monotonic()
        self.plan, self.desk = plan, desk
        self.connectors = {
            number: Connector(number=number, wiring=wiring, born_s=now_s)
            for number, wiring in plan.connectors.items()
        }
        self.identity: Booted | None = None
        self.version: str | None = None
        self.link: Link | None = None
        self.calls: Calls | None = None
        self.quirks: tuple[str, ...] = ()
        self.quirk = merged(())
        self.steering = Steering(
            clock=desk.clock,
            validity_s=desk.plan.section.profile_validity_s,
            hold_pause_s=desk.plan.section.hold_pause_s,
            lease_s=desk.plan.lease_s,
            nominal_v=desk.plan.nominal_v,
            unit_max_a=plan.unit_max_a,
            first_look_s=DEAD_S + 2 * desk.plan.section.sample_s,
            report=self.report,
            changed=self.changed,
        )
        self.booking = Booking(desk.ledger, plan.id, self.connectors, desk.plan.nominal_v)
        self.booking.restore()
        url = plan.config.upstream_url
        self.proxy = Proxy(self, url, desk.outbox) if url and desk.outbox is not None else None
        self.authorising = Authorising(plan, desk, self.connectors)
        if self.proxy is not None:
            self.steering.cap_a = self.proxy.cap_a
            self.authorising.back_office = self.proxy.authorize
        self.greeting = Greeting(self)
        known = desk.memory.of(plan.charge_point)
        self.steering.drift = Drift(ahead_s=known.ahead_s)
        self.steering.speech.disobeyed = known.disobeyed
        if known.model:
            self.identity = Booted(vendor=known.vendor, model=known.model, firmware=known.firmware or None)
            self.greeting.recognise(self.identity)
        self.on_report: list[Callable[[Reported], None]] = []
        self.released = False
        """The owner took it out of our hands: nothing is sent."""
        self.boots = 0
        self._notes_left, self._notes_at_s = NOTES_AT_ONCE, now_s
        self._nonsense_count = 0
        self._nonsense_s = -1e9
        self._tasks: set[asyncio.Task[None]] = set()
        for number in self.connectors:
            desk.dirty.add((plan.id, number))

    # -- a connection --------------------------------------------------------------------------

    async def serve(self, link: Link) -> None:
        """Hear and answer one connection until it ends."""
        calls = Calls(link.send, link.version, self.desk.clock)
        self.link, self.calls, self.version = link, calls, link.version
        self.steering.link_up(calls, link.version)
        self.all_changed()
        inbox: asyncio.Queue[frames.Call] = asyncio.Queue(INBOX)
        tasks = [
            asyncio.create_task(calls.run()),
            asyncio.create_task(self._work(inbox, link)),
            asyncio.create_task(self.greeting.connected()),
        ]
        try:
            async for text in link.messages():
                await self._receive(text, link, calls, inbox)
        finally:
            calls.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self.link is link:
                self.link, self.calls = None, None
                self.steering.link_down()
                self.all_changed()

    async def _receive(
        self, text: str | bytes, link: Link, calls: Calls, inbox: "asyncio.Queue[frames.Call]"
    ) -> None:
        try:
            message = frames.read(text, link.version)
        except frames.BadFrame as bad:
            await self._nonsense(str(bad))
            # 2.0.1 part 4 section 4.2.3: what has no id is answered to "-1"; 1.6 has no such answer.
            if bad.id is not None or link.version != "1.6":
                with suppress(Lost):
                    await link.send(frames.error(bad.id or "-1", _framework(bad, link.version), str(bad)))
            return
        if isinstance(message, frames.Call):
            await inbox.put(message)
        elif not calls.hear(message):
            log.debug("%s: an answer nobody waits for", self.plan.id)

    async def note(self, code: str, text: str, severity: str) -> None:
        """Pass on what it tells the owner; one that never stops talking must not drown what others have to say."""
        now_s = self.desk.clock.monotonic()
        self._notes_left = min(NOTES_AT_ONCE, self._notes_left + (now_s - self._notes_at_s) * NOTES_PER_S)
        self._notes_at_s = now_s
        if self._notes_left >= 1:
            self._notes_left -= 1
            await self.report(code, text, severity=severity)

    async def _nonsense(self, what: str) -> None:
        """Say that a charger sends what is no OCPP, at most once a minute."""
        self._nonsense_count += 1
        now_s = self.desk.clock.monotonic()
        if now_s - self._nonsense_s >= NONSENSE_EVERY_S:
            self._nonsense_s = now_s
            await self.report("nonsense", f"message {self._nonsense_count} that is no OCPP: {what[:200]}")

    async def _work(self, inbox: "asyncio.Queue[frames.Call]", link: Link) -> None:
        """Answer calls one after the other, so that they take effect in their order."""
        while True:
            call = await inbox.get()
            said: Said | None = None
            try:
                said, payload = await self._answer(call, link.version)
                text = frames.result(call.id, payload)
            except Unreadable as error:
                text = frames.error(call.id, error.code, str(error))
                await self._nonsense(f"{call.action[:60]}: {error}")
            except Exception:
                text = frames.error(
                    call.id, "InternalError", "this server failed; the message may be sent again"
                )
                log.exception("%s: %s could not be served", self.plan.id, call.action)
            else:
                await self._keep(call, said, payload)
            with suppress(Lost):
                await link.send(text)
            self.steering.unanswered.clear()
            if said is not None:
                try:
                    await take(self, said)
                except Exception:
                    log.exception("%s: what followed from %s failed", self.plan.id, call.action)

    async def _keep(self, call: frames.Call, said: Said | None, answer: dict[str, Any]) -> None:
        """Before a transaction is answered it is on the disk, for us and for the back office."""
        if self.proxy is not None:
            try:
                await self.proxy.pass_on(call.action, call.payload, answer)
            except Exception:
                log.exception("%s: %s could not be passed on", self.plan.id, call.action)
        if isinstance(said, TransactionSaid):
            await self.desk.ledger.durable()

    # -- hearing -------------------------------------------------------------------------------

    async def _answer(self, call: frames.Call, version: str) -> tuple[Said | None, dict[str, Any]]:
        """What was said, booked, and its answer."""
        now = self.desk.clock.now()
        hear = hear16 if answers.family(version) == "1.6" else hear201
        said = hear.read(call.action, call.payload)
        only_one = len(self.connectors) == 1 and answers.family(version) != "1.6"
        if isinstance(said, TransactionSaid) and said.connector is None and only_one:
            said = replace(said, connector=next(iter(self.connectors)))
        if isinstance(said, Booted):
            return said, answers.boot(now, HEARTBEAT_S, accepted=True)
        if isinstance(said, TransactionSaid):
            accepted = await self._admits(said, version)
            return said, self._book(said, now, version, accepted=accepted)
        if call.action == "Authorize":
            accepted = await self.authorising.admits(_tag(call.payload, version), version, None)
            return None, answers.authorized(accepted, version)
        plain = answers.plain(call.action, version, now, passed_on=self.proxy is not None)
        if plain is None:
            raise Unreadable(answers.unknown(call.action, version), f"{call.action[:60]} is not served here")
        return said, plain

    async def _admits(self, said: TransactionSaid, version: str) -> bool:
        """Whether the tag of a transaction may charge. Nobody is asked about a tag that ends one."""
        if said.tag is None:
            return True
        if said.kind == "ended":
            return self.authorising.knows(said.tag)
        return await self.authorising.admits(said.tag, version, said.connector)

    def _book(self, said: TransactionSaid, now: datetime, version: str, *, accepted: bool) -> dict[str, Any]:
        if said.kind == "started":
            if said.connector is None:  # 2.0.1 may name the EVSE later; the event that does begins it here
                self.booking.await_place(said if accepted else replace(said, tag=None))
                return answers.authorized(accepted, version) if said.tag is not None else {}
            entry = self._begin(said.connector, said, now)
            answer = answers.authorized(accepted, version)
            return (
                {"transactionId": entry.number, **answer}
                if answers.family(version) == "1.6"
                else (answer if said.tag is not None else {})
            )
        if said.kind == "updated":
            told = said if accepted else replace(said, tag=None)
            self.booking.go_on(told, now, self._drift_at(said, now))
        else:
            self.booking.finish(said, now, self._drift_at(said, now))
        if said.tag is not None and answers.family(version) != "1.6":
            return answers.authorized(accepted, version)
        return {}

    def _begin(self, number: int, said: TransactionSaid, now: datetime) -> Entry:
        connector = self.connectors.get(number)
        before = connector.transaction_id if connector is not None else None
        entry = self.booking.begin(said, now, self._drift_at(said, now))
        if connector is not None and connector.transaction_id != before:
            self.steering.unanswered.add(number)
        return entry

    def _drift_at(self, said: TransactionSaid, now: datetime) -> Drift:
        """How far its clock is off by all that is known, this message included; a queued one tells nothing."""
        known = heard(self.steering.drift, said.at, now, self.desk.clock.monotonic())
        return self.steering.drift if known.ahead_s is None else known

    # -- telling -------------------------------------------------------------------------------

    def tick(self) -> None:
        """Once a second: renew, retry, fall back, look whether it obeys."""
        if self.desk.passive():
            return
        for connector in self.connectors.values():
            self._steer(connector)
            enforce(self, connector)
            follow(self, connector)

    def _steer(self, connector: Connector) -> None:
        if not self.released and not self.desk.passive():
            self.steering.steer(connector)

    def steer_all(self) -> None:
        """Look after the limits of every connector now."""
        for connector in self.connectors.values():
            self._steer(connector)

    def order_taken(self, connector: Connector) -> None:
        """A new limit holds."""
        self._steer(connector)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside hearing."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def carry_out(self, connector: Connector, command: ChargerCommand) -> None:
        """Do what the owner asks, and put the answer into the state."""
        self.answered(connector, command, await owner.carry_out(self, connector, command))

    def answered(self, connector: Connector, command: ChargerCommand, answer: str) -> None:
        """Put the answer to what the owner asked into the state."""
        mark = f"[{command.id}] " if command.id else ""
        connector.last_answer = f"{mark}{command.action.value}: {answer}"[:2000]
        self.changed(connector)

    def reset_payload(self, *, hard: bool) -> dict[str, Any]:
        """Reset in the words of its version; either ends the transaction (2.0.1 B12), so that it really restarts."""
        if answers.family(self.version or "1.6") == "1.6":
            return {"type": "Hard" if hard else "Soft"}
        return {"type": "Immediate"}

    async def composite(self, connector: Connector) -> dict[str, Any]:
        """What the charger says it computes from its profiles; empty when it does not say."""
        calls = self.calls
        if calls is None:
            return {}
        place = "connectorId" if answers.family(self.version or "1.6") == "1.6" else "evseId"
        try:
            return await calls.ask("GetCompositeSchedule", {place: connector.number, "duration": 60})
        except (Silent, Refused, Superseded):
            return {}

    async def composite_a(self, connector: Connector) -> float | None:
        """The limit in ampere per leg that the charger says it computes now; None when it does not say."""
        return composite.limit_a(await self.composite(connector), self.steering.scale(connector))

    def changed(self, connector: Connector) -> None:
        """Its state is to be said; a form that works is remembered."""
        known = self.desk.memory.of(self.plan.charge_point)
        if self.steering.speech.quality is LeaseQuality.ACCEPTED and known.form != self.steering.speech.form:
            known.form = self.steering.speech.form
        if self.steering.speech.accepted:
            known.whole = self.steering.speech.whole
        known.hopeless = self.steering.speech.hopeless
        self.desk.dirty.add((self.plan.id, connector.number))

    def trust(self, believed: bool) -> None:
        """Whether what it accepts is believed; kept over restarts until it is proven or seen otherwise."""
        self.steering.speech.disobeyed = not believed
        self.desk.memory.of(self.plan.charge_point).disobeyed = not believed
        self.all_changed()

    def moved(self, connector: Connector) -> None:
        self.changed(connector)
        self._steer(connector)
        follow(self, connector)

    def all_changed(self) -> None:
        for connector in self.connectors.values():
            self.changed(connector)

    async def report(self, code: str, text: str, severity: str = "warning") -> None:
        """An event that names the charger."""
        await self.desk.bus.event(code, f"{self.plan.id}: {text}", severity=severity)

    def state(self, connector: Connector) -> ChargerState:
        """The connector's state for the bus."""
        clock, steering = self.desk.clock, self.steering
        now_s = clock.monotonic()
        return state_of(
            connector,
            now=clock.now(),
            now_s=now_s,
            link=self.link is not None,
            controllable=self.plan.config.controllable and steering.speech.controllable,
            lease=steering.speech.quality,
            unit=steering.speech.form.unit,
            step_a=max(steering.smallest_step_a, connector.wiring.step_a),
            holds_pause=self.plan.config.holds_pause,
            switches_phases=self.greeting.switches_phases,
            bearing=connector.holds(steering.bounds(connector), now_s),
            version=self.version,
            identity=self.identity,
            quirks=self.quirks,
            answer_s=self.calls.answer_s if self.calls else None,
            worst_wait_s=self.calls.worst_wait_s if self.calls else None,
        )


def _tag(payload: dict[str, Any], version: str) -> str:
    if answers.family(version) == "1.6":
        return hear16.as_kind(payload, hear16.Authorize).id_tag
    return hear16.as_kind(payload, hear201.Authorize).id_token.id_token


def _framework(bad: frames.BadFrame, version: str) -> str:
    return "RpcFrameworkError" if version != "1.6" and bad.id is None else bad.code
