"""An SG Ready heat pump at work: two contacts, four states, dwell and the longest block."""

from typing import Final

from msgspec.structs import replace

from busbar_contracts.load import HeatMode, HeatState, LoadMode, PlugState
from busbar_heat import sgready
from busbar_heat.actuator import Drive
from busbar_heat.contradiction import Contradiction
from busbar_heat.heater import Heater
from busbar_heat.memory import HeatDuty, HeatLore
from busbar_heat.setup import Setup
from busbar_shared.moment import Moment
from busbar_shared.notes import Note

OBEYS_S: Final = 180.0
"""A plug that is a contact may have to stay off for its two minutes first."""


class SgReady(Heater):
    """A heat pump with two contacts."""

    sg = sgready.Sg()
    closed: tuple[bool | None, bool | None] = (None, None)

    def __init__(
        self, setup: Setup, now: Moment, duty: HeatDuty | None = None, lore: HeatLore | None = None
    ) -> None:
        # Where its contacts are plugs: whether each is seen closed, None while nobody knows.
        self.seen: dict[str, bool | None] = {}
        self.refusal = Contradiction(OBEYS_S)
        super().__init__(setup, now, duty, lore)

    def take_up(self, duty: HeatDuty, now: Moment) -> None:
        """Dwell and block go on counting."""
        rest_s = now.monotonic_of(duty.sg_rest_until, most_s=self.setup.block_max_s)
        self.sg = sgready.Sg(duty.sg_state, now.monotonic_of(duty.sg_since), rest_s)

    def hear_contact(self, letter: str, state: PlugState) -> None:
        """A plug that is one of its contacts."""
        self.seen[letter] = state.on if state.link else None

    def think(self, granted: HeatMode | None, now: Moment) -> list[Note]:
        """It regulates itself; only contacts that stand otherwise than they were told are noticed."""
        wrong = [
            letter
            for letter, told in zip("ab", self.closed, strict=True)
            if told is not None and self.seen.get(letter) not in (None, told)
        ]
        begins = self.refusal.begins(bool(wrong), now.s)
        if not self.refusal.lasts:
            return []
        stands = "closed" if self.seen[wrong[0]] else "open"
        self.problem = f"contact {wrong[0].upper()} is {stands} and was told otherwise"
        return [Note("heater_does_not_obey", f"{self.setup.id}: {self.problem}")] if begins else []

    def drive(self, granted: HeatMode | None, now: Moment) -> Drive:
        """The state by order, surplus and owner, within dwell and longest block."""
        rules = self.setup.sg
        is_off = self.mode is LoadMode.OFF
        wish = sgready.NORMAL if is_off else sgready.wished(granted, self.pool_w, self.by_hand, rules)
        is_left = is_off or (granted is None and self.by_hand is None)
        if is_left and self.sg.state == sgready.BLOCK:
            # Neither a failure nor an owner who switches it off starts it on wires that others have by now: what was
            # blocked stays so until the longest block is over.
            wish = sgready.BLOCK
        ordered = granted is HeatMode.BLOCK and not is_off
        before = self.sg
        self.sg = sgready.after(self.sg, wish, now.s, rules, ordered_block=ordered)
        if before.state == sgready.BLOCK == wish and self.sg.state == sgready.NORMAL:
            self.problem = f"blocked for {rules.block_max_s / 3600:g} h, the longest; released"
        elif not self.refusal.lasts and (self.sg.rest_until_s is None or now.s >= self.sg.rest_until_s):
            self.problem = None
        return self._told()

    def dress(self, state: HeatState, now: Moment) -> HeatState:
        """The state in force; whether it runs is its own business and may change at any time."""
        celsius, is_off = self.celsius(now), self.mode is LoadMode.OFF
        # Blocked by hand it needs no place on the wires; in any state by hand it follows no sun.
        needs, follows = not is_off and self.by_hand != sgready.BLOCK, not is_off and self.by_hand is None
        earliest = sgready.may_change_at(self.sg, self.setup.sg)
        return replace(
            state,
            sg_state=self.sg.state,
            target_c=self.setup.comfort_c,
            storage_c=self.setup.storage_c,
            comfort_demand=needs,
            storage_demand=follows and (celsius is None or celsius < self.setup.storage_c),
            confidence=self.model().confidence,
            may_switch_at=now.when(earliest) if earliest > now.s else None,
        )

    def keep(self, duty: HeatDuty, now: Moment) -> HeatDuty:
        """State and since when."""
        return replace(
            duty,
            sg_state=self.sg.state,
            sg_since=now.calendar_of(self.sg.since_s),
            sg_rest_until=now.calendar_of(self.sg.rest_until_s),
        )

    def rest(self, now: Moment) -> Drive:
        """Normal: both contacts open, the heat pump's own control."""
        if self.sg.state != sgready.NORMAL:
            self.sg = sgready.Sg(sgready.NORMAL, now.s)
        return self._told()

    @property
    def at_stake(self) -> tuple[object, ...]:
        """Dwell and the longest block are counted from here."""
        return (*super().at_stake, self.sg)

    def _may_close_a(self) -> bool:
        """Contact A alone is a block, so it waits until B is seen closed, where B can be seen."""
        wires = self.setup.wires.contacts
        return wires is None or not isinstance(wires[1], str) or self.seen.get("b") is True

    def _told(self) -> Drive:
        """All contacts, those that move first and in the right order, then those that are only renewed."""
        state = self.sg.state
        if state == sgready.FORCE and not self._may_close_a():
            state = sgready.RECOMMEND
        wanted = sgready.CONTACTS[state]
        moves = sgready.contacts_to_move(self.closed, state)
        kept = [(name, on) for name, on in zip("ab", wanted, strict=True) if (name, on) not in moves]
        self.closed = wanted
        return Drive(contacts=(*moves, *kept))
