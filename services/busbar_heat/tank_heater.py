"""A hot water tank at work: its wishes latched, its contactor, its legionella programme, its lost sensor."""

import dataclasses
from typing import Final

from msgspec.structs import replace

from busbar_contracts.load import HeatMode, HeatState, LoadMode
from busbar_heat import legionella, tank, unmoved
from busbar_heat.actuator import Drive
from busbar_heat.contradiction import Contradiction
from busbar_heat.heater import Heater
from busbar_heat.memory import HeatDuty, HeatLore
from busbar_heat.setup import Setup
from busbar_shared.moment import Moment
from busbar_shared.notes import Note

SMALLEST_TANK_WH_PER_K: Final = 12.0
"""About ten litres (1.16 Wh per litre and kelvin): how fast a tank of unknown size may get warmer."""


OBEYS_S: Final = 60.0
RISE_MARGIN: Final = 1.2
"""A fitted capacity may be a little large, and then the tank gets warm faster than the model says."""


class Tank(Heater):
    """A hot water tank with a heater that is switched, or with a set-point of its own."""

    wants = tank.Wants()
    switching = tank.Switching()
    why = "not decided yet"
    stored = False
    sanitises = False
    was_lost = False
    was_overdue = False
    hidden = unmoved.Unmoved()
    heated_since_sample = (0.0, 0.0, 0.0)
    """The sample it counts from, the seconds heated since, and up to when they are counted."""

    def __init__(
        self, setup: Setup, now: Moment, duty: HeatDuty | None = None, lore: HeatLore | None = None
    ) -> None:
        self.refusal = Contradiction(OBEYS_S)
        super().__init__(setup, now, duty, lore)

    def take_up(self, duty: HeatDuty, now: Moment) -> None:
        """Minimum times go on; the heater itself is decided anew."""
        self.switching = tank.Switching(duty.on, now.monotonic_of(duty.switched_at))
        self.stored = duty.stored

    def settings(self, mode: LoadMode, enabled: bool) -> None:
        """Whoever chooses another mode may boost once more."""
        super().settings(mode, enabled)
        if self.mode is not LoadMode.BOOST:
            self.stored = False

    def celsius(self, now: Moment) -> float | None:
        """The temperature while it can be believed, and is that of what is heated."""
        is_cold = self.hidden.celsius is not None and self.hidden.celsius < self.setup.tank.comfort_c
        # Where it is warm its own thermostat may have opened, and then nothing went in.
        if is_cold and unmoved.is_elsewhere(self.hidden, self.model()):
            return None
        return super().celsius(now)

    def think(self, granted: HeatMode | None, now: Moment) -> list[Note]:
        """Latch the wishes, follow the legionella programme, notice a lost sensor."""
        self._count_hidden(now)
        celsius, rules = self.celsius(now), self.setup.tank
        notes = [*self._sensor_notes(celsius, now), *self._sanitise(celsius, now), *self._contradiction(now)]
        if self.was_overdue and self.problem is None:
            self.problem = (
                f"it was not hot enough for half an hour within {self.setup.legionella_days:g} days"
            )
        if self.mode is LoadMode.BOOST and celsius is not None and celsius >= rules.storage_c:
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
        told = self._told(self.switching.on, target, self.granted_w(now))
        return dataclasses.replace(told, at_limit=self.why.endswith("its maximum"))

    def expected_c(self, now: Moment) -> float | None:
        """The warmest it can be by now: a sample grows old while the heater runs."""
        celsius, sample = self.celsius(now), self.senses.temperature
        if celsius is None or sample is None:
            return celsius
        if sample.at_s != self.heated_since_sample[0]:
            self.heated_since_sample = (sample.at_s, 0.0, now.s)
        # What might be too hot is not heated, also while it is not believed yet.
        celsius = self.senses.thermometer.hottest(now.s, self.setup.max_age_s) or celsius
        at_s, heated_s, until_s = self.heated_since_sample
        heated_s += now.s - until_s if self.switching.on else 0.0
        self.heated_since_sample = (at_s, heated_s, now.s)
        rise = self.model().rise_k_per_s(self.power_w(now))
        if rise is None:
            rise = self.power_w(now) / SMALLEST_TANK_WH_PER_K / 3600
        return celsius + RISE_MARGIN * rise * heated_s

    def believed_on(self) -> bool | None:
        """As it says; a contactor that says nothing stands where we put it."""
        return self.senses.on if self.senses.on is not None else self.switching.on

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
        since = now.calendar_of(self.switching.since_s)
        return replace(duty, on=self.switching.on, switched_at=since, stored=self.stored)

    @property
    def at_stake(self) -> tuple[object, ...]:
        """Its contactor, and whether a boost is done."""
        return (*super().at_stake, self.switching, self.stored)

    def rest(self, now: Moment) -> Drive:
        """Off: without us nobody watches the wires it hangs on."""
        if self.switching.on:
            self.switching = tank.Switching(on=False, since_s=now.s)
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
            # A week is over for a tank nobody can see, too.
            return [] if target is None else self._overdue(target, now)
        done = legionella.seen(programme, celsius, target, now.calendar_s)
        around = self.senses.around_c(now.s, self.setup.around_c)
        lead = self.model().to_reach(celsius, target + tank.LEGIONELLA_MARGIN_K, around, self.power_w(now))
        days, watched = self.setup.legionella_days, now.calendar_s
        # Once begun it is finished: getting warmer shortens the lead, and the programme must not stop half way.
        again = self.sanitises and not done and not _was_done_since(programme, watched)
        self.sanitises = again or legionella.must_heat(programme, days, watched, lead)
        text = f"{self.setup.id} was hot enough for half an hour"
        said = [Note("legionella_done", text, severity="info")] if done else []
        return [*said, *self._overdue(target, now)]

    def _overdue(self, target_c: float, now: Moment) -> list[Note]:
        days = self.setup.legionella_days
        was, self.was_overdue = (
            self.was_overdue,
            legionella.is_overdue(self.lore.programme, days, now.calendar_s),
        )
        if was or not self.was_overdue:
            return []
        text = f"{self.setup.id} was not {target_c:g} °C for half an hour within {days:g} days"
        return [Note("legionella_overdue", text)]

    def _count_hidden(self, now: Moment) -> None:
        watts = self.power_w(now) if self.is_drawing(now) else 0.0
        self.hidden = unmoved.after(self.hidden, super().celsius(now), watts, now.s)

    def _contradiction(self, now: Moment) -> list[Note]:
        """A heater with a switch of its own that heats on; that it does not may be its own thermostat's doing."""
        heats_on = self.setup.wires.switch is not None and self.senses.on is True and not self.switching.on
        if not self.refusal.begins(heats_on, now.s):
            return []
        return [Note("heater_does_not_obey", f"{self.setup.id} was told off and says that it is on")]

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
