"""All charge points of the service: who may come in, whose orders go where, whose state is to be said."""

import asyncio
import logging
from collections.abc import Iterator

from busbar_contracts.charger import ChargerAction, ChargerCommand, ChargerLimit, TagAnswer
from busbar_contracts.prices import PriceSeries
from busbar_ocpp.bearing import refused_value
from busbar_ocpp.charge_point import ChargePoint
from busbar_ocpp.connector import Connector
from busbar_ocpp.credentials import CredentialCheck
from busbar_ocpp.desk import Desk
from busbar_ocpp.entry import Price
from busbar_ocpp.farewell import Farewell
from busbar_ocpp.link import Admission, Credentials, Link
from busbar_ocpp.pending import Waiting
from busbar_ocpp.remembering import Remembering
from busbar_shared.bus import Heard

log = logging.getLogger(__name__)

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
        self._check = CredentialCheck(desk)
        self._said_at_s: dict[tuple[str, int], float] = {}
        self._prices: PriceSeries | None = None
        for charger in self.chargers.values():
            charger.booking.price = self.price
        self._remembering = Remembering(desk)
        self._remembering.restore(self._connectors())
        desk.remember = self._remembering.write_soon

    # -- coming in -----------------------------------------------------------------------------

    async def admit(self, shown: Credentials) -> Admission:
        """Whether a charge point may come in: as ours, to be released, or to wait for the owner's word."""
        charger = self._by_identity.get(shown.id)
        if charger is not None:
            return await self._check.of_ours(shown, charger.plan.config.password)
        if self.farewell.due(shown.id) and await self._check.was_ours(shown):
            return Admission()
        if self.desk.plan.section.unknown == "pending" and self.waiting.room_for(shown.id):
            return Admission()
        return Admission(404, "unknown charge point")

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
        before = connector.holds(charger.terms.bounds(connector), clock.monotonic())
        refusal = connector.book.offer(
            heard.message, now=clock.now(), monotonic=clock.monotonic(), retained=heard.retained
        )
        if refusal is not None:
            connector.last_refusal = refusal.text
            charger.changed(connector)
            await self._refuse(refusal.code, refusal.text, refusal.path, heard)
            return
        after = connector.holds(charger.terms.bounds(connector), clock.monotonic())
        cut = before is None or after is None or after.limit_a < before.limit_a
        charger.steer(connector)
        if cut:
            self._remembering.write_soon(connector)
        else:
            self._remembering.note(connector)
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
        self._remembering.tick(self._connectors())

    def close(self) -> None:
        """Write once more what holds and what was learned."""
        self._remembering.close()

    def _connectors(self) -> Iterator[Connector]:
        return (one for charger in self.chargers.values() for one in charger.connectors.values())
