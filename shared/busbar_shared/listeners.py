"""Everybody in this process who listens on the bus, and what of it each of them hears. Knows no broker."""

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from msgspec import Struct

from busbar_contracts.base import Command
from busbar_contracts.chargeamps import ScheduleClear
from busbar_contracts.topic import Topic
from busbar_contracts.topics import TOPICS, topic_of
from busbar_shared.hearing import Heard, Inbox, RawHeard, items
from busbar_shared.judge import decode

EXACT = {topic.address for topic in TOPICS if not topic.parameters}
"""A name without braces is no parameter of another topic: hems/prices/availability is not a series."""


class RetainedCommand(Exception):
    """A command that lay at the broker. Clear it there: it would be heard again after each connection."""


class Listeners:
    """The inboxes. What is not the contract reaches none of those that want messages of a kind."""

    def __init__(self, inbox_size: int, on_drop: Callable[[], None]) -> None:
        """Each inbox keeps so many messages; `on_drop` is called for each one more."""
        self._inbox_size, self._on_drop = inbox_size, on_drop
        self._typed: list[tuple[Topic, dict[str, str], Inbox[Heard[Any]]]] = []
        self._raw: list[tuple[str, Inbox[RawHeard]]] = []

    def typed(self, wanted: Iterable[tuple[type[Struct], dict[str, str]]]) -> AsyncIterator[Heard[Any]]:
        """Messages of these kinds whose parameters have these values, from now on."""
        inbox: Inbox[Heard[Any]] = Inbox(self._inbox_size, self._on_drop)
        self._typed += [(topic_of(kind), ids, inbox) for kind, ids in wanted]
        return items(inbox)

    def raw(self, filters: Iterable[str]) -> AsyncIterator[RawHeard]:
        """Messages on these foreign topics, from now on."""
        inbox: Inbox[RawHeard] = Inbox(self._inbox_size, self._on_drop)
        self._raw += [(one, inbox) for one in filters]
        return items(inbox)

    def give_raw(self, heard: RawHeard, matches: Callable[[str], bool]) -> None:
        """To whoever wants it as it came; `matches` tells whether its topic is one of a filter."""
        for wanted, inbox in self._raw:
            if matches(wanted):
                inbox.put(heard)

    def give(self, address: str, heard: RawHeard) -> None:
        """To whoever wants messages of its kind; `address` is its topic under the root `hems`.

        Raises Refused for what is not the contract, and RetainedCommand: then nobody hears it as that kind.
        """
        understood: dict[str, Heard[Any]] = {}
        for topic, ids, inbox in self._typed:
            if topic.parameters and address in EXACT:
                continue
            found = topic.pattern.match(address)
            if found is None or any(found[name] != value for name, value in ids.items()):
                continue
            if topic.address not in understood:
                one = _understood(topic, heard, found.groupdict())
                if one is None:
                    return
                understood[topic.address] = one
            inbox.put(understood[topic.address])


def _understood(topic: Topic, heard: RawHeard, ids: dict[str, str]) -> Heard[Any] | None:
    if not heard.payload and topic.message is not ScheduleClear:
        return None  # this is how a broker's client deletes a retained message
    if heard.retained and issubclass(topic.message, Command):
        raise RetainedCommand
    return Heard(decode(topic, heard.payload), ids, heard.topic, heard.at_s, heard.retained)
