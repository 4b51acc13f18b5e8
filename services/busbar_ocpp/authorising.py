"""Who may charge at a charger: its tags, else its own back office, else whoever answers on the bus in time.

A tag that nobody knows is refused, and so is one about which nobody says anything in time.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from msgspec import Struct

from busbar_contracts.charger import TagAnswer, TagQuestion
from busbar_ocpp.config import ChargerPlan
from busbar_ocpp.connector import Connector
from busbar_ocpp.desk import Desk
from busbar_ocpp.tags import hidden, may_charge

LONGEST_TAG = 255
REMEMBERED_S = 180.0
"""A charger asks once when the tag is shown and again when the transaction starts; the answer serves both."""
MOST_REMEMBERED = 100


class _Open(Struct, frozen=True):
    """A question that waits for its answer."""

    tag: str
    answer: asyncio.Future[bool]


class Authorising:
    """Decides about the tags of one charger."""

    def __init__(self, plan: ChargerPlan, desk: Desk, connectors: Mapping[int, Connector]) -> None:
        self._plan, self._desk, self._connectors = plan, desk, connectors
        self._open: dict[str, _Open] = {}
        self._accepted_until_s: dict[str, float] = {}
        self.back_office: Callable[[str, str], Awaitable[bool]] | None = None
        """Asks the charger's own back office about a tag, in a protocol version."""

    @property
    def accepts_all(self) -> bool:
        """Whether any tag may charge here."""
        own, section = self._plan.config.accept_all_tags, self._desk.plan.section
        return section.accept_all_tags if own is None else own

    @property
    def listed(self) -> tuple[str, ...]:
        """The tags that may charge here."""
        own = (self._plan.config.auto_start,) if self._plan.config.auto_start else ()
        return (*self._desk.plan.section.tags, *self._plan.config.tags, *own)

    def knows(self, tag: str) -> bool:
        """Whether a tag may charge without anybody being asked."""
        if may_charge(tag, accept_all=self.accepts_all, listed=self.listed):
            return True
        until_s = self._accepted_until_s.get(tag)
        if until_s is None:
            return False
        # What was accepted stays so while its transaction runs: the tag may come again to end it.
        charges = any(one.transaction and one.transaction.tag == tag for one in self._connectors.values())
        return charges or until_s > self._desk.clock.monotonic()

    async def admits(self, tag: str, version: str, connector: int | None) -> bool:
        """Whether a tag may charge; takes at most the patience of the back office and of `ask_tags_s`."""
        if self.knows(tag):
            return True
        if self.back_office is not None and await self.back_office(tag, version):
            return True
        return self._desk.plan.section.ask_tags and await self._asked(tag, connector)

    async def _asked(self, tag: str, connector: int | None) -> bool:
        if not 0 < len(tag) <= LONGEST_TAG:
            return False
        clock, within_s = self._desk.clock, self._desk.plan.section.ask_tags_s
        id, answer = secrets.token_hex(4), asyncio.get_running_loop().create_future()
        self._open[id] = _Open(tag, answer)
        now = clock.now()
        question = TagQuestion(
            at=now, id=id, tag=tag, connector=None if connector is None else str(connector),
            answer_by=now + timedelta(seconds=within_s), within_s=within_s,
        )  # fmt: skip
        limit = asyncio.ensure_future(clock.sleep(within_s))
        try:
            await self._desk.bus.say(question, charger=self._plan.id)
            await asyncio.wait({answer, limit}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._open[id]
            limit.cancel()
        if not answer.done():
            text = f"{self._plan.id}: nobody said within {within_s:g} s whether {hidden(tag)} may charge; it may not"
            await self._desk.bus.event("tag_not_answered", text)
            return False
        return self._remember(tag, answer.result())

    def answered(self, said: TagAnswer) -> str | None:
        """Take an answer from the bus; the sentence says why it changes nothing."""
        if said.id is None and said.tag is None:
            return "an answer names the id of the question, or its tag"
        found = [
            one
            for id, one in self._open.items()
            if said.id in (None, id) and (said.tag is None or said.tag.casefold() == one.tag.casefold())
        ]
        if not found:
            about = f"question {said.id}" if said.id is not None else hidden(said.tag)
            return f"nothing is asked about {about}, or no more"
        for one in found:
            if not one.answer.done():
                one.answer.set_result(said.accepted)
        return None

    def _remember(self, tag: str, accepted: bool) -> bool:
        if accepted:
            kept = list(self._accepted_until_s.items())[-MOST_REMEMBERED + 1 :]
            self._accepted_until_s = dict(kept) | {tag: self._desk.clock.monotonic() + REMEMBERED_S}
        return accepted
