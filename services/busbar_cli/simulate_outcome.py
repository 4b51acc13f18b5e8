"""What comes out of a run: its figures, its course in moments for a picture, and every order that changed a load."""

from datetime import datetime

from msgspec import Struct

from busbar_cli.simulate_devices import Beat
from busbar_cli.simulate_figures import Figures
from busbar_cli.simulate_slots import Day
from busbar_simulator.build import Built

MOST_POINTS = 1500


class Point(Struct, frozen=True):
    """One moment for the picture. Powers in W, grid + import, battery + charging."""

    s: float
    sun: float
    house: float
    cars: float
    things: float
    battery: float
    grid: float
    soc: float | None


class Ran(Struct, frozen=True, kw_only=True):
    """The outcome of a run."""

    title: str
    figures: Figures
    points: list[Point]
    orders: list[tuple[float, str, float]]
    """Every change of a limit: seconds, load, A or W."""
    started_at: datetime
    day: Day
    """The same day in slots, for an optimum."""


class Trace:
    """What is written down while a house lives."""

    def __init__(self, built: Built, hours: float) -> None:
        """At most `MOST_POINTS` moments in so many hours, and at most one a second."""
        self._built = built
        self._beat = Beat(max(1.0, hours * 3600 / MOST_POINTS), 0.0)
        self._ordered: dict[str, float] = {}
        self.points: list[Point] = []
        self.orders: list[tuple[float, str, float]] = []
        self.given = 0
        """Orders given to loads, renewals among them, since the figures count."""

    def begin(self) -> None:
        """Figures count from here."""
        self.given = 0

    def order(self, second: float, load: str, value: float) -> None:
        """A load was told so many A or W; only what is new to it is written down."""
        self.given += 1
        if self._ordered.get(load) != value:
            self._ordered[load] = value
            self.orders.append((second, load, value))

    def look(self, second: float) -> None:
        """Keep this moment, if one is due."""
        if self._beat.due(second):
            self.points.append(self._moment(second))

    def _moment(self, second: float) -> Point:
        house = self._built.house
        storage = next((one.storage for one in house.inverters.values() if one.storage is not None), None)
        things = sum(
            a * v
            for thing in house.things.values()
            for a, v in zip(thing.currents(), house.volts, strict=True)
        )
        return Point(
            second, sum(one.pv_w for one in house.inverters.values()), sum(house.house_w) + house.outside_w,
            sum(one.power_w(house.volts) for one in house.sockets.values()), things,
            sum(one.battery_w for one in house.inverters.values()), sum(house.grid_w),
            None if storage is None else storage.soc_percent,
        )  # fmt: skip
