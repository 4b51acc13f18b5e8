"""One plug: what is heard of it and ordered of it comes in, what to send and to say goes out.

No connection and no clock: every method is given the `Moment` it happens in, so a week passes in a test
as fast as it can be counted.
"""

from dataclasses import replace
from typing import Final

from busbar_contracts.load import LoadMode, PlugSwitch
from busbar_plugs import notices
from busbar_plugs.appetite import Appetite
from busbar_plugs.dimmer import Dimmer
from busbar_plugs.drivers.driver import heard
from busbar_plugs.learn import Learned
from busbar_plugs.memory import PlugMemory, relay_of, written
from busbar_plugs.orders import Orders
from busbar_plugs.pulse import TimerDuty
from busbar_plugs.relay import (
    Act,
    Relay,
    by_hand,
    decide,
    hand_over,
    is_manual,
    lost,
    reported,
    told,
    wanted,
)
from busbar_plugs.seen import Known, Seen, merged, only_problems, replayed
from busbar_plugs.setup import Setup, clamped
from busbar_shared.device_topics import Send
from busbar_shared.kept_leases import take_up
from busbar_shared.moment import Moment
from busbar_shared.notes import Note

STUBBORN_TRIES: Final = 4
INTRODUCE_AGAIN_S: Final = 600.0
UNHEARD_AGAIN_S: Final = (5.0, 30.0, 120.0)
"""When a load that never says where it stands is told the same once more, in case a message was lost."""
HANDS_A_MINUTE: Final = 4
"""Nobody presses a button more often; a relay that does so by itself is broken."""


Out = Send | Note


class Plug:
    """One plug, relay or generic load."""

    def __init__(
        self,
        setup: Setup,
        now: Moment,
        memory: PlugMemory | None = None,
        learned: Learned | None = None,
    ) -> None:
        """With what was kept of it before the last stop, if anything."""
        self.setup = setup
        self.known = Known()
        self.relay = Relay()
        self.orders = Orders(setup.id, setup.issuer)
        self.appetite = Appetite(setup, learned)
        self.mode: LoadMode | None = None
        self.duty = TimerDuty(setup.rules.device_lease_s, memory.owner_pulse if memory is not None else None)
        self.last_refusal: str | None = None
        self.started_s = now.s
        self.asked_s: float | None = None
        self.introduced_s: float | None = None
        self.dimmer = Dimmer(setup)
        self.repeated = 0
        self.has_connected = False
        self.hands: tuple[float, ...] = ()
        self.stubborn = False
        self.warned_power_on = False
        self._restore(memory, now)

    # -- what comes in ------------------------------------------------------------------------

    def hear(self, topic: str, payload: bytes, now: Moment, *, retained: bool = False) -> list[Out]:
        """A message of the device."""
        seen = heard(self.setup.driver, topic, payload)
        if seen.says_nothing:
            return []
        notes: list[Out] = [
            self._refused(f"{topic}: {problem.text}", problem.code, problem.path) for problem in seen.problems
        ]
        if only_problems(seen):
            return notes
        was_there = self.known.reachable
        if retained:
            self.known = replayed(self.known, seen, now.s)
            if self.known.reachable is False and was_there is not False:
                self.relay = lost(self.relay)
                notes += notices.link_changed(self.setup.id, was_there, False)
            return notes
        self.known = merged(self.known, seen, now.s)
        self.has_connected = self.has_connected or seen.connected
        if self.known.reachable is False:
            self.relay = lost(self.relay)
            return [*notes, *notices.link_changed(self.setup.id, was_there, False)]
        notes += [
            *notices.link_changed(self.setup.id, was_there, self.known.reachable),
            *self._power_on_note(seen),
            *self._position(seen, now),
        ]
        if seen.power_w is not None:
            self.appetite.drew(seen.power_w, self.relay.on, now)
        return notes

    def order(self, order: PlugSwitch, now: Moment, *, retained: bool = False) -> list[Out]:
        """An order; what of it is not taken is said."""
        refusal = self.orders.take(order, now, retained=retained)
        return [] if refusal is None else [self._refused(refusal.text, refusal.code, refusal.path)]

    def manual(self, on: bool, now: Moment) -> list[Out]:
        """The owner's own word, by message instead of by hand."""
        self.relay = by_hand(self.relay, on, now.s, self.setup.rules, asked=True)
        return [notices.by_hand(self.setup.id, on, self.setup.rules)]

    def settings(self, mode: LoadMode, enabled: bool) -> None:
        """The owner's mode for this load, as the allocator publishes it."""
        self.mode = mode if enabled else LoadMode.OFF

    # -- what goes out ------------------------------------------------------------------------

    def tick(self, now: Moment) -> list[Out]:
        """Everything that is due now."""
        out: list[Out] = [
            *self._silence(now),
            *self._ask(now),
            *self.duty.due(self.setup.driver, self.known, now.s),
        ]
        self.appetite.pass_time(self.relay.on, now)
        out += self._limit_of_a_hand(now)
        order = self.orders.in_force(now)
        want = wanted(
            self.relay,
            None if order is None else order.on,
            now.s,
            self.setup.rules,
            starting=self._starting(now),
        )
        act = decide(self.relay, want, now.s, self.setup.rules, link=self.link)
        switched = [] if act is None else self._sent(act, now)
        return [*out, *self._level(order, want, now), *switched, *self._once_more(want, now)]

    def release(self, now: Moment) -> list[Send]:
        """What leaves the device in its safe state when the service stops."""
        safe = self.setup.rules.safe_on
        sends = list(self.duty.released(self.setup.driver))
        if is_manual(self.relay, now.s) or (self.relay.on == safe and self.relay.told in (None, safe)):
            return sends
        if not safe:
            sends = [*self.setup.driver.switch(False), *sends]
            # The minimum time off counts from here, also for whoever comes after us.
            off = told(self.relay, Act(False), now.s, None)
            self.relay = replace(
                off, on=False, switched_at_s=now.s if self.relay.on else self.relay.switched_at_s
            )
            if self.setup.range is not None:
                sends = [*self.setup.driver.level(0.0), *sends]
        elif self.link:
            sends = [*self.setup.driver.switch(True), *sends]
        return sends

    @property
    def link(self) -> bool:
        """The device is there, as far as it can be known."""
        if self.setup.silent_after_s is None:
            return self.known.reachable is not False
        return bool(self.known.reachable)

    def memory(self, now: Moment) -> PlugMemory:
        """What must outlive this process."""
        return written(self.relay, self.orders.book.held(now.s), self.duty.owner_pulse, now)

    @property
    def at_stake(self) -> tuple[object, ...]:
        """What a crash in this second must not forget: who moved the relay, and when."""
        relay = self.relay
        return (
            relay.switched_at_s,
            relay.moves,
            relay.manual_on,
            relay.manual_until_s,
            self.duty.owner_pulse,
        )

    # -- inside -------------------------------------------------------------------------------

    def _restore(self, memory: PlugMemory | None, now: Moment) -> None:
        if memory is None:
            return
        take_up(self.orders.book, memory.leases, now)
        if memory.leases:
            # What ran out while nobody looked is over: the safe state applies at once, not after a grace.
            self.started_s = now.s - self.setup.rules.lease_s
        self.relay = relay_of(memory, self.setup.rules, now)

    def _position(self, seen: Seen, now: Moment) -> list[Out]:
        if seen.refused is not None:
            self.last_refusal = seen.refused
        notes: list[Out] = (
            [] if seen.refused is None else [Note("device_refused", f"{self.setup.id}: {seen.refused}")]
        )
        if seen.on is None:
            return notes
        # What a device says first after it has connected is how it woke up, not what somebody did.
        excused = seen.by_timer or seen.refused is not None or self.has_connected
        self.has_connected = False
        self.relay, moved = reported(self.relay, seen.on, now.s, self.setup.rules, excused=excused)
        if self.relay.on == self.relay.told:
            self.stubborn = False
        self.appetite.switched(seen.on, now)
        return [*notes, self._moved_by_itself(seen.on, now)] if moved else notes

    def _moved_by_itself(self, on: bool, now: Moment) -> Note:
        """A hand at the button, or a relay that chatters: that is nobody's wish and holds nothing."""
        self.hands = (*(at for at in self.hands if now.s - at < 60.0), now.s)
        if len(self.hands) <= HANDS_A_MINUTE:
            return notices.by_hand(self.setup.id, on, self.setup.rules)
        self.relay = hand_over(self.relay)
        return notices.chatters(self.setup.id, len(self.hands))

    def _starting(self, now: Moment) -> bool:
        return now.s - self.started_s < self.setup.rules.lease_s

    def _silence(self, now: Moment) -> list[Out]:
        limit = self.setup.silent_after_s
        last = self.known.heard_at_s
        if limit is None or not self.known.reachable or last is None or now.s - last <= limit:
            return []
        self.known = replace(self.known, reachable=False)
        self.relay = lost(self.relay)
        return [*notices.link_changed(self.setup.id, True, False)]

    def _ask(self, now: Moment) -> list[Out]:
        if self.asked_s is not None and now.s - self.asked_s < self.setup.poll_s:
            return []
        self.asked_s = now.s
        sends: list[Out] = list(self.setup.driver.ask())
        if self.known.power_on is None and (
            self.introduced_s is None or now.s - self.introduced_s >= INTRODUCE_AGAIN_S
        ):
            self.introduced_s = now.s
            sends += self.setup.driver.introduce()
        return sends

    def _level(self, order: PlugSwitch | None, want: bool | None, now: Moment) -> list[Out]:
        """The power of a load with a range, and a note when it says that it took another."""
        span = self.setup.range
        by_hand = is_manual(self.relay, now.s)
        if span is None or want is None or (by_hand and self.relay.told != self.relay.manual_on):
            # What was set at the device itself is the owner's, its power included.
            return []
        runs = want and (self.relay.on or self.relay.told)
        granted_w = span.max_w if by_hand else None if order is None else order.power_w
        watts = clamped(granted_w, span) if runs else 0.0
        problem = self.dimmer.problem(self.known.level)
        if problem is not None:
            self.last_refusal = problem.text
        sends = self.dimmer.due(watts, self.known.level, now.s, link=self.link)
        return [*sends, *([] if problem is None else [problem])]

    def _once_more(self, want: bool | None, now: Moment) -> list[Out]:
        """The last word again to a load that never answers."""
        at_s = self.relay.told_at_s
        if not self.setup.open_loop or want is None or want != self.relay.told or at_s is None:
            return []
        if self.repeated >= len(UNHEARD_AGAIN_S) or now.s - at_s < UNHEARD_AGAIN_S[self.repeated]:
            return []
        self.repeated += 1
        return list(self.setup.driver.switch(want))

    def _limit_of_a_hand(self, now: Moment) -> list[Out]:
        """What hangs on the plug has reached its own limit: then also what a hand switched on ends."""
        if not (self.orders.ends_hand(now) and self.relay.manual_on and is_manual(self.relay, now.s)):
            return []
        self.relay = hand_over(self.relay)
        return [notices.hand_ended(self.setup.id)]

    def _sent(self, act: Act, now: Moment) -> list[Out]:
        lease = self.setup.rules.device_lease_s if act.on else None
        sends: list[Out] = list(self.setup.driver.switch(act.on, lease))
        self.relay = told(self.relay, act, now.s, lease if self.setup.driver.timed else None)
        self.repeated = 0
        if self.setup.open_loop:
            # Nobody will ever tell us where it stands, so it stands where we put it.
            moved = self.relay.on != act.on
            self.relay = replace(
                self.relay, on=act.on, tries=0, switched_at_s=now.s if moved else self.relay.switched_at_s
            )
        if self.link and self.relay.tries >= STUBBORN_TRIES and not self.stubborn:
            self.stubborn = True
            sends.append(notices.does_not_obey(self.setup.id, act.on, STUBBORN_TRIES))
        return sends

    def _power_on_note(self, seen: Seen) -> list[Out]:
        """Once: a plug that comes back on after a power cut."""
        is_safe = seen.power_on in (None, "off") or self.setup.rules.safe_on
        if seen.power_on is None or is_safe or self.warned_power_on:
            return []
        self.warned_power_on = True
        return [notices.wakes_up(self.setup.id, seen.power_on)]

    def _refused(self, text: str, code: str, path: str) -> Note:
        self.last_refusal = text[:500]
        return Note(code, f"{self.setup.id}: {text}", path)
