"""Figures per phase of the site."""

Phases = tuple[float, float, float]
PHASES = ("a", "b", "c")
NONE: Phases = (0.0, 0.0, 0.0)


def index(phase: str) -> int:
    """The place of a phase in a tuple of three; a letter that is no phase is a KeyError."""
    return {"a": 0, "b": 1, "c": 2}[phase]


def added(*figures: Phases) -> Phases:
    """The sum, phase by phase."""
    return (sum(f[0] for f in figures), sum(f[1] for f in figures), sum(f[2] for f in figures))


def less(figures: Phases, other: Phases) -> Phases:
    """The difference, phase by phase."""
    return (figures[0] - other[0], figures[1] - other[1], figures[2] - other[2])


def times(figures: Phases, other: Phases) -> Phases:
    """The product, phase by phase."""
    return (figures[0] * other[0], figures[1] * other[1], figures[2] * other[2])


def over(figures: Phases, other: Phases) -> Phases:
    """The quotient, phase by phase."""
    return (figures[0] / other[0], figures[1] / other[1], figures[2] / other[2])


def spread(total: float, phases: str | tuple[str, ...]) -> Phases:
    """A total shared evenly by the named phases; a phase named twice gets two shares."""
    if not phases:
        return NONE
    share = total / len(phases)
    shares = [0.0, 0.0, 0.0]
    for phase in phases:
        shares[index(phase)] += share
    return (shares[0], shares[1], shares[2])
