"""An inverter with sun, a battery or both on its DC side, minding the grid by its own fast loop.

The loop is the inverter's own self-consumption control: it knows nothing of Busbar, which can only lay a
window around the battery power (SunSpec 124) and a limit on the AC output (SunSpec 123 or 704).
"""

from collections import deque
from dataclasses import dataclass, field

from .phases import Phases, spread
from .storage import Storage, StorageSpec


@dataclass(frozen=True, kw_only=True)
class InverterSpec:
    """The plate of an inverter, and how nimble it is."""

    rating_w: float = 10_000.0
    phases: tuple[str, ...] = ("a", "b", "c")
    storage: StorageSpec | None = None
    has_sun: bool = True
    loop_s: float = 0.5
    ramp_w_per_s: float = 2_500.0
    # Of a grid power it sees, the part it answers in one loop: one battery is brisk, two must not fight.
    gain: float = 0.7
    # From an order to its first effect; it is taken at once and followed late.
    dead_s: float = 0.0


@dataclass(frozen=True)
class Window:
    """The battery powers allowed from outside, positive is charging; None is no bound on that side."""

    low_w: float | None = None
    high_w: float | None = None
    grid_charge: bool = False


@dataclass(frozen=True)
class Orders:
    """What was ordered last; `ac_set_w` is the AC output ordered exactly (SunSpec 704 WSet)."""

    window: Window
    ac_limit_w: float | None
    ac_set_w: float | None


@dataclass
class Inverter:
    """The inverter's present state; set `window`, `ac_limit_w`, `ac_set_w`, `connected` from outside."""

    spec: InverterSpec
    storage: Storage | None = None
    window: Window = field(default_factory=Window)
    ac_limit_w: float | None = None
    # The battery makes up the difference to the sun.
    ac_set_w: float | None = None
    connected: bool = True
    sun_w: float = 0.0
    pv_w: float = 0.0
    battery_w: float = 0.0
    generated_wh: float = 0.0
    _wanted_w: float = 0.0
    _until_loop_s: float = 0.0
    _tripped_s: float = 0.0
    _lived_s: float = 0.0
    _followed: Orders = Orders(Window(), None, None)
    _under_way: deque[tuple[float, Orders]] = field(default_factory=deque)

    @property
    def ac_w(self) -> float:
        """AC output, positive is generation; negative while it charges from the grid."""
        return self.pv_w - self.battery_w

    @property
    def ac_phases_w(self) -> Phases:
        """The output on the site's phases, evenly."""
        return spread(self.ac_w, self.spec.phases)

    @property
    def tripped(self) -> bool:
        """Whether it is off the grid by itself."""
        return self._tripped_s > 0 or not self.connected

    def trip(self, seconds: float) -> None:
        """Fall off the grid for a while."""
        self._tripped_s = seconds

    def step(self, dt_s: float, calendar_s: float, sun_w: float, grid_w: float) -> None:
        """Live for `dt_s` real and `calendar_s` calendar seconds; `grid_w` is what its own meter shows."""
        self.sun_w = sun_w if self.spec.has_sun else 0.0
        self._take_orders(dt_s)
        self._tripped_s = max(self._tripped_s - dt_s, 0.0)
        if self.tripped:
            self.pv_w = self.battery_w = self._wanted_w = 0.0
            return
        self._mind_the_grid(dt_s, grid_w)
        self._move(dt_s)
        if self.storage is not None:
            self.storage.flow(self.battery_w, calendar_s)
        self.generated_wh += max(self.ac_w, 0.0) * dt_s / 3600

    def _take_orders(self, dt_s: float) -> None:
        """What is ordered now is followed after the dead time."""
        self._lived_s += dt_s
        ordered = Orders(self.window, self.ac_limit_w, self.ac_set_w)
        if ordered != (self._under_way[-1][1] if self._under_way else self._followed):
            self._under_way.append((self._lived_s + self.spec.dead_s, ordered))
        while self._under_way and self._under_way[0][0] <= self._lived_s + 1e-9:
            _, self._followed = self._under_way.popleft()

    def _mind_the_grid(self, dt_s: float, grid_w: float) -> None:
        self._until_loop_s -= dt_s
        if self.storage is None or self._until_loop_s > 0:
            return
        self._until_loop_s += self.spec.loop_s
        if self._followed.ac_set_w is not None:
            self._wanted_w = self._bounded(self.sun_w - self._followed.ac_set_w)
            return
        # Import means discharge more (or charge less); export the other way round.
        self._wanted_w = self._bounded(self._wanted_w - self.spec.gain * grid_w)

    def _bounded(self, power_w: float) -> float:
        """The battery power that window, cells and the sun allow."""
        assert self.storage is not None
        low, high = -self.storage.can_discharge_w, self.storage.can_charge_w
        if self._followed.window.high_w is not None:
            high = min(high, max(self._followed.window.high_w, low))
        if self._followed.window.low_w is not None:
            low = max(low, min(self._followed.window.low_w, high))
        ordered_in = self._followed.ac_set_w is not None and self._followed.ac_set_w < 0
        if self.spec.has_sun and not self._followed.window.grid_charge and not ordered_in:
            # A DC-coupled battery takes sun; the grid only where it is allowed to.
            high = max(min(high, self.sun_w), min(low, 0.0))
            low = min(low, high)
        # Discharge shares the AC rating with the sun.
        low = max(low, min(self.sun_w - self._ac_bound(), high))
        return min(max(power_w, low), high)

    def _ac_bound(self) -> float:
        orders = [
            order for order in (self._followed.ac_limit_w, self._followed.ac_set_w) if order is not None
        ]
        return min([self.spec.rating_w, *(max(order, 0.0) for order in orders)])

    def _move(self, dt_s: float) -> None:
        """Ramp the battery, then give the sun what is left of the AC bound."""
        if self.storage is not None:
            goal = self._bounded(self._wanted_w)
            reach = self.spec.ramp_w_per_s * dt_s
            self.battery_w += min(max(goal - self.battery_w, -reach), reach)
            # What the cells cannot do they do not do, whatever the ramp says.
            self.battery_w = min(
                max(self.battery_w, -self.storage.can_discharge_w), self.storage.can_charge_w
            )
        self.pv_w = min(self.sun_w, max(self._ac_bound() + self.battery_w, 0.0))
