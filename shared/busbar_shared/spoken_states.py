"""How often a service says the states of its devices: on change, not too often, and never too seldom."""

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from busbar_shared.bus import Bus
from busbar_shared.moment import Moment

S = TypeVar("S", bound=Struct)

EVERY_S: Final = 1.0
AGAIN_S: Final = 30.0


class SpokenStates(Generic[S]):
    """The last word on each device; states have a field `at`, which alone is no change."""

    def __init__(self, bus: Bus, parameter: str) -> None:
        """The parameter is the name of the device's id in the topic."""
        self._bus, self._parameter = bus, parameter
        self._said: dict[str, tuple[S, float]] = {}

    async def say(self, device: str, state_at: Callable[[Moment], S], now: Moment) -> None:
        """On change and at most once a second, and again before anybody could think it old."""
        last = self._said.get(device)
        if last is not None and now.s - last[1] < EVERY_S:
            return
        state = state_at(now)
        if last is not None and now.s - last[1] < AGAIN_S and _is_same(last[0], state, now):
            return
        self._said[device] = (state, now.s)
        await self._bus.say(state, **{self._parameter: device})


def _is_same(last: Struct, state: Struct, now: Moment) -> bool:
    at: dict[str, Any] = {"at": now.at}
    return replace(last, **at) == state
