"""An owner's own map of a battery that leaves its external mode when it hears no heartbeat. None is shipped."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from busbar_contracts.battery import BatterySetpoint
from busbar_contracts.meter import Control
from busbar_meter.actuators import WindowActuator
from busbar_meter.config import lines_of
from busbar_meter.map_file import load
from busbar_meter.map_station import MapStation
from busbar_shared.clock import VirtualClock
from busbar_shared.config.root import Site
from services.meter.register_images import PaperWire
from services.meter.test_map_control import NotOffered, told

NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)
OWN = str(Path(__file__).with_name("sungrow-sh-steered.toml"))
CONTROL = load(OWN).battery_control
SITE = msgspec.convert(
    {"batteries": {"cellar": {"driver": f"map:{OWN}", "modbus": {"host": "h"}, "writable": True}}}, Site
)
MODE, COMMAND, POWER, HEARTBEAT = 13049, 13050, 13051, 13079
# Input registers lie beside the holding registers of the same number and say other things.
READINGS = {13000: 0b010, 13021: 750, 13022: 625, MODE: 999, COMMAND: 999, POWER: 999, HEARTBEAT: 999}


class SungrowWire(PaperWire):
    """An inverter with input and holding registers, whose heartbeat counts down to the end of the mode."""

    def __init__(self) -> None:
        super().__init__(unit1={MODE: 0, COMMAND: 0xCC, POWER: 0, HEARTBEAT: 0})

    async def read(self, unit: int, start: int, count: int, *, function: int = 3) -> tuple[int, ...]:
        if function == 3:
            return await super().read(unit, start, count)
        return tuple(READINGS.get(at, 0) for at in range(start, start + count))

    def second(self) -> None:
        """As in the register log of mkaiser/Sungrow-SHx-Inverter-Modbus-Home-Assistant issue 377."""
        held = self.images[1]
        held[HEARTBEAT] = max(held[HEARTBEAT] - 1, 0)
        if held[HEARTBEAT] == 0:
            held[MODE] = 0

    @property
    def state(self) -> list[int]:
        return [self.images[1][at] for at in (MODE, COMMAND, POWER)]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        pytest.param(0, 0, {"heartbeat": 60, "power": 0, "command": 0xCC, "ems_mode": 3}, id="hold"),
        pytest.param(
            2000, 2000, {"heartbeat": 60, "power": 2000, "command": 0xAA, "ems_mode": 3}, id="charge exactly"
        ),
        pytest.param(
            -1500,
            -1500,
            {"heartbeat": 60, "power": 1500, "command": 0xBB, "ems_mode": 3},
            id="discharge exactly",
        ),
    ],
)
def test_an_exact_power_is_told_with_the_mode_last(
    low: float, high: float, expected: dict[str, float]
) -> None:
    found = told(CONTROL, low, high, {})

    assert list(found.items()) == list(expected.items())


@pytest.mark.parametrize(("low", "high"), [(0, 3000), (-3000, 0), (-3000, 3000)])
def test_a_choice_cannot_be_told(low: float, high: float) -> None:
    assert isinstance(told(CONTROL, low, high, {}), NotOffered)


def steered() -> tuple[SungrowWire, VirtualClock, MapStation, WindowActuator]:
    wire, clock = SungrowWire(), VirtualClock(NOON)
    window = WindowActuator(SITE.batteries["cellar"], clock, lambda: None, supervised=True)
    return wire, clock, MapStation(lines_of(SITE)[0].stations[0], clock, {"cellar": window}), window


async def second(wire: SungrowWire, clock: VirtualClock, station: MapStation) -> tuple[float, Control]:
    [(_, outcome)] = await station.visit(wire)
    await clock.advance(1.0)
    wire.second()
    return outcome.message.power_w, outcome.message.control


def charge(window: WindowActuator, clock: VirtualClock, lease_s: float = 120.0) -> None:
    order = BatterySetpoint(min_w=2000, max_w=2000, grid_charging=True, issuer="battery", instance="i", seq=1,
                            issued_at=NOON, lease_s=lease_s, reason="test")  # fmt: skip
    assert window.orders.offer(order, NOON, clock.monotonic(), retained=False) is None


async def test_it_is_charged_as_long_as_the_order_holds_and_given_back_after() -> None:
    wire, clock, station, window = steered()
    assert await second(wire, clock, station) == (750.0, Control.RELEASED)
    charge(window, clock)

    during = [(await second(wire, clock, station), wire.state) for _ in range(100)]
    for _ in range(40):
        after = await second(wire, clock, station)

    assert {state for state, _ in during} == {(750.0, Control.OURS)}
    assert {tuple(state) for _, state in during} == {(3, 0xAA, 2000)}
    assert (after, wire.state) == ((750.0, Control.RELEASED), [0, 0xCC, 0])
    heartbeats = [values for _, at, values in wire.written if at == HEARTBEAT]
    assert heartbeats == [(60,)] * 6
    # The others once for the order and once for its end, because they may lie in a memory that wears.
    assert [at for _, at, _ in wire.written if at != HEARTBEAT] == [
        POWER,
        COMMAND,
        MODE,
        COMMAND,
        POWER,
        MODE,
    ]


async def test_without_busbar_the_inverter_goes_back_to_itself_within_a_minute() -> None:
    wire, clock, station, window = steered()
    charge(window, clock)
    await second(wire, clock, station)
    assert wire.state == [3, 0xAA, 2000]

    for _ in range(60):
        wire.second()

    assert wire.state[0] == 0


async def test_what_the_owner_had_set_is_put_back() -> None:
    wire, clock, station, window = steered()
    wire.images[1][MODE], wire.images[1][HEARTBEAT] = 2, 5000
    await second(wire, clock, station)
    charge(window, clock)
    await second(wire, clock, station)

    await station.leave(wire)

    assert wire.state == [2, 0xCC, 0]


def test_a_patience_beyond_what_the_inverter_counts_is_cut() -> None:
    from busbar_meter.map_control import control_aim
    from busbar_meter.storage_window import Most, Window

    found = control_aim(
        CONTROL,
        {},
        Window(min_w=0, max_w=0),
        most=Most(charge_w=1, discharge_w=1),
        revert_s=3600,
        originals={},
    )

    assert found.writes[0].values == (1000,)
