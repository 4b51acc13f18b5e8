"""What the wires have free right now at the meter, for whoever wants to rise.

The engine says where everyone may settle; this says how far a step up may go in this very moment: the
limit of every wire less its background, with all doubt against us, less what every other load may take,
the old current of a cut included as long as that cut is under way.
"""

from busbar_allocator.plan import LoadPlan, Plan

TINY = 1e-6


class Room:
    """Free amperes on every phase of every circuit, used up by raises in rank order."""

    def __init__(
        self,
        plan: Plan,
        backgrounds: dict[str, tuple[float, ...]],
        meters: dict[str, tuple[float, ...]],
        buffer_w: float,
    ) -> None:
        """Start from limits less backgrounds; the power buffer narrows the main breaker.

        `meters` is what each circuit's meter shows: where it shows no room there is none, whatever is believed.
        """
        self.free = {
            name: [most - used for most, used in zip(circuit.limits, backgrounds[name], strict=True)]
            for name, circuit in plan.circuits.items()
        }
        buffer_a = buffer_w / len(plan.phases) / plan.volts
        self.free[plan.root] = [amps - buffer_a for amps in self.free[plan.root]]
        self.units = {
            load.unit: [load.unit_a] * len(plan.phases)
            for load in plan.loads.values()
            if load.unit is not None
        }
        self.shown = {
            name: [most - amps for most, amps in zip(plan.circuits[name].limits, shown, strict=True)]
            for name, shown in meters.items()
        }

    def take(self, load: LoadPlan, uses: tuple[int, ...], amps: float) -> None:
        """Count a load's current (per leg) against all its wires; a negative one gives back."""
        for free in self._wires(load):
            for phase, count in enumerate(uses):
                free[phase] -= count * amps

    def _wires(self, load: LoadPlan) -> list[list[float]]:
        """What is free on each circuit of a load, its charger with several plugs among them."""
        circuits = [self.free[circuit] for circuit in load.circuits]
        return circuits if load.unit is None else [*circuits, self.units[load.unit]]

    def raised(self, load: LoadPlan, uses: tuple[int, ...], amps: float) -> None:
        """Count a raise against all wires of a load, and against what their meters show free."""
        self.take(load, uses, amps)
        for circuit in load.circuits:
            shown = self.shown.get(circuit, [])
            for phase in range(len(shown)):
                shown[phase] -= uses[phase] * amps

    def for_load(self, load: LoadPlan, uses: tuple[int, ...]) -> float:
        """How many amperes per leg are free for this load, at least 0."""
        used = [(phase, count) for phase, count in enumerate(uses) if count]
        free = min((wire[phase] / count for wire in self._wires(load) for phase, count in used), default=0.0)
        shown = min(
            (
                self.shown[name][phase] / count
                for name in load.circuits
                if name in self.shown
                for phase, count in used
            ),
            default=free,
        )
        return max(0.0, min(free, shown) + TINY)
