"""Learning the wiring from what loads do, on simulated houses with fridges, kettles and ovens."""

from random import Random
from typing import Any

import pytest
from allocator_house import Car, House, Profile, a_site

from busbar_allocator.detection import SURE, Evidence, finding, scored

ROTATIONS = {"abc": (0, 1, 2), "bca": (1, 2, 0), "cab": (2, 0, 1)}
QUIET = (0.5, 0.5, 0.5)


def seen(*events: tuple[tuple[float, ...], tuple[float, ...]], legs: int = 3) -> Evidence:
    """The evidence of a few moves: what the legs did, what the meter did."""
    evidence = Evidence(legs, 3)
    for moved, grid in events:
        evidence = scored(evidence, moved, grid, QUIET)
    return evidence


@pytest.mark.parametrize(
    ("evidence", "legs", "sure"),
    [
        pytest.param(seen(((6, 0, 0), (0.1, 6, 0)), ((5, 0, 0), (0, 5.1, 0.2))), (1, 2, 0), True, id="a one-phase car on b"),
        pytest.param(seen(((6, 6, 0), (0, 6, 6)), ((-6, -6, 0), (0, -6, -6))), (1, 2, 0), True, id="a two-phase car on b and c"),
        pytest.param(seen(((6,), (0, 0, 6)), ((8,), (9, 0, 8)), legs=1), (2,), True, id="a socket on c beside an oven on a"),
        pytest.param(seen(((6, 6, 6), (6, 6, 6)), ((5, 5, 5), (5, 5, 5))), (0, 1, 2), False, id="three equal legs tell nothing"),
        pytest.param(seen(((6, 0, 0), (0, 0, 0))), (0, 1, 2), False, id="a move the meter never showed tells nothing"),
    ],
)  # fmt: skip
def test_the_arrangement_of_legs(evidence: Evidence, legs: tuple[int, ...], sure: bool) -> None:
    found = finding(evidence)

    assert found is not None
    assert found.legs == legs or found.alike
    assert (found.confidence >= SURE) == sure


def test_rotations_that_cannot_be_told_apart_say_so() -> None:
    found = finding(seen(((6, 6, 6), (6, 6, 6))))

    assert found is not None
    assert found.alike


def test_one_clear_event_is_enough_to_doubt_a_transformer() -> None:
    found = finding(seen(((8, 8, 8), (8, -8, 8))))

    assert found is not None
    assert found.turned[1] > 0.6
    assert max(found.turned[0], found.turned[2]) < 0.1


def test_a_car_that_starts_as_it_should_casts_no_doubt() -> None:
    found = finding(seen(((8, 8, 8), (8, 8.5, 7.5))))

    assert found is not None
    assert max(found.turned) < 0.05


def a_noisy_phase(random: Random) -> Profile:
    """Base load, a fridge, switched things, sometimes an oven that cycles, and noise."""
    base, late, every, fridge = (
        random.uniform(0.5, 2),
        random.uniform(0, 600),
        random.uniform(400, 900),
        random.uniform(0.4, 1.2),
    )
    switched, at = [], 0.0
    while at < 700:
        at += random.expovariate(1 / 150)
        switched.append(
            (at, at + random.choice([20, 60, 180]), random.choice([0.5, 1.0, 2.0, 4.0, 8.0, 9.0]))
        )
    oven = (random.uniform(20, 60), random.uniform(4, 10)) if random.random() < 0.4 else None
    noise = [random.gauss(0, 0.15) for _ in range(1500)]

    def now(second: float) -> float:
        amps = base + noise[int(second * 2) % 1500] + (fridge if (second + late) % every < every * 0.4 else 0)
        amps += sum(size for start, end, size in switched if start <= second < end)
        return amps + (oven[1] if oven and second % oven[0] < oven[0] * 0.4 else 0)

    return now


def a_rotated_house(seed: int, turned: str | None = None, **site_changes: Any) -> tuple[House, str]:
    """A house whose charger is configured on a, b, c and hangs rotated; its car takes pauses."""
    random = Random(seed)
    true = random.choice(list(ROTATIONS))
    car = Car(legs=tuple(true), uses=random.choice([1, 2]), dead_s=random.choice([1.0, 2.0, 4.0]))
    site = a_site(chargers={"left": {}}, site=site_changes)
    site["circuits"]["main"]["limit_a"] = 63.0
    house = House(
        site, cars={"left-1": car}, house={p: a_noisy_phase(random) for p in "abc"}, seed=seed, turned=turned
    )
    for _ in range(60):
        if random.random() < 0.05:
            car.takes_a = random.choice([0.0, 6.0, 10.0, 16.0])
        house.run(10)
    return house, true


def test_what_is_stated_at_95_percent_is_right_that_often() -> None:
    stated = right = 0
    for seed in range(5000, 5016):
        house, true = a_rotated_house(seed)
        assert house.allocation is not None
        detection = house.allocation.loads["left-1"].detection
        if detection is not None and detection.confidence >= SURE:
            stated += 1
            right += "".join(detection.legs) == true
    assert stated >= 8
    assert right >= 0.95 * stated - 0.5


def test_a_rotated_charger_is_reported_once_and_its_legs_are_used_when_asked() -> None:
    house, true = a_rotated_house(5001, auto_apply=True)

    assert true == "cab"
    assert [one.code for one in house.refusals].count("phase_map_applied") == 1
    assert house.allocation is not None
    assert house.allocation.loads["left-1"].legs == ("c", "a")


def test_a_turned_transformer_is_reported_and_never_changed_silently() -> None:
    house, _ = a_rotated_house(5002, turned="b")

    assert house.allocation is not None
    if house.allocation.polarity_advice:
        assert house.allocation.polarity_advice == ("b",)
        assert "polarity" in [one.code for one in house.refusals]
    assert "polarity_applied" not in [one.code for one in house.refusals]


@pytest.mark.parametrize(
    ("quiet", "lowered"),
    [
        pytest.param(False, [13.0], id="a steady car in a noisy house is lowered for a moment, once an hour"),
        pytest.param(True, [], id="in a quiet house its first steps have told enough"),
    ],
)
def test_a_probe(quiet: bool, lowered: list[float]) -> None:
    site = a_site(chargers={"left": {"legs": ["a"]}}, site={"probe": True})
    car = Car(legs=("b",), uses=1)
    phases = {phase: (lambda _: 3.0) if quiet else a_noisy_phase(Random(9)) for phase in "abc"}
    house = House(site, cars={"left-1": car}, house=phases, seed=3).run(560)

    assert [amps for at, amps in car.orders if at > 40 and amps < 16] == lowered
    assert house.import_wh > 0
