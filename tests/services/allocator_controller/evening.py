"""How an evening is told: what house and sun do, and how long something takes."""

from typing import Any

from allocator_house import Car, House, Profile, a_site


def flat(*phases: float) -> dict[str, Profile]:
    """The same on each phase all evening."""
    return {phase: (lambda _, amps=amps: amps) for phase, amps in zip("abc", phases, strict=False)}  # type: ignore[misc]


def stepping(*steps: tuple[float, float]) -> Profile:
    """Amperes from given moments on."""

    def now(at: float) -> float:
        return [amps for start, amps in steps if start <= at][-1]

    return now


def one_leg(**changes: Any) -> dict[str, Any]:
    """A site with a one-phase charger on phase a."""
    return a_site(chargers={"left": {"legs": ["a"], **changes}})


def a_one_phase_car(**changes: Any) -> dict[str, Car]:
    return {"left-1": Car(legs=("a",), uses=1, **changes)}


def seconds_until(house: House, reached: Any, most: float) -> float:
    """How long until the house is as wanted; more than `most` when it never is."""
    start = house.now
    while house.now - start <= most and not reached(house):
        house.run(0.1)
    return round(house.now - start, 1)
