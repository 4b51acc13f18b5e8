"""All charge points of the service: who may come in, whose orders go where, whose state is to be said."""

import asyncio
import logging
from datetime import datetime, timedelta

from busbar_contracts.charger import ChargerAction, ChargerCommand, ChargerLimit, TagAnswer
from busbar_contracts.prices import PriceSeries
from busbar_ocpp.bearing import Past, refused_value
from busbar_ocpp.charge_point import ChargePoint
from busbar_ocpp.connector import Connector
from busbar_ocpp.desk import Desk
from busbar_ocpp.entry import Price
from busbar_ocpp.farewell import Farewell
from busbar_ocpp.link import Admission, Credentials, Link
from busbar_ocpp.memory import LastHeld
from busbar_ocpp.passwords import Failures, matches
from busbar_ocpp.pending import Waiting
from busbar_shared.bus import Heard

log = logging.getLogger(__name__)

SAVE_EVERY_S = 5.0
AT_ONCE = 20


class Central:
    """The charge points of one site."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.chargers = {name: ChargePoint(plan, desk) for name, plan in desk.plan.chargers.items()}
        self._by_identity = {one.plan.charge_point: one for one in self.chargers.values()}
        self.waiting = Waiting(desk.bus, desk.clock)
        self.farewell = Farewell(desk.memory, desk.bus, desk.clock)
        for identity, name in desk.memory.learned.accepted.items():
            if name in self.chargers:
                self._by_identity.setdefault(identity, self.chargers[name])
        self._failures = Failures()
        self._known_passwords: dict[str, str] = {}
        self._said_at_s: dict[tuple[str, int], float] = {}
        self._saved_at_s = 0.0
        self._saving: asyncio.Task[None] | None = None
        self._save_again = False
        self._prices: PriceSeries | None = None
        for charger in self.chargers.values():
            charger.booking.price = self.price
        self._restore()
        desk.remember = lambda charger, number: self.remember(
            self.chargers[charger], self.chargers[charger].connectors[number], now=True
        )

    # -- coming in -----------------------------------------------------------------------------

    async def admit(self, shown: Credentials) -> Admission:
        """Whether a charge point may come in (security profiles 0 to 3)."""
        charger = self._by_identity.get(shown.id)
        section = self.desk.plan.section
        if charger is None:
            if self.farewell.due(shown.id) and await self._was_ours(shown):
                return Admission()
            if section.unknown == "pending" and self.waiting.room_for(shown.id):
                return Admission()
            return Admission(404, "unknown charge point")
        if section.security == 3:
            ok = shown.id in shown.certificate_names
            return Admission() if ok else Admission(401, "the certificate names another charge point")
        if section.security == 0:
            return Admission()
        admission = await self._check_password(shown, charger.plan.config.password)
        if admission.status == 101:
            # So that it can be released should it be taken out of the configuration, its password with it.
            self.desk.memory.of(shown.id).password = charger.plan.config.password
        return admission

    async def _was_ours(self, shown: Credentials) -> bool:
        """Whether a charge point that is not configured any more is the one it says it is."""
        section = self.desk.plan.section
        if section.security in (0, 3):
            return section.security == 0 or shown.id in shown.certificate_names
        stored = self.desk.memory.of(shown.id).password
        return stored is not None and (await self._check_password(shown, stored)).status == 101

    async def _check_password(self, shown: Credentials, stored: str | None) -> Admission:
        who, now_s = (shown.id, shown.remote), self.desk.clock.monotonic()
        if self._failures.too_many(who, now_s):
            return Admission(429, "too many wrong passwords; wait a minute")
        if stored is None or shown.password is None or shown.user != shown.id:
            return Admission(401, "a user name equal to the id, and a password, are needed")
        if self._known_passwords.get(shown.id) == shown.password:
            return Admission()
        if await asyncio.to_thread(matches, shown.password, stored):
            self._known_passwords[shown.id] = shown.password
            return Admission()
        self._failures.note(who, now_s)
        return Admission(401, "wrong password")

    async def serve(self, link: Link) -> None:
        """Serve a connection. A second one of the same id replaces the first only if that one is dead."""
        charger = self._by_identity.get(link.credentials.id)
        if charger is None:
            leaves = self.farewell.due(link.credentials.id)
            await (self.farewell if leaves else self.waiting).serve(link)
            return
        # More than one may knock while the first is asked whether it lives.
        while (first := charger.link) is not None:
            if await first.answers_ping(self.desk.plan.section.pong_s):
                await charger.report(
                    "second_connection",
                    f"a second connection from {link.credentials.remote} is refused, the first one lives",
                )
                await link.close(1008, "already connected")
                return
            if charger.link is first:
                charger.link = None
            await first.close(1001, "replaced by a new connection")
        log.info("%s connected from %s, OCPP %s", charger.plan.id, link.credentials.remote, link.version)
        await charger.serve(link)
        log.info("%s is gone", charger.plan.id)

    def prices(self, series: PriceSeries) -> None:
        """Take the prices of what is imported; they tell what a session costs."""
        if series.series == "import":
            self._prices = series

    def price(self) -> Price | None:
        """What a kilowatt-hour costs now."""
        now, series = self.desk.clock.now(), self._prices
        for slot in series.slots if series is not None else ():
            if slot.start <= now < slot.end and series is not None:
                return Price(slot.price, series.currency)
        return None

    # -- orders --------------------------------------------------------------------------------

    async def order(self, heard: Heard[ChargerLimit]) -> None:
        """Take an order for a connector, or refuse it with an event; the charger keeps its lease until it ends."""
        charger_id, connector_id = heard.ids.get("charger", ""), heard.ids.get("connector", "")
        found = self.find(charger_id, connector_id)
        if found is None:
            await self._refuse("unknown_charger", f"no connector {charger_id}/{connector_id} here", "", heard)
            return
        charger, connector = found
        absurd = refused_value(heard.message, connector.wiring.max_a)
        if absurd is not None:
            await self._refuse("absurd_limit", absurd, "$.limit_a", heard)
            return
        clock = self.desk.clock
        before = connector.holds(charger.steering.bounds(connector), clock.monotonic())
        refusal = connector.book.offer(
            heard.message, now=clock.now(), monotonic=clock.monotonic(), retained=heard.retained
        )
        if refusal is not None:
            connector.last_refusal = refusal.text
            charger.changed(connector)
            await self._refuse(refusal.code, refusal.text, refusal.path, heard)
            return
        after = connector.holds(charger.steering.bounds(connector), clock.monotonic())
        cut = before is None or after is None or after.limit_a < before.limit_a
        charger.steer(connector)
        self.remember(charger, connector, now=cut)
        if before is None or after is None or before != after:
            charger.changed(connector)

    async def command(self, heard: Heard[ChargerCommand]) -> None:
        """Start what the owner asks; the answer appears in the state."""
        found = self.find(heard.ids.get("charger", ""), heard.ids.get("connector", ""))
        if found is None:
            text = f"no connector {heard.ids.get('charger')}/{heard.ids.get('connector')} here"
            await self.desk.bus.event("unknown_charger", f"{heard.topic}: {text}", topic=heard.topic)
            return
        charger, connector = found
        if heard.message.action is ChargerAction.ACCEPT and heard.message.value:
            whose = await self.accept(heard.message.value, charger)
            if whose is not charger:
                charger.answered(
                    connector, heard.message, f"{heard.message.value} is {whose.plan.id} already"
                )
                return
        charger.start(charger.carry_out(connector, heard.message))

    async def tag_answered(self, heard: Heard[TagAnswer]) -> None:
        """Take somebody's word about a tag, or say why it counts for nothing."""
        charger = self.chargers.get(heard.ids.get("charger", ""))
        if charger is None:
            code, problem = "unknown_charger", f"no charger {heard.ids.get('charger')} here"
        else:
            code, problem = "tag_answer_refused", charger.authorising.answered(heard.message) or ""
        if problem:
            await self.desk.bus.event(code, f"{heard.topic}: {problem}", topic=heard.topic)

    async def accept(self, identity: str, charger: ChargePoint) -> ChargePoint:
        """Let a charge point in as this charger, from now on; gives the charger it is, which may be another already."""
        whose = self._by_identity.setdefault(identity, charger)
        accepted = self.desk.memory.learned.accepted
        if (
            whose is charger
            and identity != charger.plan.charge_point
            and accepted.get(identity) != charger.plan.id
        ):
            accepted[identity] = charger.plan.id
            self.desk.memory.save_learned()
            await self.waiting.let_go(identity)
        return whose

    def find(self, charger_id: str, connector_id: str) -> tuple[ChargePoint, Connector] | None:
        """A connector by its names on the bus."""
        charger = self.chargers.get(charger_id)
        if charger is None or not connector_id.isdecimal():
            return None
        connector = charger.connectors.get(int(connector_id))
        return None if connector is None else (charger, connector)

    async def _refuse(self, code: str, text: str, path: str, heard: Heard[ChargerLimit]) -> None:
        await self.desk.bus.event(code, f"{heard.topic}: {text}", path=path, topic=heard.topic)

    # -- saying --------------------------------------------------------------------------------

    async def say_changes(self) -> None:
        """Say what has changed, each connector at most once a second."""
        now_s = self.desk.clock.monotonic()
        for place, key in enumerate(list(self.desk.dirty)):
            if place % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            if now_s - self._said_at_s.get(key, -1e9) < 1.0:
                continue
            self.desk.dirty.discard(key)
            self._said_at_s[key] = now_s
            charger = self.chargers[key[0]]
            connector = charger.connectors[key[1]]
            await self.desk.bus.say(charger.state(connector), charger=key[0], connector=str(key[1]))

    async def tick(self) -> None:
        """Once a second; a fleet is looked after in turns, so that a call never waits for all of it."""
        for place, charger in enumerate(self.chargers.values()):
            if place % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
            charger.tick()
        if self.desk.clock.monotonic() - self._saved_at_s > SAVE_EVERY_S:
            self._saved_at_s = self.desk.clock.monotonic()
            for charger in self.chargers.values():
                for connector in charger.connectors.values():
                    self.remember(charger, connector, now=False)
            self._save_soon()

    def _save_soon(self) -> None:
        """Write what holds, beside the loop: a slow disk must not hold up a cut."""
        if self._saving is not None and not self._saving.done():
            self._save_again = True
            return
        self._saving = asyncio.create_task(self._save())

    async def _save(self) -> None:
        self._save_again = True
        while self._save_again:
            self._save_again = False
            await asyncio.to_thread(self._write)
            await self.desk.ledger.durable(notes=True)

    def _write(self) -> None:
        self.desk.memory.save_held()
        self.desk.memory.save_learned()

    def close(self) -> None:
        """Write once more what holds and what was learned."""
        self._write()

    # -- over restarts -------------------------------------------------------------------------

    def remember(self, charger: ChargePoint, connector: Connector, *, now: bool) -> None:
        """Note what holds at a connector; written now when it is a cut, for a restart must not raise."""
        clock = self.desk.clock
        now_s = clock.monotonic()
        held = [
            (one.order, _calendar(clock.now(), one.until_s - now_s)) for one in connector.book.held(now_s)
        ]
        past = connector.past
        self.desk.memory.held[connector.wiring.load] = LastHeld(
            orders=held,
            limit_a=past.limit_a if past else None,
            issuer=past.issuer if past else "",
            until=_calendar(clock.now(), past.until_s - now_s) if past else None,
            visit=connector.visit,
            status=connector.status,
        )
        if now:
            self._save_soon()

    def _restore(self) -> None:
        """Put back the leases with what is left of them, at most one lease."""
        clock, lease_s = self.desk.clock, self.desk.plan.lease_s
        now, now_s = clock.now(), clock.monotonic()
        for charger in self.chargers.values():
            for connector in charger.connectors.values():
                last = self.desk.memory.held.get(connector.wiring.load)
                if last is not None:
                    put_back(connector, last, now, now_s, lease_s)


def put_back(connector: Connector, last: LastHeld, now: datetime, now_s: float, lease_s: float) -> None:
    """What held at a connector when we last lived; a calendar that jumped can only shorten it."""
    # Chargers that only reconnect say neither their status nor that a car is there.
    connector.visit, connector.status = last.visit, last.status
    for order, until in last.orders:
        left_s = min((until - now).total_seconds(), order.lease_s, lease_s)
        if left_s > 0:
            connector.book.restore(order, now_s + left_s)
    if last.limit_a is not None:
        ended_s = (now - last.until).total_seconds() if last.until is not None else 0.0
        connector.past = Past(limit_a=last.limit_a, issuer=last.issuer, until_s=now_s - max(ended_s, 0.0))


def _calendar(now: datetime, in_s: float) -> datetime:
    return now + timedelta(seconds=max(in_s, -1e7))
