"""The desk of the service: what was heard lies on it, what is to be said leaves it.

It knows topics and messages; the electricity is in `control.step`, the merging in `wishes.merged`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from busbar_battery.config import Plan
from busbar_battery.control import State, step
from busbar_battery.devices import (
    Rivalry,
    battery_now,
    car_draw,
    inverter_most,
    inverter_now,
    ours,
    rivalry,
)
from busbar_battery.heard import Source
from busbar_battery.outside import OutsideLimits
from busbar_battery.post import Post, Said
from busbar_battery.settings import Kept, changed, from_file, restored
from busbar_battery.site import SiteNow, Wishes
from busbar_battery.wishes import Voices, merged
from busbar_contracts.allocation import Allocation, SiteLimit, SiteSettings
from busbar_contracts.battery import BatteryReading, BatterySettings
from busbar_contracts.charger import ChargerState
from busbar_contracts.meter import InverterReading, MeterReading
from busbar_contracts.prices import PriceSeries
from busbar_shared.bus import Heard, RawHeard

# The allocation is said each 10 s at least; three of these missed and the allocator is silent.
ALLOCATION_AGE_S = 30.0


class Car(Struct, frozen=True):
    """A charger's last word, and how old its figures were when it came."""

    state: ChargerState
    at_s: float
    sample_age_s: float | None


class Desk:
    """Everything the service remembers. Give it messages, ask it what to say."""

    def __init__(self, plan: Plan, kept: Kept | None, instance: str) -> None:
        self.plan = plan
        self._file = from_file(plan)
        self.settings, self.told = restored(self._file, kept)
        self._post = Post(plan, instance, kept.standing if kept is not None else ())
        self._grid = Source(plan.most_w)
        self._batteries = {name: Source(plan.most_w, one.every_s) for name, one in plan.batteries.items()}
        self._inverters = {
            name: Source(inverter_most(plan, name), one.every_s) for name, one in plan.inverters.items()
        }
        self._rivals = dict.fromkeys(plan.batteries, Rivalry())
        self._outside = OutsideLimits(plan.site.outside_limit_issuers, plan.site.import_limit_fallback_w)
        self._prices: dict[str, PriceSeries] = {}
        self._cars: dict[str, Car] = {}
        self._site: SiteSettings | None = None
        self._allocation: tuple[Allocation, float] | None = None
        self._state = State()

    # -- hearing ------------------------------------------------------------------------------

    def hear(self, heard: Heard[Any], now: datetime, now_s: float) -> tuple[str, str, str] | None:
        """Take one message; what is refused of it comes back as code, sentence and path."""
        message = heard.message
        if isinstance(message, (MeterReading, InverterReading, BatteryReading)):
            self._hear_reading(heard, now)
        elif isinstance(message, Allocation):
            age_s = max(0.0, (now - message.at).total_seconds()) if heard.retained else 0.0
            self._allocation = (message, heard.at_s - age_s)
        elif isinstance(message, SiteSettings):
            self._site = message
        elif isinstance(message, BatterySettings):
            self._hear_settings(message, heard.ids.get("battery", ""))
        elif isinstance(message, PriceSeries):
            self._prices[message.series] = message
        elif isinstance(message, ChargerState):
            age = None if message.sampled_at is None else (now - message.sampled_at).total_seconds()
            self._cars["/".join(heard.ids.values())] = Car(message, heard.at_s, age)
        elif isinstance(message, SiteLimit):
            refusal = self._outside.offer(message, now, now_s, heard.retained)
            return (refusal.code, refusal.text, refusal.path) if refusal is not None else None
        return None

    def _hear_reading(self, heard: Heard[Any], now: datetime) -> None:
        message = heard.message
        if isinstance(message, MeterReading):
            source = self._grid if heard.ids.get("meter") == self.plan.grid_meter else None
        elif isinstance(message, InverterReading):
            source = self._inverters.get(heard.ids.get("inverter", ""))
        else:
            source = self._batteries.get(heard.ids.get("battery", ""))
        if source is not None:
            source.hear(message, heard.at_s, now)

    def _hear_settings(self, message: BatterySettings, name: str) -> None:
        """Somebody else's settings count only where they are the one writer."""
        if name in self.settings and not self.plan.owns_settings:
            self.settings[name] = message

    def ask(self, raw: RawHeard, now: datetime) -> list[tuple[str, str, str]]:
        """An owner's request for settings; the events it causes as code, sentence and path."""
        if not self.plan.owns_settings:
            return []
        name = raw.topic.split("/")[-3] if raw.topic.count("/") >= 3 else ""
        if raw.retained:
            return [
                (
                    "retained_command",
                    f"{raw.topic}: a command must not be retained; it is ignored and cleared",
                    "",
                )
            ]
        if name not in self.settings:
            known = ", ".join(self.settings) or "none"
            return [("unknown_battery", f"there is no battery {name!r}; there are: {known}", "battery")]
        configured = self.plan.batteries[name]
        most = {"charge_max_w": configured.charge_limit_w, "discharge_max_w": configured.discharge_limit_w}
        after = changed(self.settings[name], raw.payload, now, most)
        self.settings[name] = after.settings
        events = [("legacy_name", note, "") for note in after.notes]
        if after.refusal is not None:
            events.append((after.refusal.code, after.refusal.text, after.refusal.path))
        return events

    # -- deciding -----------------------------------------------------------------------------

    def decide(self, now: datetime, now_s: float) -> Said:
        """What is to be said now."""
        wishes = merged(self.plan, self._voices(now_s), now, now_s)
        self._state, outcome = step(self._state, self._site_now(wishes, now_s), self.plan.tuning)
        return self._post.letters(outcome, wishes, self.settings, now, now_s)

    def farewell(self, now: datetime) -> Said:
        """What is to be said last: batteries go back to their own control, mandatory limits stand."""
        return self._post.farewell(now)

    def kept(self) -> Kept:
        """What must outlive a restart."""
        return Kept(settings=dict(self.settings), file=self._file, standing=self._post.standing)

    def _voices(self, now_s: float) -> Voices:
        return Voices(
            settings=self.settings,
            site=self._site,
            import_prices=self._prices.get("import"),
            export_prices=self._prices.get("export"),
            outside_imports=tuple(self._outside.imports(now_s)),
            outside_exports=tuple(self._outside.exports(now_s)),
        )

    def _site_now(self, wishes: Wishes, now_s: float) -> SiteNow:
        plan = self.plan
        for name, source in self._batteries.items():
            reading = source.last if isinstance(source.last, BatteryReading) else None
            self._rivals[name] = rivalry(self._rivals[name], reading, now_s)
        mine = [n for n, source in self._batteries.items() if ours(plan, n, source, self._rivals[n], now_s)]
        allocation = self._allocation[0] if self._allocation is not None else None
        return SiteNow(
            now=now_s,
            grid=self._grid.trace,
            grid_period_s=self._grid.period_s,
            batteries=tuple(
                battery_now(
                    plan, name, self._batteries[name], self.settings[name], allocation, self._inverters
                )
                for name in mine
            ),
            others=tuple(
                name for name in self._batteries if name not in mine and plan.batteries[name].writable
            ),
            inverters=tuple(inverter_now(plan, name, source) for name, source in self._inverters.items()),
            wishes=wishes,
            wire_stale=plan.has_allocator and self._wires_unknown(mine, now_s),
            spared_w=self._spared(now_s) if plan.site.no_battery_into_cars else None,
        )

    def _wires_unknown(self, mine: list[str], now_s: float) -> bool:
        if self._allocation is None:
            return True
        allocation, at_s = self._allocation
        return now_s - at_s > ALLOCATION_AGE_S or any(name not in allocation.batteries for name in mine)

    def _spared(self, now_s: float) -> float:
        return sum(
            car_draw(
                car.state,
                None if car.sample_age_s is None else car.sample_age_s + now_s - car.at_s,
                self.plan.legs.get(name.split("/")[0], 3),
                self.plan.site.voltage_v,
            )
            for name, car in self._cars.items()
        )
