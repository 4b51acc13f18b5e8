"""The highest current that the house itself was ever seen to draw, told apart from a car that only just began. Pure."""

from collections.abc import Mapping, Sequence

from busbar_contracts.allocation import Allocation, MeterHealth

LASTING_S = 8.0
PHASES = ("a", "b", "c")


def highest(
    known: Mapping[str, Mapping[str, float]], allocations: Sequence[Allocation]
) -> dict[str, dict[str, float]]:
    """The highest background by circuit and phase, with what these decisions saw for at least 8 s.

    A car that ramps up looks like background until its charger has measured it; such moments do not count.
    """
    found = {circuit: dict(phases) for circuit, phases in known.items()}
    for index, first in enumerate(allocations):
        later = [one for one in allocations[index:] if (one.at - first.at).total_seconds() >= LASTING_S]
        if not later:
            break
        for (circuit, phase), seen_a in _backgrounds(first).items():
            lasting_a = min(seen_a, _backgrounds(later[0]).get((circuit, phase), 0.0))
            kept = found.setdefault(circuit, {})
            kept[phase] = max(kept.get(phase, 0.0), lasting_a)
    return found


def _backgrounds(allocation: Allocation) -> dict[tuple[str, str], float]:
    """The measured background: never more than the current less what the loads are known to draw."""
    if allocation.meter is not MeterHealth.FRESH:
        return {}
    found: dict[tuple[str, str], float] = {}
    for name, circuit in allocation.circuits.items():
        for phase in PHASES:
            room = getattr(circuit, phase)
            if room is None or room.background_a is None or room.current_a is None:
                continue
            drawn_a = sum(one.draw_a or 0.0 for one in allocation.loads.values() if phase in one.legs)
            found[name, phase] = max(min(room.background_a, room.current_a - drawn_a), 0.0)
    return found
