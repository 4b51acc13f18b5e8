"""The three kinds of heaters: a tank, a set-point, an SG Ready heat pump."""

from typing import Final

from msgspec.structs import replace

from busbar_contracts.load import HeatMode, HeatState, LoadMode
from busbar_heat import legionella, setpoint, sgready, tank
from busbar_heat.actuator import Drive
from busbar_heat.heater import Heater
from busbar_heat.memory import HeatDuty, HeatLore
from busbar_heat.moment import Moment
from busbar_heat.senses import Note
from busbar_heat.setup import Setup

SMALLEST_TANK_WH_PER_K: Final = 12.0
"""About ten litres (1.16 Wh per litre and kelvin): how fast a tank of unknown size may get warmer."""


RISE_MARGIN: Final = 1.2
"""A fitted capacity may be a little large, and then the tank gets warm faster than the model says."""


def heater_of(
    setup: Setup, now: Moment, duty: HeatDuty | None = None, lore: HeatLore | None = None
) -> Heater:
    """The heater of its kind."""
    if setup.kind == "tank":
        return Tank(setup, now, duty, lore)
    if setup.kind == "setpoint":
        return SetpointDevice(setup, now, duty, lore)
    return SgReady(setup, now, duty, lore)


class Tank(Heater):
    """A hot water tank with a heater that is switched, or with a set-point of its own."""

    wants = tank.Wants()
    switching = tank.Switching()
    why = "not decided yet"
    stored = False
    sanitises = False
    was_lost = False
    was_overdue = False
    heated_since_sample = (0.0, 0.0, 0.0)
    """The sample it counts from, the seconds heated since, and up to when they are counted."""

    def take_up(self, duty: HeatDuty, now: Moment) -> None:
        """Minimum times go on; the heater itself is decided anew."""
        self.switching = tank.Switching(duty.on, now.monotonic_of(duty.switched_at))

    def think(self, granted: HeatMode | None, now: Moment) -> list[Note]:
        """Latch the wishes, follow the legionella programme, notice a lost sensor."""
        celsius, rules = self.celsius(now), self.setup.tank
        notes = [*self._sensor_notes(celsius, now), *self._sanitise(celsius, now)]
        if self.mode is not LoadMode.BOOST:
            self.stored = False
        elif celsius is not None and celsius >= rules.storage_c:
            self.stored = True
        self.wants = tank.wants_after(self.wants, celsius, rules, sanitise=self.sanitises, stored=self.stored)
        return notes

    def drive(self, granted: HeatMode | None, now: Moment) -> Drive:
        """Heat or not, within the minimum times unless it must be off."""
        rules, was_storing = self.setup.tank, self.why == "storing surplus"
        want, self.why = tank.should_heat(self.wants, granted, self.expected_c(now), rules)
        lowered = was_storing and granted is not HeatMode.BOOST
        self.switching = tank.switched(
            self.switching,
            want,
            now.s,
            min_on_s=self.setup.min_on_s,
            min_off_s=self.setup.min_off_s,
            forced_off=lowered or self.why != "warm enough",
        )
        target = tank.target_c(self.wants, granted, rules, sanitise=self.sanitises)
        return self._told(self.switching.on, target, self.granted_w(now))

    def expected_c(self, now: Moment) -> float | None:
        """The warmest it can be by now: a sample grows old while the heater runs."""
        celsius, sample = self.celsius(now), self.senses.temperature
        if celsius is None or sample is None:
            return celsius
        if sample.at_s != self.heated_since_sample[0]:
            self.heated_since_sample = (sample.at_s, 0.0, now.s)
        at_s, heated_s, until_s = self.heated_since_sample
        heated_s += now.s - until_s if self.switching.on else 0.0
        self.heated_since_sample = (at_s, heated_s, now.s)
        rise = self.model().rise_k_per_s(self.power_w(now))
        if rise is None:
            rise = self.power_w(now) / SMALLEST_TANK_WH_PER_K / 3600
        return celsius + RISE_MARGIN * rise * heated_s

    def dress(self, state: HeatState, now: Moment) -> HeatState:
        """Temperatures, wishes and what it could still take."""
        celsius, rules, model = self.celsius(now), self.setup.tank, self.model()
        around, watts = self.senses.around_c(now.s, self.setup.around_c), self.power_w(now)
        wanted = reach = None
        if celsius is not None:
            wanted = model.wanted_wh(celsius, rules.storage_c, around, watts)
            reach = model.to_reach(celsius, rules.storage_c, around, watts)
        earliest = tank.may_switch_at(
            self.switching, min_on_s=self.setup.min_on_s, min_off_s=self.setup.min_off_s
        )
        is_off = self.mode is LoadMode.OFF
        return replace(
            state,
            on=state.on if state.on is not None else self.switching.on,
            target_c=min(rules.comfort_c, rules.max_c),
            storage_c=min(rules.storage_c, rules.max_c),
            comfort_demand=self.wants.comfort and not is_off,
            storage_demand=self.wants.storage and not is_off,
            wanted_wh=wanted,
            reach_s=None if reach is None else round(reach),
            confidence=model.confidence,
            may_switch_at=now.when(earliest) if earliest > now.s else None,
        )

    def keep(self, duty: HeatDuty, now: Moment) -> HeatDuty:
        """Where the contactor stands."""
        return replace(duty, on=self.switching.on, switched_at=now.calendar_of(self.switching.since_s))

    def rest(self) -> Drive:
        """Off: without us nobody watches the wires it hangs on."""
        self.switching = tank.Switching()
        return self._told(False, self.setup.tank.comfort_c, None)

    def _told(self, on: bool, target_c: float, power_w: float | None) -> Drive:
        wires = self.setup.wires
        if wires.plug is None and wires.switch is None and wires.power is None:
            return Drive(target_c=target_c if on else wires.idle_c)
        if not on or (wires.power is None and self.setup.step_w is None):
            return Drive(on=on, target_c=target_c if on and wires.target else None)
        watts = self._clamped(power_w)
        return Drive(on=watts > 0, power_w=watts, target_c=target_c if wires.target else None)

    def _clamped(self, power_w: float | None) -> float:
        """The granted power inside the heater's range and on its step; without a range all it has."""
        setup = self.setup
        if setup.step_w is None:
            return setup.rating_w
        least = setup.min_w or 0.0
        # A grant without a figure is the least: a write never guesses upwards.
        watts = least if power_w is None else min(power_w, setup.rating_w)
        if watts < least:
            return 0.0
        return (
            watts if setup.step_w <= 0 else least + int((watts - least) / setup.step_w + 1e-9) * setup.step_w
        )

    def _sanitise(self, celsius: float | None, now: Moment) -> list[Note]:
        target, programme = self.setup.tank.legionella_c, self.lore.programme
        if target is None or celsius is None:
            self.sanitises = self.sanitises and target is not None
            return []
        done = legionella.seen(programme, celsius, target, now.calendar_s)
        around = self.senses.around_c(now.s, self.setup.around_c)
        lead = self.model().to_reach(celsius, target + tank.LEGIONELLA_MARGIN_K, around, self.power_w(now))
        days, watched = self.setup.legionella_days, now.calendar_s
        # Once begun it is finished: getting warmer shortens the lead, and the programme must not stop half way.
        again = self.sanitises and not done and not _was_done_since(programme, watched)
        self.sanitises = again or legionella.must_heat(programme, days, watched, lead)
        overdue, self.was_overdue = self.was_overdue, legionella.is_overdue(programme, days, watched)
        notes = (
            [Note("legionella_done", f"{self.setup.id} was hot enough for half an hour", severity="info")]
            if done
            else []
        )
        if self.was_overdue and not overdue:
            notes.append(
                Note(
                    "legionella_overdue",
                    f"{self.setup.id} was not {target:g} °C for half an hour within {days:g} days",
                )
            )
        return notes

    def _sensor_notes(self, celsius: float | None, now: Moment) -> list[Note]:
        lost, was = celsius is None, self.was_lost
        seen = self.senses.temperature is not None
        if lost and not seen and now.s - self.started_s < self.setup.max_age_s:
            lost = False
        self.was_lost = lost
        self.problem = "its temperature is unknown; it is left to its own thermostat" if lost else None
        if lost and not self.setup.tank.own_thermostat:
            self.problem = "its temperature is unknown; it is not heated"
        if lost and not was:
            return [Note("sensor_lost", f"{self.setup.id}: {self.problem}")]
        if was and not lost:
            return [Note("sensor_back", f"{self.setup.id}: its temperature is known again", severity="info")]
        return []


def _was_done_since(programme: legionella.Programme, now: float) -> bool:
    """The half hour was completed within the last hour."""
    return programme.done_at is not None and 0 <= now - programme.done_at < 3600


class SetpointDevice(Heater):
    """A room or a heat pump whose set-point is moved."""

    point = setpoint.Setpoint(21.0)
    wants_comfort = True
    heard_at_s: float | None = None

    def __init__(
        self, setup: Setup, now: Moment, duty: HeatDuty | None = None, lore: HeatLore | None = None
    ) -> None:
        self.point = setpoint.Setpoint(setup.comfort_c)
        super().__init__(setup, now, duty, lore)

    def take_up(self, duty: HeatDuty, now: Moment) -> None:
        """The owner's own target outlives us, or our offset would be taken for it."""
        if duty.base_c is not None:
            self.point = setpoint.Setpoint(
                duty.base_c, duty.offset_k, now.monotonic_of(duty.switched_at), duty.said_c, now.s
            )

    @property
    def season(self) -> setpoint.Season | None:
        """Heating or cooling, from the device or the configuration, never by guess."""
        return setpoint.season_of(self.senses.mode) if self.setup.season == "device" else self.setup.season

    def think(self, granted: HeatMode | None, now: Moment) -> list[Note]:
        """Respect a hand on the knob."""
        self.problem = (
            None if self.season is not None else "whether it heats or cools is unknown; it is left alone"
        )
        celsius = self.celsius(now)
        needs = setpoint.comfort_demand(
            self.wants_comfort, celsius, self.point.base_c, self.season, self.setup.setpoint
        )
        # Its own thermostat may be of another opinion than ours: what runs, wants to.
        self.wants_comfort = needs or bool(self.is_drawing(now))
        if self.senses.target_c is None or self.senses.target_at_s == self.heard_at_s:
            return []
        self.heard_at_s = self.senses.target_at_s
        self.point, by_owner = setpoint.heard(self.point, self.senses.target_c, now.s)
        if not by_owner:
            return []
        return [
            Note(
                "target_changed",
                f"{self.setup.id}: the target was changed to {self.point.base_c:g} °C by hand",
                severity="info",
            )
        ]

    def drive(self, granted: HeatMode | None, now: Moment) -> Drive:
        """The owner's target with the offset of the grant."""
        rules = self.setup.setpoint
        if granted is HeatMode.BLOCK and not self.wants_comfort:
            # Nothing is withheld from a room that is warm: its set-point is left where the owner wants it.
            granted = HeatMode.NORMAL
        wish = setpoint.wished_offset_k(granted, self.season, rules)
        if granted is None and self._is_held_back(now):
            # A failure starts nothing: what was blocked stays so until the longest block is over.
            wish = self.point.offset_k
        if granted is HeatMode.BLOCK and self.mode is not LoadMode.OFF and wish != self.point.offset_k:
            self.point = setpoint.Setpoint(
                self.point.base_c, wish, now.s, self.point.said_c, self.point.said_at_s
            )
        elif self.mode is LoadMode.OFF:
            self.point = setpoint.moved(self.point, 0.0, now.s, rules)
        else:
            self.point = setpoint.moved(self.point, wish, now.s, rules)
        target = setpoint.in_force_c(self.point, rules)
        if self.point.offset_k == 0.0 and self.point.said_c is None:
            return Drive()
        if target != self.point.said_c:
            self.point = setpoint.said(self.point, target, now.s)
        return Drive(target_c=target)

    def dress(self, state: HeatState, now: Moment) -> HeatState:
        """Targets, offset and wishes."""
        rules, celsius, model = self.setup.setpoint, self.celsius(now), self.model()
        way = -1.0 if self.season == "cooling" else 1.0
        storage_c = self.point.base_c + way * rules.offset_k
        wanted = None
        if celsius is not None and self.season == "heating":
            around = self.senses.around_c(now.s, self.setup.around_c)
            wanted = model.wanted_wh(celsius, storage_c, around, self.power_w(now))
        earliest, is_off = setpoint.may_move_at(self.point, rules), self.mode is LoadMode.OFF
        return replace(
            state,
            target_c=self.point.base_c,
            storage_c=storage_c,
            offset_k=self.point.offset_k,
            comfort_demand=self.wants_comfort and not is_off,
            storage_demand=setpoint.storage_demand(celsius, self.point.base_c, self.season, rules)
            and not is_off,
            wanted_wh=wanted,
            confidence=model.confidence,
            may_switch_at=now.when(earliest) if earliest > now.s else None,
        )

    def keep(self, duty: HeatDuty, now: Moment) -> HeatDuty:
        """The owner's target and what we made of it."""
        return replace(
            duty,
            base_c=self.point.base_c,
            offset_k=self.point.offset_k,
            said_c=self.point.said_c,
            switched_at=now.calendar_of(self.point.moved_at_s),
        )

    def rest(self) -> Drive:
        """The owner's own target."""
        if self.point.said_c is None:
            return Drive()
        self.point = setpoint.Setpoint(self.point.base_c, 0.0, None, self.point.base_c)
        return Drive(target_c=min(self.point.base_c, self.setup.setpoint.max_c))

    def _is_held_back(self, now: Moment) -> bool:
        blocked = setpoint.wished_offset_k(HeatMode.BLOCK, self.season, self.setup.setpoint)
        since = self.point.moved_at_s
        return (
            self.point.offset_k == blocked != 0.0
            and since is not None
            and now.s - since < self.setup.block_max_s
        )


class SgReady(Heater):
    """A heat pump with two contacts."""

    sg = sgready.Sg()
    closed: tuple[bool | None, bool | None] = (None, None)

    def take_up(self, duty: HeatDuty, now: Moment) -> None:
        """Dwell and block go on counting."""
        self.sg = sgready.Sg(duty.sg_state, now.monotonic_of(duty.sg_since))

    def think(self, granted: HeatMode | None, now: Moment) -> list[Note]:
        """It regulates itself; there is nothing to latch."""
        return []

    def drive(self, granted: HeatMode | None, now: Moment) -> Drive:
        """The state by order, surplus and owner, within dwell and longest block."""
        rules = self.setup.sg
        is_off = self.mode is LoadMode.OFF
        wish = sgready.NORMAL if is_off else sgready.wished(granted, self.pool_w, self.by_hand, rules)
        if granted is None and self.by_hand is None and self.sg.state == sgready.BLOCK:
            # A failure starts nothing: what was blocked stays so until the longest block is over.
            wish = sgready.BLOCK
        ordered = granted is HeatMode.BLOCK and not is_off
        before = self.sg
        self.sg = sgready.after(self.sg, wish, now.s, rules, ordered_block=ordered)
        if before.state == sgready.BLOCK == wish and self.sg.state == sgready.NORMAL:
            self.problem = f"blocked for {rules.block_max_s / 3600:g} h, the longest; released"
        elif self.sg.rest_until_s is None or now.s >= self.sg.rest_until_s:
            self.problem = None
        return self._told()

    def dress(self, state: HeatState, now: Moment) -> HeatState:
        """The state in force; whether it runs is its own business and may change at any time."""
        celsius, is_off = self.celsius(now), self.mode is LoadMode.OFF
        earliest = sgready.may_change_at(self.sg, self.setup.sg)
        return replace(
            state,
            sg_state=self.sg.state,
            target_c=self.setup.comfort_c,
            storage_c=self.setup.storage_c,
            comfort_demand=not is_off,
            storage_demand=not is_off and (celsius is None or celsius < self.setup.storage_c),
            confidence=self.model().confidence,
            may_switch_at=now.when(earliest) if earliest > now.s else None,
        )

    def keep(self, duty: HeatDuty, now: Moment) -> HeatDuty:
        """State and since when."""
        return replace(duty, sg_state=self.sg.state, sg_since=now.calendar_of(self.sg.since_s))

    def rest(self) -> Drive:
        """Normal: both contacts open, the heat pump's own control."""
        self.sg = sgready.Sg()
        return self._told()

    def _told(self) -> Drive:
        """All contacts, those that move first and in the right order, then those that are only renewed."""
        wanted = sgready.CONTACTS[self.sg.state]
        moves = sgready.contacts_to_move(self.closed, self.sg.state)
        kept = [(name, on) for name, on in zip("ab", wanted, strict=True) if (name, on) not in moves]
        self.closed = wanted
        return Drive(contacts=(*moves, *kept))
