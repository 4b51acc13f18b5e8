"""What the wires leave a battery that may charge from the grid, as the engine reckons it."""

from typing import Any

import msgspec
import pytest

from busbar_allocator.allocate import allocate
from busbar_allocator.snapshot import Snapshot

BIG: dict[str, Any] = {"grid_charging": True, "charge_limit_w": 9000, "soc_target_percent": 80}
CHARGING = {"power_w": 2300, "soc_percent": 40}


def rooms(
    site: dict[str, Any], now: dict[str, Any], batteries: dict[str, Any], charging: dict[str, Any]
) -> dict[str, float]:
    """Each battery's room, W, in a house on one phase of 25 A without loads."""
    whole = {
        "site": {"phases": ["a"], "circuits": {"main": {"limit_a": 25}}, "batteries": batteries} | site,
        "now": {"batteries": charging} | now,
    }
    found = allocate(msgspec.convert(whole, Snapshot)).batteries
    return {name: one.charge_limit_w for name, one in found.items()}


@pytest.mark.parametrize(
    ("main", "room_w"),
    [
        pytest.param({"background_a": {"a": 15.0}}, 20 * 230, id="the meter less what it takes now"),
        pytest.param(
            {"background_a": {"a": 15.0}, "beside_batteries_a": {"a": 5.0}}, 20 * 230, id="both agree"
        ),
        pytest.param(
            {"background_a": {"a": 5.0}, "beside_batteries_a": {"a": 5.0}}, 20 * 230,
            id="it moved, and the meter does not show that yet",
        ),
        pytest.param(
            {"background_a": {"a": 15.0}, "beside_batteries_a": {"a": 24.0}}, 230, id="an oven that is believed"
        ),
        pytest.param(
            {"background_a": {"a": 15.0}, "beside_batteries_a": {"a": 26.0}}, 0, id="more than there is"
        ),
    ],
)  # fmt: skip
def test_room_on_the_main_breaker(main: dict[str, Any], room_w: float) -> None:
    assert rooms({}, {"circuits": {"main": main}}, {"cellar": BIG}, {"cellar": CHARGING}) == {
        "cellar": pytest.approx(room_w, abs=0.1)
    }


@pytest.mark.parametrize(
    ("garage", "in_garage", "room_w"),
    [
        pytest.param(
            {"background_a": 4}, None, 12 * 230,
            id="without a meter: what it takes now is no room beside itself",
        ),
        pytest.param({}, {"background_a": {"a": 14.0}}, 12 * 230, id="with a meter that shows it too"),
    ],
)  # fmt: skip
def test_room_on_a_circuit_of_its_own(
    garage: dict[str, Any], in_garage: dict[str, Any] | None, room_w: float
) -> None:
    site = {"circuits": {"main": {"limit_a": 63}, "garage": {"limit_a": 16, "parent": "main"} | garage}}
    now = {"circuits": {"main": {"background_a": {"a": 20.0}}}}
    if in_garage is not None:
        now["circuits"]["garage"] = in_garage

    found = rooms(site, now, {"cellar": BIG | {"circuit": "garage"}}, {"cellar": CHARGING})

    assert found == {"cellar": pytest.approx(room_w, abs=0.1)}


@pytest.mark.parametrize("steady", [False, True], ids=["by the newest figures", "by what stood for a while"])
def test_two_batteries_and_the_first_has_the_first_room(steady: bool) -> None:
    main: dict[str, Any] = {"background_a": {"a": 15.0}}
    if steady:
        main["beside_batteries_a"] = {"a": -5.0}
    one = BIG | {"charge_limit_w": 4600}

    found = rooms(
        {},
        {"circuits": {"main": main}},
        {"left": one, "right": one},
        dict.fromkeys(("left", "right"), CHARGING),
    )

    # 15 A are two batteries of 10 A beside 5 A of sun: 30 A for both, of which the second takes 10 A already.
    assert found == {"left": pytest.approx(4600, abs=0.1), "right": pytest.approx(2300, abs=0.1)}


GIVES = {"power_w": -2300, "soc_percent": 40}


@pytest.mark.parametrize(
    ("left", "right", "charge_w", "discharge_w"),
    [
        pytest.param(GIVES, GIVES, (3450, 0), (5000, 3050), id="what the other gives is no room to charge"),
        pytest.param(
            CHARGING,
            CHARGING,
            (1150, 2300),
            (5000, 3050),
            id="together they give no more than the wire bears",
        ),
        pytest.param(
            GIVES, GIVES | {"soc_percent": 20}, (3450, 0), (5000, 3050), id="the second is at its minimum"
        ),
        pytest.param(
            GIVES | {"soc_percent": 20}, GIVES, (3450, 0), (5000, 5000), id="the first has nothing to give"
        ),
    ],
)
def test_two_batteries_on_one_phase_never_count_on_each_other(
    left: dict[str, Any],
    right: dict[str, Any],
    charge_w: tuple[float, float],
    discharge_w: tuple[float, float],
) -> None:
    """A house of 10 A, 25 A: 15 A to charge for both, 35 A to give."""
    one = BIG | {"charge_limit_w": 5000, "discharge_limit_w": 5000, "soc_min_percent": 20}
    taken_a = (left["power_w"] + right["power_w"]) / 230
    whole = {
        "site": {
            "phases": ["a"], "circuits": {"main": {"limit_a": 25}}, "batteries": {"left": one, "right": one},
        },
        "now": {
            "batteries": {"left": left, "right": right},
            "circuits": {"main": {"background_a": {"a": 10.0 + taken_a}}},
        },
    }  # fmt: skip

    found = allocate(msgspec.convert(whole, Snapshot)).batteries.values()

    assert tuple(one.charge_limit_w for one in found) == pytest.approx(charge_w, abs=0.1)
    assert tuple(one.discharge_limit_w for one in found) == pytest.approx(discharge_w, abs=0.1)
