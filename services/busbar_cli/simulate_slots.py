"""A simulated day in slots of some minutes: what the house asked for and offered, whatever control did with it."""

from msgspec import Struct

from busbar_simulator.build import Built
from busbar_simulator.plant.phases import PHASES, index

SLOT_S = 300.0


class Slot(Struct, kw_only=True):
    """Means over one slot. `base` is everything but sun, battery and cars."""

    s: float = 0.0
    sun_w: float = 0.0
    base_w: float = 0.0
    base_a: dict[str, float] = {}
    present: dict[str, float] = {}
    buy: float = 0.0
    sell: float = 0.0
    cost: float = 0.0
    """What the slot cost live."""


class CarDay(Struct, frozen=True, kw_only=True):
    """A charger with its cars."""

    legs: tuple[str, ...]
    most_w: float
    delivered_wh: float


class Store(Struct, frozen=True, kw_only=True):
    """All batteries as one; none has no capacity."""

    capacity_wh: float = 0.0
    charge_w: float = 0.0
    discharge_w: float = 0.0
    efficiency: float = 1.0
    begin_wh: float = 0.0
    least_wh: float = 0.0
    end_wh: float = 0.0


class Day(Struct, frozen=True, kw_only=True):
    """Everything an optimum must know."""

    slots: list[Slot]
    cars: dict[str, CarDay]
    store: Store
    limits_a: dict[str, float]
    voltage_v: float


class Slots:
    """Gathers the day while it is lived."""

    def __init__(self, built: Built) -> None:
        self._house = built.house
        self.slots: list[Slot] = []
        self._begin_wh = self._stored()
        self._energies = self._delivered()
        self._legs: dict[str, tuple[str, ...]] = {}
        self._most: dict[str, float] = {}

    def second(self, dt_s: float, prices: tuple[float, float]) -> None:
        """Count this second."""
        house = self._house
        if not self.slots or self.slots[-1].s >= SLOT_S:
            self.slots.append(Slot(base_a={}, present={}))
        slot = self.slots[-1]
        part = dt_s / (slot.s + dt_s)
        cars, fed = self._amps()
        roof = house.sun_w if any(one.spec.has_sun for one in house.inverters.values()) else 0.0
        buy, sell = prices
        grid_w = sum(house.grid_w)
        slot.cost += (max(grid_w, 0.0) * buy - max(-grid_w, 0.0) * sell) * dt_s / 3.6e6
        base = {p: house.grid_a[index(p)] + fed[index(p)] - cars[index(p)] for p in self._phases()}
        base_w = sum(base[p] * house.volts[index(p)] for p in base)
        slot.sun_w += part * (roof - slot.sun_w)
        slot.base_w += part * (base_w - slot.base_w)
        slot.buy += part * (buy - slot.buy)
        slot.sell += part * (sell - slot.sell)
        for phase, amps in base.items():
            before = slot.base_a.get(phase, 0.0)
            slot.base_a[phase] = before + part * (amps - before)
        for name, socket in house.sockets.items():
            before = slot.present.get(name, 0.0)
            slot.present[name] = before + part * (float(socket.occupied) - before)
            if socket.car is not None:
                legs = socket.spec.legs[: min(socket.car.spec.legs, len(socket.spec.legs))]
                self._legs[name] = legs
                # Live the mean voltage is not nominal; nobody should miss the last watt for it.
                self._most[name] = min(socket.car.spec.max_a, socket.spec.max_a) * len(legs) * 235.0
        slot.s += dt_s

    def day(self, voltage_v: float, least_percent: float) -> Day:
        """What was gathered."""
        house = self._house
        storages = [one.storage for one in house.inverters.values() if one.storage is not None]
        capacity = sum(one.spec.capacity_wh for one in storages)
        end = self._stored()
        # Live the battery may have been below its floor; the optimum is allowed as much.
        least = min(least_percent / 100 * capacity, self._begin_wh, end)
        delivered = self._delivered()
        return Day(
            slots=self.slots,
            cars={
                name: CarDay(
                    legs=legs, most_w=self._most[name], delivered_wh=delivered[name] - self._energies.get(name, 0.0)
                )
                for name, legs in self._legs.items()
            },
            store=Store(
                capacity_wh=capacity, charge_w=sum(one.spec.charge_w for one in storages),
                discharge_w=sum(one.spec.discharge_w for one in storages),
                efficiency=storages[0].spec.efficiency if storages else 1.0,
                begin_wh=self._begin_wh, least_wh=least, end_wh=end,
            ),
            limits_a={p: house.circuits[house.root].limits_a[p] for p in self._phases()},
            voltage_v=voltage_v,
        )  # fmt: skip

    def _phases(self) -> tuple[str, ...]:
        return tuple(p for p in PHASES if p in self._house.circuits[self._house.root].limits_a)

    def _amps(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """What cars draw and inverters feed, per phase."""
        house = self._house
        cars = tuple(sum(s.currents()[i] for s in house.sockets.values()) for i in range(3))
        fed = tuple(
            sum(one.ac_phases_w[i] for one in house.inverters.values()) / house.volts[i] for i in range(3)
        )
        return cars, fed

    def _stored(self) -> float:
        return sum(
            one.storage.soc_percent / 100 * one.storage.spec.capacity_wh
            for one in self._house.inverters.values()
            if one.storage is not None
        )

    def _delivered(self) -> dict[str, float]:
        return {name: socket.energy_wh for name, socket in self._house.sockets.items()}
