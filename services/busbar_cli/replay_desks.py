"""The desks a recording is played to: the same code as live, with the settings that were in force when it began."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from busbar_allocator import config as allocator_config
from busbar_allocator import desk as allocator_desk
from busbar_allocator import settings as allocator_settings
from busbar_allocator.main import HEARD as ALLOCATOR_HEARD
from busbar_allocator.plan import foreign_topics
from busbar_battery import config as battery_config
from busbar_battery import desk as battery_desk
from busbar_battery import settings as battery_settings
from busbar_battery.main import AT_ONCE as BATTERY_AT_ONCE
from busbar_battery.main import HEARD as BATTERY_HEARD
from busbar_contracts.allocation import SiteSettings
from busbar_contracts.battery import BatterySettings, BatterySettingsSet
from busbar_contracts.chargeamps import ChargeAmpsStatus
from busbar_contracts.load import LoadSettings
from busbar_contracts.topics import topic_of
from busbar_shared.bus import Heard, RawHeard
from busbar_shared.config.root import Site
from busbar_shared.judge import Refused, decode

INSTANCE = "replay"


class Spoken(Struct, frozen=True):
    """One message a desk has to say, with the parameters of its topic."""

    message: Any
    ids: dict[str, str]


class Settings(Struct):
    """The owner's settings that were in force when a recording began, as far as they were retained."""

    site: SiteSettings | None = None
    loads: dict[str, LoadSettings] = {}
    batteries: dict[str, BatterySettings] = {}

    def take(self, message: Any, ids: dict[str, str]) -> None:
        """Keep a message if it is settings."""
        if isinstance(message, SiteSettings):
            self.site = message
        elif isinstance(message, LoadSettings):
            self.loads[ids["load"]] = message
        elif isinstance(message, BatterySettings):
            self.batteries[ids["battery"]] = message


class Desk(Protocol):
    """A service without its bus."""

    def hear(self, heard: Heard[Any], now: datetime) -> bool:
        """Take a message; True when it is to be answered now."""
        ...

    def hear_raw(self, heard: RawHeard, now: datetime) -> bool:
        """Take a message that only some services understand; True when it is to be answered now."""
        ...

    def decide(self, now_s: float, now: datetime) -> list[Spoken]:
        """What is to be said now."""
        ...


def desks_of(site: Site, before: Site, settings: Settings, start_s: float) -> dict[str, Desk]:
    """The services that can be played, by name. `before` is the configuration that was recorded: what differs wins."""
    found: dict[str, Desk] = {}
    if "battery" in site.services():
        found["battery"] = BatteryDesk(site, before, settings)
    if "allocator" in site.services():
        found["allocator"] = AllocatorDesk(site, before, settings, start_s)
    return found


class AllocatorDesk:
    """The allocator."""

    def __init__(self, site: Site, before: Site, settings: Settings, start_s: float) -> None:
        file = allocator_settings.from_file(allocator_config.plan_from(before))
        kept = replace(
            file,
            site=settings.site if settings.site is not None else file.site,
            loads={**file.loads, **{name: one for name, one in settings.loads.items() if name in file.loads}},
            batteries={name: settings.batteries.get(name, one) for name, one in file.batteries.items()},
        )
        plan = allocator_config.plan_from(site)
        self._desk = allocator_desk.Desk(plan, allocator_config.Kept(settings=kept), start_s, INSTANCE)
        self._soc_topics = self._desk.soc_topics()
        self._places = foreign_topics(before)

    def hear(self, heard: Heard[Any], now: datetime) -> bool:
        """Take a message; True when it is to be answered now."""
        return isinstance(heard.message, ALLOCATOR_HEARD) and self._desk.hear(heard)

    def hear_raw(self, heard: RawHeard, now: datetime) -> bool:
        """Take the charge of a car, or a schedule with a root or an alias of its own: the topics they travel on."""
        if heard.topic in self._soc_topics:
            self._desk.hear_soc(heard)
        if heard.topic in self._places and heard.payload:
            try:
                status = decode(topic_of(ChargeAmpsStatus), heard.payload)
            except Refused:
                return False
            ids = {"connector_id": self._places[heard.topic]}
            return self._desk.hear(Heard(status, ids, heard.topic, heard.at_s, heard.retained))
        return False

    def decide(self, now_s: float, now: datetime) -> list[Spoken]:
        """One step, and what is to be said of it."""
        return _spoken(self._desk.decide(now_s, now).messages)


class BatteryDesk:
    """The battery service."""

    def __init__(self, site: Site, before: Site, settings: Settings) -> None:
        file = battery_settings.from_file(battery_config.plan_from(before))
        kept = battery_settings.Kept(
            settings={name: settings.batteries.get(name, one) for name, one in file.items()}, file=file
        )
        self._desk = battery_desk.Desk(battery_config.plan_from(site), kept, INSTANCE)

    def hear(self, heard: Heard[Any], now: datetime) -> bool:
        """Take a message; True when it is to be answered now."""
        if isinstance(heard.message, BatterySettingsSet):
            self._desk.ask(
                RawHeard(heard.topic, msgspec.json.encode(heard.message), heard.at_s, heard.retained), now
            )
            return True
        if isinstance(heard.message, BATTERY_HEARD):
            self._desk.hear(heard, now, heard.at_s)
        return isinstance(heard.message, BATTERY_AT_ONCE)

    def hear_raw(self, heard: RawHeard, now: datetime) -> bool:
        """Nothing: what it hears raw is in the contract, but for the names of an old plan."""
        return False

    def decide(self, now_s: float, now: datetime) -> list[Spoken]:
        """One step, and what is to be said of it."""
        return _spoken(self._desk.decide(now, now_s).letters)


def _spoken(messages: Iterable[Any]) -> list[Spoken]:
    return [Spoken(one.message, one.ids) for one in messages]
