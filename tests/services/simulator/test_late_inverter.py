"""An inverter that obeys late, and one without a loop of its own."""

import pytest

from busbar_simulator.plant.inverter import Inverter, InverterSpec, Window
from busbar_simulator.plant.storage import Storage, StorageSpec

TICK_S = 0.05


def an_inverter(**more: float) -> Inverter:
    """A hybrid with a battery of 5 kW, half full."""
    plate = StorageSpec()
    return Inverter(spec=InverterSpec(storage=plate, **more), storage=Storage(plate, 50.0))  # type: ignore[arg-type]


def live(inverter: Inverter, seconds: float, sun_w: float, grid_w: float = 0.0) -> None:
    for _ in range(round(seconds / TICK_S)):
        inverter.step(TICK_S, TICK_S, sun_w, grid_w)


@pytest.mark.parametrize(
    ("waits_s", "output_w"),
    [
        pytest.param(0.9, 6000.0, id="shortly before its dead time has passed it gives what it gave"),
        pytest.param(1.2, 2000.0, id="shortly after it keeps the limit"),
    ],
)
def test_a_limit_is_obeyed_after_the_dead_time(waits_s: float, output_w: float) -> None:
    inverter = an_inverter(dead_s=1.0)
    inverter.window = Window(0.0, 0.0)
    live(inverter, 5, sun_w=6000.0)

    inverter.ac_limit_w = 2000.0
    live(inverter, waits_s, sun_w=6000.0)

    assert inverter.ac_w == pytest.approx(output_w)


def test_of_two_orders_inside_the_dead_time_each_is_obeyed_in_its_turn() -> None:
    inverter = an_inverter(dead_s=1.0)
    inverter.window = Window(0.0, 0.0)
    live(inverter, 5, sun_w=6000.0)

    inverter.ac_limit_w = 2000.0
    live(inverter, 0.5, sun_w=6000.0)
    inverter.ac_limit_w = 4000.0
    live(inverter, 0.7, sun_w=6000.0)
    first = inverter.ac_w
    live(inverter, 0.6, sun_w=6000.0)

    assert (first, inverter.ac_w) == (pytest.approx(2000.0), pytest.approx(4000.0))


def test_without_a_loop_it_keeps_what_it_was_told_whatever_the_grid_needs() -> None:
    inverter = an_inverter(gain=0.0)
    inverter.window = Window(-1500.0, -1500.0)
    live(inverter, 3, sun_w=0.0, grid_w=-1500.0)
    told = inverter.battery_w

    inverter.window = Window(-5000.0, 5000.0)
    live(inverter, 3, sun_w=0.0, grid_w=3000.0)

    assert (told, inverter.battery_w) == (-1500.0, -1500.0)
