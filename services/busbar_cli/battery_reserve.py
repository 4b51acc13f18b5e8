"""The inverter's own reserve (SunSpec model 124, MinRsvPct): read, and written once when the owner says so.

It is the one setting that Busbar leaves in a device for good: no lease ends it and no release takes it back.
Below it some inverters charge by themselves, from the grid too (Fronius GEN24 operating instructions, operating
state "forced re-charging"). So no service writes it, no message and no configuration does: only a person who
types the command. Models 713 and 714 have no such point; those of 802 are not written for want of a source.
"""

from __future__ import annotations

from msgspec import Struct

from busbar_meter.answers import ILLEGAL_FUNCTION, DeviceRefused, Wire
from busbar_meter.block import Block, Place
from busbar_meter.config import RolePlan, StationPlan
from busbar_meter.discovery import BASES
from busbar_meter.hand import OTHER
from busbar_meter.quirks import manner_of
from busbar_meter.roles import role_of
from busbar_meter.storage_window import CALIBRATING
from busbar_meter.sunspec_battery import BATTERY_MODELS
from busbar_meter.sunspec_station import part_for
from busbar_meter.unit import PartRead, Unit
from busbar_meter.walk import whole_block
from busbar_meter.writes import Write, carry_out, write
from busbar_shared.clock import Clock

STORAGE, POINT = 124, "MinRsvPct"
# A device may show a new setting a moment after it took it.
TAKES_S = 2.0


class NoReserve(Exception):
    """The reserve of this device cannot be read or written; the text says why. Asking again will not help."""


class Reserve(Struct, frozen=True, kw_only=True):
    """The reserve in percent of the battery's energy, before and after the command."""

    before_percent: float
    now_percent: float
    written: bool


def reserve_of(block: Block) -> float:
    """The reserve in percent as it stands in the device. Raises NoReserve."""
    percent = block.number(POINT)
    if percent is None:
        raise NoReserve(
            f"the device has no reserve of its own ({POINT} of model {STORAGE} is not implemented)"
        )
    if not 0 <= percent <= 100:
        # The scale of what is read is the scale of what would be written.
        raise NoReserve(f"its reserve reads {percent:g} %, so its scale is not trusted")
    return percent


def reserve_write(block: Block, percent: float) -> Write | None:
    """The one register that changes the reserve to so many percent; None where it says so already.

    Raises NoReserve for a device without one and while the battery calibrates itself.
    """
    before = reserve_of(block)
    if block.whole("ChaSt") == CALIBRATING:
        raise NoReserve("the battery is calibrating itself and is left alone")
    factor = block.scale_of(block.model.points[POINT])
    assert factor is not None  # a number has a scale
    raw = round(percent / 10.0**factor)
    return None if raw == round(before / 10.0**factor) else write(block, POINT, raw)


async def reserve(
    wire: Wire, station: StationPlan, plan: RolePlan, percent: float | None, clock: Clock
) -> Reserve:
    """The reserve of one battery, changed to so many percent where a figure is given.

    Written once, never repeated, and read back. Raises NoReserve, DeviceSilent and DeviceRefused.
    """
    unit = Unit(station.unit, clock, bases=BASES if station.base is None else (station.base,))
    unit.want(frozenset(BATTERY_MODELS), frozenset())
    part = part_for(role_of(plan), await unit.read(wire))
    if part is None or STORAGE not in part.times:
        raise NoReserve(f"the device has no model {STORAGE}")
    block = part.blocks[STORAGE]
    before = reserve_of(block)
    order = None if percent is None else reserve_write(block, percent)
    if order is None:
        return Reserve(before_percent=before, now_percent=before, written=False)
    await _written(wire, unit, part, order)
    after = await _read_back(wire, unit, part, order, clock)
    return Reserve(before_percent=before, now_percent=after, written=True)


async def _written(wire: Wire, unit: Unit, part: PartRead, order: Write) -> None:
    manner = manner_of(part.identity.manufacturer, part.identity.model)
    start = part.starts[STORAGE]
    await unit.assure(wire)
    try:
        await carry_out(wire, unit.number, start, [order], manner.write_with)
    except DeviceRefused as refused:
        # Exception 1: it wants the other function; nothing was written yet.
        if refused.code != ILLEGAL_FUNCTION:
            raise
        await carry_out(wire, unit.number, start, [order], OTHER[manner.write_with])


async def _read_back(wire: Wire, unit: Unit, part: PartRead, order: Write, clock: Clock) -> float:
    place = Place(STORAGE, part.starts[STORAGE], part.blocks[STORAGE].length)
    block = await whole_block(wire, unit.number, place)
    if block.whole(POINT) != order.values[0]:
        await clock.sleep(TAKES_S)
        block = await whole_block(wire, unit.number, place)
    if block.whole(POINT) != order.values[0]:
        raise NoReserve(f"the device took the order and keeps {reserve_of(block):g} %")
    return reserve_of(block)
