"""How long a load takes to obey: learned from its answers, and never trusted outside 1 to 60 s."""

LEAST_S = 1.0
MOST_S = 60.0

FIRST_GUESS_S = {"charger": 5.0, "plug": 2.0, "heater": 2.0}
"""What is assumed before a load was seen to answer (allocation, section 6)."""

MARGIN_S = 1.0
"""A meter that speaks each second shows an answer up to a second late."""


def first_guess(kind: str) -> float:
    """The dead time of a load of this kind that never answered yet."""
    return FIRST_GUESS_S.get(kind, FIRST_GUESS_S["charger"])


def learned(known_s: float, seen_s: float) -> float:
    """The dead time after one more answer: a slow answer counts at once, a quick one little by little.

    Believing a load quicker than it is would blame the house for its late steps; the other way
    round costs a few seconds.
    """
    wanted = seen_s + MARGIN_S
    share = 0.7 if wanted > known_s else 0.2
    return bounded(known_s + share * (wanted - known_s))


def bounded(seconds: float) -> float:
    """A dead time inside its bounds; nonsense becomes the longest."""
    return min(max(seconds, LEAST_S), MOST_S) if seconds == seconds else MOST_S
