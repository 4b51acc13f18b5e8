"""A SunSpec inverter (101 to 103, 111 to 113, 701, with 120/702 and 160/714) as a sample."""

from collections.abc import Mapping
from datetime import UTC, datetime

from busbar_contracts.meter import InverterState
from busbar_meter.block import Block
from busbar_meter.dc_inputs import solar_power, storage_there
from busbar_meter.samples import PHASES, InverterSample, Leg

# Float variants first: they have no scale factor to race with. 701 measures the same, with static ones.
INVERTER_MODELS = (111, 112, 113, 101, 102, 103, 701)
SINGLE = (101, 111)

# Models 10x and 11x count St from 1, model 701 counts InvSt from 0.
STATES = (
    InverterState.OFF,
    InverterState.SLEEPING,
    InverterState.STARTING,
    InverterState.RUNNING,
    InverterState.THROTTLED,
    InverterState.STOPPING,
    InverterState.FAULT,
    InverterState.STANDBY,
)
# Model 122 counts its time from here; what it is off by is told beyond this.
EPOCH_2000 = datetime(2000, 1, 1, tzinfo=UTC)
SKEW_S = 120.0
# Model 122 PVConn, bit 0
PV_CONNECTED = 1
WORKING = (InverterState.RUNNING, InverterState.THROTTLED, InverterState.STARTING)


def state_of(block: Block) -> InverterState:
    """What the inverter says it does."""
    point, first = ("InvSt", 0) if block.model.id == 701 else ("St", 1)
    raw = block.whole(point)
    if raw is None or not first <= raw < first + len(STATES):
        return InverterState.UNKNOWN
    return STATES[raw - first]


def rating_of(blocks: Mapping[int, Block]) -> float | None:
    """The continuous AC rating in watts, from model 120 or 702."""
    for model, point in ((120, "WRtg"), (702, "WMaxRtg")):
        rating = blocks[model].number(point) if model in blocks else None
        if rating:
            return rating
    return None


def inverter_sample(
    block: Block,
    blocks: Mapping[int, Block],
    at: datetime,
    phases: tuple[str, ...] = PHASES,
    battery_inputs: tuple[str, ...] = (),
    *,
    hybrid: bool = False,
) -> InverterSample:
    """The sample; `blocks` are all blocks of the same logical device by model.

    `hybrid` as configured; a battery that the device itself tells of makes it one as well.
    """
    state = state_of(block)
    power = block.number("W")
    hybrid = hybrid or storage_there(blocks)
    if power is None and not hybrid and disconnected(blocks):
        # SMA blanks everything by night; off the grid it makes nothing, and that is worth knowing.
        power, state = 0.0, InverterState.SLEEPING
    # Kostal's third input is the battery only where there is one.
    solar = solar_power(blocks, battery_inputs if hybrid else ())
    if solar is None and not hybrid:
        # Without a battery all DC power is the modules'; with one it is their sum with the battery.
        solar = block.number("DCW") if block.model.id != 701 else None
        solar = power if solar is None else solar
    return InverterSample(
        at=at,
        power_w=power,
        legs=_legs(block, phases, power),
        solar_w=None if solar is None else max(solar, 0.0),
        energy_wh=block.energy("TotWhInj" if block.model.id == 701 else "WH", running=state in WORKING),
        frequency_hz=block.number("Hz"),
        state=state,
        rating_w=rating_of(blocks),
        doubts=(*service_doubts(blocks), *clock_doubts(blocks, at)),
    )


def disconnected(blocks: Mapping[int, Block]) -> bool:
    """Whether the device says its modules are not connected to the grid (model 122)."""
    connected = blocks[122].whole("PVConn") if 122 in blocks else None
    return connected is not None and not connected & PV_CONNECTED


def service_doubts(blocks: Mapping[int, Block]) -> tuple[str, ...]:
    """A device that is not permitted to feed in (model 703) says so; Busbar never changes it."""
    forbidden = 703 in blocks and blocks[703].whole("ES") == 0
    return ("it is not permitted to enter service (model 703)",) if forbidden else ()


def clock_doubts(blocks: Mapping[int, Block], at: datetime) -> tuple[str, ...]:
    """A device clock that is wrong enough to spoil its own schedules. Its time is never used for ours."""
    seconds = blocks[122].number("Tms") if 122 in blocks else None
    if not seconds:
        return ()
    skew = seconds - (at - EPOCH_2000).total_seconds()
    return (f"its clock is {skew:+.0f} s off",) if abs(skew) > SKEW_S else ()


def _legs(block: Block, phases: tuple[str, ...], power: float | None) -> dict[str, Leg]:
    backwards = power is not None and power < 0
    if block.model.id in SINGLE or (block.model.id == 701 and block.whole("ACType") == 0):
        return {phases[0]: _single(block, power, backwards)}
    legs: dict[str, Leg] = {}
    for place, phase in enumerate(phases[:3]):
        leg = _leg_701(block, place) if block.model.id == 701 else _leg_10x(block, place, backwards)
        if leg != Leg():
            legs[phase] = leg
    return legs


def _single(block: Block, power: float | None, backwards: bool) -> Leg:
    amps, volts = ("AL1", "VL1") if block.model.id == 701 else ("AphA", "PhVphA")
    current = block.number(amps)
    current = block.number("A") if current is None else current
    voltage = block.number(volts)
    if voltage is None and block.model.id == 701:
        voltage = block.number("LNV")
    return Leg(_directed(current, backwards), power, voltage)


def _leg_10x(block: Block, place: int, backwards: bool) -> Leg:
    letter = "ABC"[place]
    return Leg(_directed(block.number(f"Aph{letter}"), backwards), None, block.number(f"PhVph{letter}"))


def _leg_701(block: Block, place: int) -> Leg:
    watts = block.number(f"WL{place + 1}")
    current = block.number(f"AL{place + 1}")
    return Leg(_directed(current, watts is not None and watts < 0), watts, block.number(f"VL{place + 1}"))


def _directed(current: float | None, backwards: bool) -> float | None:
    if current is None:
        return None
    return -abs(current) if backwards else abs(current)
