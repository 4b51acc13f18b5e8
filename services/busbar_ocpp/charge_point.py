"""One charge point over all its connections: what is known of it, and what is done with it.

A connection lives in `serve`, and what is said over it in `conversation.py`; everything that is known outlives it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from busbar_contracts.charger import ChargerCommand, ChargerState, LeaseQuality
from busbar_ocpp import answers, composite, owner
from busbar_ocpp.authorising import Authorising
from busbar_ocpp.booking import Booking
from busbar_ocpp.calls import Calls, Refused, Silent, Superseded
from busbar_ocpp.chatter import Chatter
from busbar_ocpp.config import ChargerPlan
from busbar_ocpp.connector import Connector
from busbar_ocpp.conversation import Conversation
from busbar_ocpp.desk import Desk
from busbar_ocpp.drift import Drift
from busbar_ocpp.enforcing import DEAD_S, enforce
from busbar_ocpp.following import follow
from busbar_ocpp.greeting import Greeting
from busbar_ocpp.learning import Learning
from busbar_ocpp.limits import Steering
from busbar_ocpp.link import Link
from busbar_ocpp.proxy import Proxy
from busbar_ocpp.publish import state_of
from busbar_ocpp.quirks import merged
from busbar_ocpp.said import Booted, Reported
from busbar_ocpp.speech import Speech
from busbar_ocpp.terms import Terms


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
        speech = Speech()
        self.terms = Terms(
            clock=desk.clock,
            speech=speech,
            validity_s=desk.plan.section.profile_validity_s,
            hold_pause_s=desk.plan.section.hold_pause_s,
            lease_s=desk.plan.lease_s,
            nominal_v=desk.plan.nominal_v,
            first_look_s=DEAD_S + 2 * desk.plan.section.sample_s,
        )
        self.steering = Steering(
            clock=desk.clock,
            terms=self.terms,
            speech=speech,
            unit_max_a=plan.unit_max_a,
            report=self.report,
            changed=self.changed,
        )
        self.booking = Booking(desk.ledger, plan.id, self.connectors, desk.plan.nominal_v)
        self.booking.restore()
        url = plan.config.upstream_url
        self.proxy = Proxy(self, url, desk.outbox) if url and desk.outbox is not None else None
        self.authorising = Authorising(plan, desk, self.connectors)
        self.chatter = Chatter(desk.clock, self.report)
        if self.proxy is not None:
            self.terms.cap_a = self.proxy.cap_a
            self.authorising.back_office = self.proxy.authorize
        self.learning = Learning(self)
        self.greeting = Greeting(self)
        known = desk.memory.of(plan.charge_point)
        self.terms.drift = Drift(ahead_s=known.ahead_s)
        self.steering.speech.disobeyed = known.disobeyed
        if known.model:
            self.identity = Booted(vendor=known.vendor, model=known.model, firmware=known.firmware or None)
            self.learning.recognise(self.identity)
        self.on_report: list[Callable[[Reported], None]] = []
        self.released = False
        """The owner took it out of our hands: nothing is sent."""
        self.boots = 0
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
        try:
            await Conversation(self, link, calls).run()
        finally:
            if self.link is link:
                self.link, self.calls = None, None
                self.steering.link_down()
                self.all_changed()

    # -- telling -------------------------------------------------------------------------------

    def tick(self) -> None:
        """Once a second: renew, retry, fall back, look whether it obeys."""
        if self.desk.passive():
            return
        for connector in self.connectors.values():
            self.steer(connector)
            enforce(self, connector)
            follow(self, connector)

    def steer(self, connector: Connector) -> None:
        """Look after the limit of a connector now, unless the charger is out of our hands."""
        if not self.released and not self.desk.passive():
            self.steering.steer(connector)

    def steer_all(self) -> None:
        """Look after the limits of every connector now."""
        for connector in self.connectors.values():
            self.steer(connector)

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
        return composite.limit_a(await self.composite(connector), self.terms.scale(connector))

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
        """Its car or its draw has changed: say so, and see what is due."""
        self.changed(connector)
        self.steer(connector)
        follow(self, connector)

    def all_changed(self) -> None:
        """The states of all its connectors are to be said."""
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
            step_a=max(self.terms.smallest_step_a, connector.wiring.step_a),
            holds_pause=self.plan.config.holds_pause,
            switches_phases=self.terms.switches_phases,
            bearing=connector.holds(self.terms.bounds(connector), now_s),
            version=self.version,
            identity=self.identity,
            quirks=self.quirks,
            answer_s=self.calls.answer_s if self.calls else None,
            worst_wait_s=self.calls.worst_wait_s if self.calls else None,
        )
