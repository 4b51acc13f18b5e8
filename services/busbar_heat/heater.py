"""What every heater has: orders with leases, senses, a thermal model, a power, a state to publish.

The three kinds differ in what they want and in what they are told; see `tank_heater.py` and its neighbours.
No connection and no clock here: every method is given the `Moment` it happens in.
"""

from abc import ABC, abstractmethod
from typing import Final

from msgspec.structs import replace

from busbar_contracts.load import HeatMode, HeatOrder, HeatState, LoadMode, PlugState
from busbar_heat import power, thermal
from busbar_heat.actuator import Actuator, Drive, PlugWish
from busbar_heat.learning import Learning
from busbar_heat.memory import HeatDuty, HeatLore
from busbar_heat.sample import fresh
from busbar_heat.senses import Senses
from busbar_heat.setup import Setup
from busbar_shared.device_topics import Send
from busbar_shared.kept_leases import kept_lease, take_up
from busbar_shared.leases import LeaseBook
from busbar_shared.moment import Moment
from busbar_shared.notes import Note

Out = Send | PlugWish | Note

RANK: Final = {HeatMode.BLOCK: 0, HeatMode.NORMAL: 1, HeatMode.BOOST: 2}
POWER_AGE_S: Final = 660.0
SETTLE_S: Final = 120.0
"""So long without drawing counts as satisfied."""


def lowers(order: HeatOrder, current: HeatOrder | None) -> bool:
    """A block is always lower; otherwise what asks for no more than what is in force."""
    if order.mode is HeatMode.BLOCK:
        return True
    if current is None or RANK[order.mode] > RANK[current.mode]:
        return False
    if order.power_w is None or current.power_w is None:
        return order.power_w == current.power_w
    return order.power_w <= current.power_w


class Heater(ABC):
    """One heater."""

    def __init__(
        self, setup: Setup, now: Moment, duty: HeatDuty | None = None, lore: HeatLore | None = None
    ) -> None:
        """With what was kept of it before the last stop, if anything."""
        self.setup = setup
        self.senses = Senses(setup.id, setup.sensors)
        self.actuator = Actuator(setup.wires, setup.lease_s)
        self.book: LeaseBook[HeatOrder] = LeaseBook(lowers)
        self.lore = lore if lore is not None else HeatLore()
        self._learning = Learning(setup, self.lore)
        self.mode = setup.mode
        self.by_hand: int | None = duty.by_hand if duty is not None else None
        self.pool_w: float | None = None
        self.last_refusal: str | None = None
        self.problem: str | None = None
        self.started_s = now.s
        self._still_since_s: float | None = None
        if duty is not None:
            take_up(self.book, duty.leases, now)
            if duty.leases:
                # What ran out while nobody looked is over: no grace on top of it.
                self.started_s = now.s - setup.lease_s
            self.take_up(duty, now)

    # -- what the kinds decide ----------------------------------------------------------------

    @abstractmethod
    def take_up(self, duty: HeatDuty, now: Moment) -> None:
        """Go on where the last process stopped."""

    @abstractmethod
    def think(self, granted: HeatMode | None, now: Moment) -> list[Note]:
        """Bring the wishes up to date."""

    @abstractmethod
    def drive(self, granted: HeatMode | None, now: Moment) -> Drive:
        """What the device should do now."""

    @abstractmethod
    def dress(self, state: HeatState, now: Moment) -> HeatState:
        """The state with what only this kind knows."""

    @abstractmethod
    def keep(self, duty: HeatDuty, now: Moment) -> HeatDuty:
        """The duty with what only this kind remembers."""

    @abstractmethod
    def rest(self, now: Moment) -> Drive:
        """How the device is left when the service stops."""

    # -- what comes in ------------------------------------------------------------------------

    def hear(self, topic: str, payload: bytes, now: Moment, *, retained: bool = False) -> list[Note]:
        """A message of the device or of a sensor."""
        before = self.senses.temperature, self.senses.power
        notes = self.senses.hear(topic, payload, now.s, retained=retained)
        if notes:
            self.last_refusal = notes[-1].text[:500]
        self._learn(before != (self.senses.temperature, self.senses.power), now)
        return notes

    def hear_plug(self, state: PlugState, now: Moment) -> None:
        """The plug that switches it."""
        before = self.senses.power
        age = (now.at - state.sampled_at).total_seconds() if state.sampled_at is not None else 0.0
        self.senses.hear_plug(state, now.s, age)
        self._learn(before != self.senses.power, now)

    def hear_contact(self, letter: str, state: PlugState) -> None:
        """A plug that is one of its contacts; only SG Ready has such."""
        return

    def order(self, order: HeatOrder, now: Moment, *, retained: bool = False) -> list[Note]:
        """An order; what of it is not taken is said."""
        if order.mode is not HeatMode.BLOCK and order.issuer != self.setup.issuer:
            return [
                self.refused(
                    "wrong_issuer",
                    f"issuer {order.issuer} may only block; {self.setup.issuer} may grant",
                    "issuer",
                )
            ]
        refusal = self.book.offer(order, now=now.at, monotonic=now.s, retained=retained)
        return [] if refusal is None else [self.refused(refusal.code, refusal.text, refusal.path)]

    def settings(self, mode: LoadMode, enabled: bool) -> None:
        """The owner's mode, as the allocator publishes it."""
        self.mode = mode if enabled else LoadMode.OFF

    def set_by_hand(self, sg_state: int | None) -> list[Note]:
        """The owner's own word; only heat pumps with contacts have such states."""
        if self.setup.kind == "sg_ready":
            self.by_hand = sg_state
            return []
        return [
            self.refused("not_sg_ready", f"it is a {self.setup.kind} and has no SG Ready states", "sg_state")
        ]

    # -- what goes out ------------------------------------------------------------------------

    def tick(self, now: Moment) -> list[Out]:
        """Everything that is due now."""
        granted = self.granted(now)
        self._note_still(now)
        notes = self.think(granted, now)
        if granted is None and now.s - self.started_s < self.setup.lease_s:
            # Just started: orders may still be under way, and nothing new is begun without one.
            return list(notes)
        drive = self.drive(granted, now)
        sends = self.actuator.drive(drive, now.s, seen_on=self.senses.on, seen_target_c=self.shown_target_c())
        return [*notes, *sends]

    def release(self, now: Moment) -> list[Send | PlugWish]:
        """What leaves the device as it should be without us."""
        self.actuator.forget()
        return self.actuator.drive(self.rest(now), now.s, seen_on=None, seen_target_c=None)

    def granted(self, now: Moment) -> HeatMode | None:
        """The smallest grant in force; in mode Off none counts."""
        if self.mode is LoadMode.OFF:
            return HeatMode.BLOCK
        order = self._order_in_force(now)
        return None if order is None else order.mode

    def granted_w(self, now: Moment) -> float | None:
        """The power of the grant, for heaters with a range."""
        order = self._order_in_force(now)
        return None if order is None else order.power_w

    def celsius(self, now: Moment) -> float | None:
        """The temperature while it can be believed."""
        given = self.setup
        return self.senses.celsius(
            now.s, given.max_age_s, on_since_s=self._learning.drew_since_s, around_c=given.around_c
        )

    def model(self) -> thermal.Model:
        """The thermal model as far as it is known."""
        return self._learning.model()

    def power_w(self, now: Moment) -> float:
        """The power to plan with: the rating, or what it was seen to draw."""
        return self._learning.planned_w(self._power_seen(now))

    def is_drawing(self, now: Moment) -> bool | None:
        """It heats now, by its power or by its relay; None when neither is known."""
        seen = self._power_seen(now)
        if seen is not None:
            return seen > power.DRAWING_SHARE * self.setup.rating_w
        return self.believed_on()

    def shown_target_c(self) -> float | None:
        """The set-point it shows, as far as it can be compared with what it was told."""
        return self.senses.target_c

    @property
    def at_stake(self) -> tuple[object, ...]:
        """What a crash in this second must not forget."""
        return (self.by_hand,)

    def believed_on(self) -> bool | None:
        """Where its relay stands, as it says or as we put it; None when neither is known."""
        return self.senses.on

    def state(self, now: Moment) -> HeatState:
        """All of it, as others are told."""
        celsius, watts, order = self.celsius(now), self.power_w(now), self._order_in_force(now)
        held = next((one for one in self.book.held(now.s) if one.order is order), None)
        times = [one.at_s for one in (self.senses.temperature, self.senses.power) if one is not None]
        state = HeatState(
            at=now.at,
            link=self.senses.present is not False,
            on=self.is_drawing(now),
            temperature_c=celsius,
            sampled_at=now.when(max(times)) if times else None,
            power_w=self._power_seen(now),
            energy_wh=None if self.senses.energy is None else self.senses.energy.value,
            power_at=None if self.senses.power is None else now.when(self.senses.power.at_s),
            energy_at=None if self.senses.energy is None else now.when(self.senses.energy.at_s),
            min_w=watts if self.setup.step_w is None else self.setup.min_w or 0.0,
            max_w=watts if self.setup.step_w is None else self.setup.rating_w,
            step_w=self.setup.step_w,
            measures=self.senses.power is not None,
            idle=self._still_since_s is not None and now.s - self._still_since_s >= SETTLE_S,
            order=None if held is None else held.order.mode,
            order_until=None if held is None else now.when(held.until_s),
            issuer=None if held is None else held.order.issuer,
            problem=self.problem,
            last_refusal=self.last_refusal,
        )
        return rounded(self.dress(state, now))

    def duty(self, now: Moment) -> HeatDuty:
        """What must be taken up again after a restart."""
        leases = [kept_lease(held, now) for held in self.book.held(now.s)]
        return self.keep(HeatDuty(leases=leases, by_hand=self.by_hand), now)

    # -- inside -------------------------------------------------------------------------------

    def refused(self, code: str, text: str, path: str = "") -> Note:
        """A note on something that was not taken, remembered for the state."""
        self.last_refusal = text[:500]
        return Note(code, f"{self.setup.id}: {text}", path)

    def _order_in_force(self, now: Moment) -> HeatOrder | None:
        orders = self.book.in_force(now.s)
        return min(orders, key=lambda one: (RANK[one.mode], one.power_w or 0.0), default=None)

    def _note_still(self, now: Moment) -> None:
        """Remember since when it does not draw; unknown is not still."""
        if self.is_drawing(now) is not False:
            self._still_since_s = None
        elif self._still_since_s is None:
            self._still_since_s = now.s

    def _power_seen(self, now: Moment) -> float | None:
        return fresh(self.senses.power, now.s, POWER_AGE_S)

    def _learn(self, changed: bool, now: Moment) -> None:
        """Let power and temperature teach the model; only what is new counts."""
        if not changed:
            return
        drawing, seen = bool(self.is_drawing(now)), self._power_seen(now)
        self._learning.saw_power(drawing, seen, now.s)
        watts = seen if seen is not None else self.power_w(now) if drawing else 0.0
        around = self.senses.around_c(now.s, self.setup.around_c)
        self._learning.saw_warmth(self.celsius(now), watts, drawing, around, now.s)


def rounded(state: HeatState) -> HeatState:
    """The state with figures as exact as they are true."""
    names = ("temperature_c", "target_c", "storage_c", "power_w", "min_w", "max_w", "wanted_wh")
    values = {name: getattr(state, name) for name in names}
    return replace(state, **{name: round(value, 1) for name, value in values.items() if value is not None})
