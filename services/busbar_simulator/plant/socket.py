"""A charging socket: contactor, pilot, and how its legs are wired to the site."""

from dataclasses import dataclass

from .car import Car
from .phases import Phases, index

Legs = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class SocketSpec:
    """One socket. `legs` names the site phase behind l1, l2, l3; they may be rotated, repeated or fewer."""

    legs: tuple[str, ...] = ("a", "b", "c")
    max_a: float = 16.0
    circuit: str = ""


class Socket:
    """What the charger's firmware commands (`pilot_a`, `closed`, `phases`) and what then flows."""

    def __init__(self, spec: SocketSpec) -> None:
        self.spec = spec
        self.car: Car | None = None
        self.pilot_a = 0.0
        self.closed = False
        self.phases = len(spec.legs)
        self.energy_wh = 0.0
        self.legs_a: Legs = (0.0, 0.0, 0.0)

    @property
    def occupied(self) -> bool:
        """A cable with a car on it."""
        return self.car is not None

    def step(self, dt_s: float, calendar_s: float, volts: Phases) -> None:
        """Let the car answer the pilot for `dt_s`."""
        used = self._used_legs()
        if self.car is None or not used:
            self.legs_a = (0.0, 0.0, 0.0)
            return
        mean_v = sum(volts[index(self.spec.legs[leg])] for leg in used) / len(used)
        # A phase switched off takes its share of the power with it.
        part = len(used) / self.car.spec.legs
        self.car.step(dt_s, calendar_s * part, min(self.pilot_a, self.spec.max_a), self.closed, mean_v)
        draws = [self.car.draw_a if leg in used else 0.0 for leg in range(3)]
        self.legs_a = (draws[0], draws[1], draws[2])
        self.energy_wh += self.power_w(volts) * dt_s / 3600

    def currents(self) -> Phases:
        """What flows on the site's phases."""
        site = [0.0, 0.0, 0.0]
        for leg, phase in enumerate(self.spec.legs):
            site[index(phase)] += self.legs_a[leg]
        return (site[0], site[1], site[2])

    def power_w(self, volts: Phases) -> float:
        """What flows, in watts."""
        return sum(volts[index(phase)] * self.legs_a[leg] for leg, phase in enumerate(self.spec.legs))

    def _used_legs(self) -> range:
        legs = self.car.spec.legs if self.car else 0
        return range(min(legs, self.phases, len(self.spec.legs)))
