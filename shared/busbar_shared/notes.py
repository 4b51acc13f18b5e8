"""What the owner should know of a device, said as an event, and not again with every message."""

from dataclasses import dataclass
from typing import Final, Literal

from busbar_shared.bus import Bus

SAME_AGAIN_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Note:
    """Something the owner or others should know."""

    code: str
    text: str
    path: str = ""
    severity: Literal["info", "warning", "error"] = "warning"


class Notes:
    """Says notes on the bus; a warning again only after a while, or a babbling device would fill every log."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._said_s: dict[tuple[str, str, str], float] = {}

    async def say(self, device: str, note: Note, now_s: float) -> None:
        """Say it unless it was said of this device lately."""
        key = (device, note.code, note.path)
        if note.severity != "info" and now_s - self._said_s.get(key, -SAME_AGAIN_S) < SAME_AGAIN_S:
            return
        self._said_s[key] = now_s
        await self._bus.event(note.code, note.text, path=note.path, severity=note.severity)
