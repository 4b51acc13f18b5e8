"""Compares live traffic with the contract: what is unknown, off, too large, too fast, wrongly retained, missing or late."""

import asyncio
import contextlib
import os
from collections import Counter
from collections.abc import AsyncIterator, Collection

import msgspec
import typer

from busbar_cli.elsewhere import Elsewhere
from busbar_cli.punctual import Punctual
from busbar_contracts.topic import Topic
from busbar_contracts.topics import match
from busbar_shared.asking import gathered, no_broker
from busbar_shared.bus import RawHeard
from busbar_shared.clock import RealClock
from busbar_shared.command_line import plain
from busbar_shared.config.root import Site
from busbar_shared.judge import Refused, decode
from busbar_shared.life import connect
from busbar_shared.progress import waiting

CONNECT_S = 5.0
STORED_S = 2.0
"""What a broker keeps comes at once; so long even from a slow one."""
BURST = 5
"""A few messages at once are no storm: a rate is judged over the whole time, with so many to spare."""


class Conformance:
    """Everything found so far."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._counts: Counter[str] = Counter()
        self._kinds: dict[str, Topic] = {}
        self._cleared: set[str] = set()
        self.problems: dict[str, int] = Counter()

    def hear(self, message: RawHeard) -> None:
        """Judge one message."""
        if not message.topic.startswith(self._root + "/"):
            return
        found = match("hems" + message.topic[len(self._root) :])
        if found is None:
            self._found(f"{message.topic}: not in the contract")
            return
        topic = found[0]
        self._kinds[message.topic] = topic
        (self._cleared.discard if message.payload else self._cleared.add)(message.topic)
        if not message.retained:
            self._counts[message.topic] += 1
        if message.retained and not topic.retain and message.payload:
            self._found(f"{message.topic}: retained, and must not be")
        if message.payload and topic.message is not str:
            try:
                decode(topic, message.payload)
            except Refused as refused:
                self._found(f"{message.topic}: {refused.text}")

    def look_at_stored(self, stored: Collection[str]) -> None:
        """Judge what the broker keeps at the end: only there it shows whether a live message was retained."""
        for name, topic in self._kinds.items():
            if name in stored and not topic.retain:
                self.problems.setdefault(f"{name}: retained, and must not be", 1)
            heard = name in self._counts and name not in self._cleared
            if heard and topic.retain and name not in stored:
                self._found(f"{name}: not retained, and must be")

    def finish(self, seconds: float) -> list[str]:
        """The problems, after listening so long."""
        for name, count in self._counts.items():
            most = self._kinds[name].max_per_s * seconds + BURST
            if count > most:
                self._found(
                    f"{name}: {count} messages in {seconds:g} s, at most {self._kinds[name].max_per_s:g} a second"
                )
        return [
            f"{text} ({count} times)" if count > 1 else text for text, count in sorted(self.problems.items())
        ]

    @property
    def heard(self) -> int:
        """How many live messages were judged."""
        return sum(self._counts.values())

    def _found(self, text: str) -> None:
        self.problems[text] += 1


async def _stored(site: Site) -> set[str]:
    """The topics the broker keeps a message of, as somebody sees them who comes now."""
    async with connect(site, "contract-check", os.environ) as bus:
        heard = bus.listen_raw(f"{site.site.topic_root}/#")
        found = await gathered(heard, STORED_S)
    return {one.topic for one in found if one.retained and one.payload}


def _elsewhere(site: Site) -> Elsewhere:
    own = site.chargeamps.topic_root if site.chargeamps is not None else None
    return Elsewhere(site.site.topic_root, (own,) if own else ())


async def _overhear(heard: AsyncIterator[RawHeard], elsewhere: Elsewhere) -> None:
    async for message in heard:
        elsewhere.hear(message)


async def check_live(site: Site, seconds: float, *, as_json: bool) -> int:
    """Listen, judge, print. Returns 0 when all traffic keeps to the contract."""
    judged, elsewhere = Conformance(site.site.topic_root), _elsewhere(site)
    # The whole broker is heard by a client of its own: a message that two filters of one client match may come twice.
    async with (
        connect(site, "contract-check", os.environ) as bus,
        connect(site, "contract-check", os.environ) as wide,
    ):
        heard = bus.listen_raw(f"{site.site.topic_root}/#")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CONNECT_S):
                await bus.connected.wait()
        if not bus.connected.is_set():
            typer.echo(no_broker(site), err=True)
            return 1
        listening = asyncio.create_task(_overhear(wide.listen_raw("#"), elsewhere))
        clock = RealClock()
        expected = Punctual(site, clock.monotonic())
        with contextlib.suppress(TimeoutError), waiting("listening to the bus", seconds):
            async with asyncio.timeout(seconds):
                async for message in heard:
                    judged.hear(message)
                    expected.hear(message)
        listening.cancel()
    judged.look_at_stored(await _stored(site))
    problems = [*judged.finish(seconds), *expected.finish(clock.monotonic())]
    if as_json:
        found = {"heard": judged.heard, "problems": problems, "elsewhere": elsewhere.notes()}
        typer.echo(msgspec.json.encode(found).decode())
    else:
        for line in (*problems, *(f"note: {one}" for one in elsewhere.notes())):
            typer.echo(plain(line))
        typer.echo(f"{judged.heard} messages heard, {len(problems)} problems")
    return 1 if problems or not judged.heard else 0
