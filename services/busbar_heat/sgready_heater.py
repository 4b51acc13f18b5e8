"""An SG Ready heat pump at work: two contacts, four states, dwell and the longest block."""

from msgspec.structs import replace

from busbar_contracts.load import HeatMode, HeatState, LoadMode
from busbar_heat import sgready
from busbar_heat.actuator import Drive
from busbar_heat.heater import Heater
from busbar_heat.memory import HeatDuty
from busbar_shared.moment import Moment
from busbar_shared.notes import Note


class SgReady(Heater):
    """A heat pump with two contacts."""

    sg = sgready.Sg()
    closed: tuple[bool | None, bool | None] = (None, None)

    def take_up(self, duty: HeatDuty, now: Moment) -> None:
        """Dwell and block go on counting."""
        rest_s = now.monotonic_of(duty.sg_rest_until, most_s=self.setup.block_max_s)
        self.sg = sgready.Sg(duty.sg_state, now.monotonic_of(duty.sg_since), rest_s)

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

    def _told(self) -> Drive:
        """All contacts, those that move first and in the right order, then those that are only renewed."""
        wanted = sgready.CONTACTS[self.sg.state]
        moves = sgready.contacts_to_move(self.closed, self.sg.state)
        kept = [(name, on) for name, on in zip("ab", wanted, strict=True) if (name, on) not in moves]
        self.closed = wanted
        return Drive(contacts=(*moves, *kept))
