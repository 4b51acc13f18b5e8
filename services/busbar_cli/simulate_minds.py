"""Who decides in a simulated house: Busbar's own code, or somebody else on the same plant and the same traces."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Protocol

from busbar_allocator.config import plan_from
from busbar_allocator.desk import Desk
from busbar_allocator.main import HEARD as ALLOCATOR_HEARS
from busbar_allocator.plan import Plan
from busbar_battery.config import plan_from as battery_plan
from busbar_battery.desk import Desk as BatteryDesk
from busbar_battery.main import HEARD as BATTERY_HEARS
from busbar_contracts.load import LoadMode
from busbar_contracts.meter import MeterReading
from busbar_shared.bus import Heard
from busbar_shared.config.root import Site

Said = tuple[Any, dict[str, str]]
"""A message and the names in its topic."""


class Mind(Protocol):
    """Hears what the house says and orders its loads. Times are the calendar and monotonic seconds."""

    def hear(self, heard: Heard[Any], at: datetime, now_s: float) -> bool:
        """Take a message; True for a reading that deserves a decision at once."""

    def decide(self, at: datetime, now_s: float) -> Iterator[Said]:
        """What it has to say now; each message is delivered before the next is made."""

    def modes(self) -> dict[str, LoadMode]:
        """In which mode each load is."""

    def die(self) -> None:
        """Be killed."""

    def rise(self, now_s: float) -> None:
        """Start again with what was kept."""

    def close(self) -> None:
        """The run is over."""


class Busbar:
    """The allocator and the battery service as they run live."""

    def __init__(self, site: Site, now_s: float) -> None:
        """Both begin without anything kept."""
        self._site, self._starts, self._kept = site, 0, None
        self._modes: dict[str, LoadMode] = {}
        self._desk: Desk | None = None
        self.rise(now_s)
        self._battery = BatteryDesk(battery_plan(site), None, "simulate") if site.batteries else None

    def hear(self, heard: Heard[Any], at: datetime, now_s: float) -> bool:
        """Give each what it listens to."""
        kind = type(heard.message)
        if self._battery is not None and kind in BATTERY_HEARS:
            self._battery.hear(heard, at, now_s)
        if self._desk is not None and kind in ALLOCATOR_HEARS:
            return self._desk.hear(heard) and kind is MeterReading
        return False

    def decide(self, at: datetime, now_s: float) -> Iterator[Said]:
        """First the allocator, then the battery, which hears what the allocator said."""
        if self._desk is not None:
            for one in self._desk.decide(now_s, at).messages:
                yield one.message, one.ids
        if self._battery is not None:
            for letter in self._battery.decide(at, now_s).letters:
                yield letter.message, letter.ids

    def modes(self) -> dict[str, LoadMode]:
        """As the owner's settings say; as they last said while nobody is there to ask."""
        if self._desk is not None:
            self._modes = {name: one.mode for name, one in self._desk.settings.loads.items()}
        return self._modes

    def die(self) -> None:
        """The allocator is killed; what its file holds stays."""
        if self._desk is not None:
            self._kept, self._desk = self._desk.kept(), None  # type: ignore[assignment]

    def rise(self, now_s: float) -> None:
        """A new instance of the allocator starts."""
        self._starts += 1
        self._desk = Desk(plan_from(self._site), self._kept, now_s, f"simulate-{self._starts}")

    def close(self) -> None:
        """Nothing is held."""


def plan_for(site: Site) -> Plan:
    """The site as the allocator sees it; raises BadConfig where it cannot be decided for."""
    return plan_from(site)
