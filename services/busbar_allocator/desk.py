"""Between the bus and the controller: what came in since the last decision, and what there is to say now."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import replace

from busbar_allocator.check import check_site
from busbar_allocator.config import Kept
from busbar_allocator.controller import step
from busbar_allocator.detection import Evidence
from busbar_allocator.engine_site import engine_site
from busbar_allocator.exchange import Outcome, Said, Setup, Undecided
from busbar_allocator.known import CarCharge
from busbar_allocator.outside import OutsideLimits
from busbar_allocator.participation import WANTING
from busbar_allocator.plan import Plan
from busbar_allocator.present import Outside
from busbar_allocator.rooms import Grants, rooms
from busbar_allocator.settings import (
    Refusal,
    Settings,
    battery_changed,
    boosts_ended,
    from_file,
    load_changed,
    restored,
    site_changed,
)
from busbar_allocator.site_model import SiteModel
from busbar_allocator.snapshot import BadSnapshot
from busbar_allocator.state import Mind, State
from busbar_allocator.told import ToSay, orders_of, said
from busbar_allocator.watching import Watch
from busbar_allocator.wiring import Applied, chosen, notices, only_chosen, to_apply, with_applied
from busbar_contracts.allocation import Allocation, MeterHealth, SiteLimit, SiteSettingsSet
from busbar_contracts.battery import BatterySettings, BatterySettingsSet
from busbar_contracts.charger import ChargerState
from busbar_contracts.load import HeatState, LoadSettingsSet
from busbar_contracts.meter import MeterReading
from busbar_shared.bus import Heard, RawHeard
from busbar_shared.leases import OrderStamp

SAY_EVERY_S = 10.0

AT_ONCE = (LoadSettingsSet, SiteSettingsSet, SiteLimit, BatterySettingsSet)
"""What is answered in the same moment, as is a reading of a circuit's meter."""


class Refused(Struct, frozen=True):
    """Something we were asked and did not do."""

    code: str
    text: str
    path: str = ""
    topic: str = ""


class Answer(Struct, frozen=True):
    """What one decision has to say."""

    messages: list[ToSay]
    refusals: list[Refused]
    settings_changed: bool
    ready: bool


class Desk:
    """Holds the controller's state and the owner's settings between two decisions."""

    def __init__(self, plan: Plan, kept: Kept | None, now: float, instance: str) -> None:
        """Start from the file and from what was kept."""
        before = kept.applied if kept is not None else Applied()
        self.applied = before if plan.site.site.auto_apply else only_chosen(before)
        self._file_plan = plan
        self.plan = plan = with_applied(plan, self.applied)
        self.settings, self.told = restored(from_file(plan), kept.settings if kept is not None else None)
        self.stamp = OrderStamp("allocator", instance)
        learned = kept.dead_times_s if kept is not None else {}
        legs = kept.legs if kept is not None else {}
        minds = {
            load.id: Mind(dead_s=learned.get(load.id, load.first_dead_time_s), legs_before=legs.get(load.id))
            for load in plan.loads.values()
        }
        evidence = kept.evidence if kept is not None else {}
        watch = Watch(evidence={name: one for name, one in evidence.items() if _still(plan, name, one)})
        self.state = State(started_at=now, minds=minds, watch=watch)
        self.outside = OutsideLimits(
            plan.site.site.outside_limit_issuers, plan.site.site.import_limit_fallback_w
        )
        self._inbox: list[Heard[Any]] = []
        self._published: Settings | None = None
        self._batteries: dict[str, BatterySettings] = {}
        self._setup: Setup | None = None
        self._said_at = float("-inf")
        self._framed: tuple[Settings, Outside, dict[str, MeterHealth], Applied] | None = None
        """What the last allocation was decided under: when it changes, that is said, though no limit moves."""
        self._rooms: Grants = {}
        """What the batteries were told last."""
        self._trouble = ""
        self._rewired = False
        self._noticed: set[str] = set()
        self._watched: Watch | None = None

    def hear(self, heard: Heard[Any]) -> bool:
        """Keep a message for the next decision; True when that should be now, not with the next second."""
        self._inbox.append(heard)
        if isinstance(heard.message, MeterReading):
            return heard.ids.get("meter") in self.plan.meters
        return isinstance(heard.message, AT_ONCE)

    def soc_topics(self) -> tuple[str, ...]:
        """Foreign topics that tell the charge of cars."""
        return tuple(sorted({one.soc_topic for one in self.plan.site.chargers.values() if one.soc_topic}))

    def hear_soc(self, heard: RawHeard) -> None:
        """Keep a car's charge; what is no percentage is not heard."""
        try:
            percent = float(heard.payload[:32])
        except ValueError:
            return
        if not 0 <= percent <= 100:
            return
        for load in self.plan.loads.values():
            charger = self.plan.site.chargers.get(load.ids.get("charger", ""))
            if charger is not None and charger.soc_topic == heard.topic:
                message: Heard[Any] = Heard(
                    CarCharge(percent), {"load": load.id}, heard.topic, heard.at_s, heard.retained
                )
                self._inbox.append(message)

    def kept(self) -> Kept:
        """What must outlive this process."""
        dead_times = {load: round(mind.dead_s, 2) for load, mind in self.state.minds.items()}
        minds = self.state.minds.items()
        return Kept(
            settings=self.settings,
            dead_times_s=dead_times,
            legs={load: mind.legs_before for load, mind in minds if mind.legs_before is not None},
            evidence=self.state.watch.evidence,
            applied=self.applied,
        )

    def decide(self, now: float, wall: datetime) -> Answer:
        """One step of the controller on everything heard since the last one."""
        inbox, self._inbox = self._inbox, []
        refusals = [refused for one in inbox if (refused := self._command(one, now, wall)) is not None]
        self.settings = boosts_ended(self.settings, wall, self._unplugged(inbox) | self._stored(inbox))
        messages = self._settings_to_say()
        heard = [Said(one.message, one.ids, one.at_s, one.retained) for one in inbox]
        outside = self.outside.now(now)
        try:
            outcome = step(self._ready_setup(), self.state, heard, now, wall, outside)
        except Undecided as error:
            self.state = error.state
            return self._troubled(str(error), messages, refusals)
        except BadSnapshot as error:
            # Nothing is granted on a picture that cannot be true: leases run out by themselves.
            return self._troubled(str(error), messages, refusals)
        self._trouble = ""
        self.state = outcome.state
        messages += orders_of(self.plan, self.state, outcome.orders, self.stamp, wall)
        frame = (self.settings, outside, outcome.ground, self.applied)
        told, is_tighter = rooms(self._rooms, self.plan, self.state, outcome.allocation, outcome.ground, now)
        is_due = outcome.changed or frame != self._framed or now - self._said_at >= SAY_EVERY_S
        if is_due or is_tighter:
            self._said_at, self._framed, self._rooms = now, frame, told
            outcome = replace(outcome, allocation=replace(outcome.allocation, batteries=dict(told)))
            messages.append(ToSay(self.allocation(outcome, now, wall), {}))
        learned = self._learn_wiring()
        moved = self._settings_moved() or bool(learned) or self._rewired
        self._rewired = False
        ready = outcome.ground[self.plan.root] is MeterHealth.FRESH
        return Answer(messages, refusals + learned, moved, ready)

    def allocation(self, outcome: Outcome, now: float, wall: datetime) -> Allocation:
        """The whole decision as it is published."""
        return said(self._ready_setup(), outcome, now, wall, self.outside.now(now), self.applied)

    def _learn_wiring(self) -> list[Refused]:
        """What was learned of the wiring since the last look, put to use where the owner allowed it."""
        evidence = self.state.watch.evidence
        if self._watched is not None and evidence is self._watched.evidence:
            return []
        self._watched = self.state.watch
        if self.plan.site.site.auto_apply:
            applied = to_apply(self.plan, evidence, self.applied)
            if applied != self.applied:
                self._apply(applied)
        fresh = [one for one in notices(self.plan, evidence, self.applied) if one.text not in self._noticed]
        self._noticed |= {one.text for one in fresh}
        return [Refused(one.code, one.text) for one in fresh]

    def _apply(self, applied: Applied) -> None:
        turned = applied.turned != self.applied.turned
        self.applied, self.plan, self._setup = applied, with_applied(self._file_plan, applied), None
        self._rewired = True
        # Whatever was subtracted on the wrong phase is believed no longer.
        watch = Watch() if turned else self.state.watch
        known = replace(self.state.known, meters={}) if turned else self.state.known
        self.state = replace(self.state, books={}, beside={}, watch=watch, known=known)

    def _troubled(self, text: str, messages: list[ToSay], refusals: list[Refused]) -> Answer:
        if text != self._trouble:
            self._trouble = text
            refusals.append(Refused("bad_snapshot", f"nothing can be decided: {text}"))
        return Answer(messages, refusals, self._settings_moved(), False)

    def _command(self, one: Heard[Any], now: float, wall: datetime) -> Refused | None:
        message = one.message
        if isinstance(message, SiteLimit):
            late = self.outside.offer(message, now=wall, monotonic=one.at_s, retained=one.retained)
            return None if late is None else Refused(late.code, late.text, late.path, one.topic)
        changed = self._changed(message, one.ids, wall)
        if changed is None:
            return None
        settings, refusal = changed
        if refusal is None and (wrong := check_site(engine_site(self.plan, settings, settings.batteries))):
            # What cannot be decided with is not taken: every lease would run out.
            return Refused("setting_refused", wrong[0], "", one.topic)
        self.settings = settings
        if refusal is not None:
            return Refused("setting_refused", refusal.text, refusal.path, one.topic)
        return self._choose_wiring(message, one)

    def _choose_wiring(self, message: Any, one: Heard[Any]) -> Refused | None:
        """Apply what was detected of a load, or go back to the file, where the owner asks for it."""
        if not isinstance(message, LoadSettingsSet) or message.apply_detection is UNSET:
            return None
        load = one.ids["load"]
        found = chosen(load, message.apply_detection, self.state.watch.evidence.get(load), self.applied)
        if isinstance(found, str):
            return Refused("setting_refused", found, "apply_detection", one.topic)
        if found != self.applied:
            self._apply(found)
        return None

    def _changed(
        self, message: Any, ids: dict[str, str], wall: datetime
    ) -> tuple[Settings, Refusal | None] | None:
        """The settings after an owner's command; None when the message is none of ours."""
        if isinstance(message, LoadSettingsSet):
            return load_changed(self.settings, self.plan, ids.get("load", ""), message, wall)
        if isinstance(message, SiteSettingsSet):
            return site_changed(self.settings, self.plan, message, wall)
        if isinstance(message, BatterySettingsSet) and self.plan.site.battery_flow is None:
            return battery_changed(self.settings, ids.get("battery", ""), message, wall)
        return None

    def _unplugged(self, inbox: list[Heard[Any]]) -> frozenset[str]:
        return frozenset(
            f"{one.ids.get('charger')}-{one.ids.get('connector')}"
            for one in inbox
            if isinstance(one.message, ChargerState) and one.message.status not in WANTING
        )

    def _stored(self, inbox: list[Heard[Any]]) -> frozenset[str]:
        """Heaters that have reached their storage temperature: a boost is once."""
        return frozenset(
            one.ids.get("heater", "")
            for one in inbox
            if isinstance(one.message, HeatState)
            and one.message.temperature_c is not None
            and not one.message.storage_demand
        )

    def _ready_setup(self) -> Setup:
        """The site compiled for the engine; again only when a setting changed."""
        batteries = self.settings.batteries or self.state.known.battery_settings
        if (
            self._setup is None
            or self._setup.settings is not self.settings
            or batteries is not self._batteries
        ):
            self._batteries = batteries
            site = engine_site(self.plan, self.settings, batteries)
            if wrong := check_site(site):
                raise BadSnapshot(wrong[0])
            model = SiteModel(site)
            self._setup = Setup(plan=self.plan, settings=self.settings, model=model)
        return self._setup

    def _settings_to_say(self) -> list[ToSay]:
        before = self._published
        messages: list[ToSay] = []
        if before is None or before.site != self.settings.site:
            messages.append(ToSay(self.settings.site, {}))
        for name, load in self.settings.loads.items():
            if before is None or before.loads.get(name) != load:
                messages.append(ToSay(load, {"load": name}))
        for name, battery in self.settings.batteries.items():
            if before is None or before.batteries.get(name) != battery:
                messages.append(ToSay(battery, {"battery": name}))
        self._moved = before is not None and bool(messages)
        self._published = self.settings
        return messages

    def _settings_moved(self) -> bool:
        return self._moved


def _still(plan: Plan, name: str, evidence: Evidence) -> bool:
    """Whether evidence that was kept still fits the configuration."""
    if not plan.has(name):
        return False
    load = plan.known_as(name)
    now = (load.to_find, len(plan.phases), load.is_even)
    return now == (evidence.legs, evidence.phases, evidence.even)
