"""What this service once published for Home Assistant and no longer owns is taken away again.

By the list it kept, and by the origin in each message it finds, because the list may be lost with its disk.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

from busbar_shared.bus import Bus, RawHeard
from busbar_shared.discovery.manifest import Manifest, Parts, gone, left_by, parts_of
from busbar_shared.discovery.payload import Naming
from busbar_shared.statefile import StateFile


class Leftovers:
    """Old messages of one service. While passive it clears nothing: they may be those of the older instance."""

    def __init__(
        self, bus: Bus, file: StateFile[Manifest], naming: Naming, is_passive: Callable[[], bool]
    ) -> None:
        self._bus, self._file, self._naming, self._is_passive = bus, file, naming, is_passive

    def filters(self) -> tuple[str, ...]:
        """Where messages of ours may lie that our own list does not name."""
        prefix = self._naming.prefix
        if self._file.load() is not None:
            return (f"{prefix}/device/+/config",)
        # The list was lost. All other programs of the house are there too, so it is looked at only then.
        return f"{prefix}/device/+/config", f"{prefix}/+/+/+/config"

    async def clear_listed(self, owned: Mapping[str, dict[str, Any]], retained: Iterable[str]) -> Parts:
        """Take away what the list names and is not retained any more, and keep the new list.

        Gives every entity the messages that are owned now have, or ever had.
        """
        before, topics = self._file.load(), tuple(retained)
        parts = parts_of(owned, before)
        if not self._is_passive():
            for topic in gone(before, topics):
                await self._clear(topic)
            self._file.save(Manifest(topics, parts))
        return parts

    async def clear_found(self, heard: AsyncIterator[RawHeard], retained: Iterable[str]) -> None:
        """Clear retained messages that we wrote once, recognised by their origin; for ever."""
        ours, status, root = set(retained), self._naming.status_topic(), self._naming.root
        async for one in heard:
            if not one.retained or not one.payload or one.topic in ours or self._is_passive():
                continue
            for topic in left_by(one.topic, one.payload, status, root):
                if topic not in ours:
                    await self._clear(topic)

    async def _clear(self, topic: str) -> None:
        await self._bus.say_raw(topic, b"", qos=1, retain=True)
