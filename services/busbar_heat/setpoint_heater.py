"""A room or a heat pump at work whose set-point is moved, and whose owner may turn the knob."""

import dataclasses
from typing import Final

from msgspec.structs import replace

from busbar_contracts.load import HeatMode, HeatState, LoadMode
from busbar_heat import setpoint
from busbar_heat.actuator import Drive
from busbar_heat.heater import Heater
from busbar_heat.memory import HeatDuty, HeatLore
from busbar_heat.setup import Setup
from busbar_shared.moment import Moment
from busbar_shared.notes import Note

MODE_S: Final = 90.0
"""So long after a start the device may take to say whether it heats or cools; then the file counts."""


class SetpointDevice(Heater):
    """A room or a heat pump whose set-point is moved."""

    point = setpoint.Setpoint(21.0)
    wants_comfort = True
    refused_once = False
    waits_for_mode = True
    """It has a mode of its own and did not say it yet."""
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
                duty.base_c, duty.offset_k, now.monotonic_of(duty.switched_at), duty.said_c, now.s,
                shown_c=duty.shown_c,
            )  # fmt: skip

    @property
    def season(self) -> setpoint.Season | None:
        """Heating or cooling: as the device says, else as configured, never by guess."""
        said = setpoint.season_of(self.senses.mode)
        if said is not None:
            return said
        return None if self.setup.season == "device" or self.waits_for_mode else self.setup.season

    def shown_target_c(self) -> float | None:
        """What it shows; what it rounds or cuts counts as what it was told."""
        shown = self.senses.target_c
        return self.point.said_c if shown is not None and shown == self.point.shown_c else shown

    def think(self, granted: HeatMode | None, now: Moment) -> list[Note]:
        """Respect a hand on the knob."""
        says_mode = self.setup.sensors.mode is not None and self.senses.mode is None
        self.waits_for_mode = says_mode and now.s - self.started_s < MODE_S
        self.problem = (
            None if self.season is not None else "whether it heats or cools is unknown; it is left alone"
        )
        celsius = self.celsius(now)
        needs = setpoint.comfort_demand(
            self.wants_comfort, celsius, self.point.base_c, self.season, self.setup.setpoint
        )
        # Its own thermostat may be of another opinion than ours: what runs, wants to.
        self.wants_comfort = needs or bool(self.is_drawing(now))
        return self._hear_target(now)

    def _hear_target(self, now: Moment) -> list[Note]:
        """Its own word on the set-point: the owner's hand, its own rounding, or a refusal."""
        shown_c, notes, name = self.senses.target_c, list[Note](), self.setup.id
        refuses = setpoint.refuses(self.point, shown_c, now.s)
        if refuses and not self.refused_once:
            text = f"{name}: was told {self.point.said_c:g} °C and shows {shown_c:g} °C"
            notes.append(Note("target_not_taken", text, "target"))
        self.refused_once = refuses
        if shown_c is None or self.senses.target_at_s == self.heard_at_s:
            return notes
        self.heard_at_s = self.senses.target_at_s
        before = self.point
        self.point, by_owner = setpoint.heard(before, shown_c, now.s)
        if by_owner:
            text = f"{name}: the target was changed to {self.point.base_c:g} °C by hand"
            notes.append(Note("target_changed", text, severity="info"))
        elif self.point.shown_c != before.shown_c and setpoint.is_cut(self.point):
            text = f"{name}: was told {self.point.said_c:g} °C and takes {shown_c:g} °C, its own limit"
            notes.append(Note("target_not_taken", text, "target"))
        return notes

    def drive(self, granted: HeatMode | None, now: Moment) -> Drive:
        """The owner's target with the offset of the grant."""
        rules = self.setup.setpoint
        if granted is HeatMode.BLOCK and not self.wants_comfort:
            # Nothing is withheld from a room that is warm: its set-point is left where the owner wants it.
            granted = HeatMode.NORMAL
        wish = setpoint.wished_offset_k(granted, self.season, rules)
        is_off = self.mode is LoadMode.OFF
        if is_off:
            wish = 0.0
        if (granted is None or is_off) and self._is_held_back(now):
            # Neither a failure nor an owner who switches it off starts it on wires that others have by now: what was
            # blocked stays so until the longest block is over.
            wish = self.point.offset_k
        if granted is HeatMode.BLOCK and not is_off and wish != self.point.offset_k:
            self.point = dataclasses.replace(self.point, offset_k=wish, moved_at_s=now.s)
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
            offset_k=setpoint.true_offset_k(self.point),
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
            shown_c=self.point.shown_c,
            switched_at=now.calendar_of(self.point.moved_at_s),
        )

    def rest(self, now: Moment) -> Drive:
        """The owner's own target."""
        if self.point.said_c is None:
            return Drive()
        moved_at_s = now.s if self.point.offset_k else self.point.moved_at_s
        ended = dataclasses.replace(self.point, offset_k=0.0, moved_at_s=moved_at_s)
        target = setpoint.in_force_c(ended, self.setup.setpoint)
        self.point = ended if target == ended.said_c else setpoint.said(ended, target, now.s)
        return Drive(target_c=target)

    @property
    def at_stake(self) -> tuple[object, ...]:
        """The owner's own target, and what was made of it."""
        point = self.point
        return (*super().at_stake, point.base_c, point.offset_k, point.said_c, point.shown_c)

    def _is_held_back(self, now: Moment) -> bool:
        blocked = setpoint.wished_offset_k(HeatMode.BLOCK, self.season, self.setup.setpoint)
        since = self.point.moved_at_s
        return (
            self.point.offset_k == blocked != 0.0
            and since is not None
            and now.s - since < self.setup.block_max_s
        )
