"""What the wires leave the batteries, as it is said: less of it at once, more once it has stood for some seconds.

The sample of a car that ramps and the reading of the meter are not of the same moment, so for a reading or two the
house can look smaller than it is; a battery that took that room would overload its phase together with the car.
"""

from collections import deque
from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from busbar_allocator.answer import BatteryGrant

LESS_W: Final = 50.0
"""A fifth of an ampere on one phase: the noise of a meter stays below it."""
STANDS_S: Final = 5.0
"""As long as a car takes to answer an order and to be sampled."""

Grants = Mapping[str, BatteryGrant]


class Rooms:
    """Remembers what was decided in the last seconds, and what was said."""

    def __init__(self) -> None:
        self._lately: deque[tuple[float, Grants]] = deque(maxlen=200)
        self._said: Grants = {}

    def take(self, now_s: float, decided: Grants) -> dict[str, BatteryGrant]:
        """The least that each battery was left in the last seconds."""
        self._lately.append((now_s, decided))
        while self._lately[0][0] < now_s - STANDS_S:
            self._lately.popleft()
        return {name: self._least(name, one) for name, one in decided.items()}

    def is_tighter(self, rooms: Grants) -> bool:
        """Whether a battery may do less than it was told last."""
        pairs = [(one, self._said[name]) for name, one in rooms.items() if name in self._said]
        return any(
            one.charge_limit_w < told.charge_limit_w - LESS_W
            or one.discharge_limit_w < told.discharge_limit_w - LESS_W
            for one, told in pairs
        )

    def was_said(self, rooms: Grants) -> None:
        """Remember what the batteries know now."""
        self._said = rooms

    def _least(self, name: str, decided: BatteryGrant) -> BatteryGrant:
        some = [grants[name] for _, grants in self._lately if name in grants]
        return replace(
            decided,
            charge_limit_w=min(one.charge_limit_w for one in some),
            discharge_limit_w=min(one.discharge_limit_w for one in some),
        )
