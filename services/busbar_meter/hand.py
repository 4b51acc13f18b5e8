"""Carrying a step out on one device: the hand that writes, and what the keeper learns of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import msgspec
from msgspec import Struct

from busbar_contracts.meter import Control
from busbar_meter.answers import (
    DEVICE_FAILURE,
    ILLEGAL_FUNCTION,
    DeviceLater,
    DeviceRefused,
    DeviceSilent,
    Wire,
)
from busbar_meter.block import Block
from busbar_meter.keeper import Keeper, Step
from busbar_meter.map_control import ControlRead, Place
from busbar_meter.quirks import Manner
from busbar_meter.unit import PartRead
from busbar_meter.values import Unwritable
from busbar_meter.writes import Aim, NotOffered, carry_out
from busbar_shared.clock import Clock

OTHER: dict[str, Literal["single", "multiple"]] = {"single": "multiple", "multiple": "single"}


class MapHand(Struct, frozen=True):
    """Where a device is steered beside SunSpec, and its control registers as just read."""

    wire: Wire
    unit: int
    registers: Mapping[int, int]
    allowed: Callable[[], bool]


class Hand(Struct, frozen=True):
    """Where and how one device is written to."""

    wire: Wire
    unit: int
    part: PartRead
    manner: Manner
    # False while an older instance of this service lives.
    allowed: Callable[[], bool]


def in_the_way_it_wants(hand: Hand, keeper: Keeper) -> Hand:
    """The hand with the function code the device turned out to want."""
    if keeper.write_with is None:
        return hand
    manner = msgspec.structs.replace(hand.manner, write_with=keeper.write_with)
    return msgspec.structs.replace(hand, manner=manner)


async def stepped(
    hand: Hand,
    model: int | None,
    keeper: Keeper,
    aim: Aim | NotOffered,
    clock: Clock,
    remember: Callable[[], None],
) -> Step:
    """What became of bringing one block of the device to an aim: the step, carried out if there was one."""
    if model is None or model not in hand.part.times:
        why = aim.why if isinstance(aim, NotOffered) else f"model {model} could not be read in this cycle"
        return Step((), Control.UNAVAILABLE, why)
    block = hand.part.blocks[model]
    if not keeper.steady(_references(hand.part.blocks)) and not (isinstance(aim, Aim) and aim.releases):
        return Step(
            (), Control.UNKNOWN, "what the percentages refer to has changed; waiting for a second reading"
        )
    step = keeper.step(clock.monotonic(), block, aim)
    if not step.writes or isinstance(aim, NotOffered):
        return step
    if not hand.allowed():
        return Step((), Control.UNKNOWN, "an older instance of this service lives and gives the orders")
    carrying = carry_out(hand.wire, hand.unit, hand.part.starts[model], step.writes, hand.manner.write_with)
    # Kostal wants function 6 and calls 16 a failure of its own (evcc issue 12444), APsystems wants 16.
    return await written(carrying, step, aim, keeper, clock, remember, OTHER[hand.manner.write_with])


async def stepped_by_map(
    hand: MapHand,
    places: Mapping[str, Place],
    keeper: Keeper,
    aim: Aim | NotOffered,
    clock: Clock,
    remember: Callable[[], None],
) -> Step:
    """The same for control registers that a register map names."""
    step = keeper.step(clock.monotonic(), ControlRead(places, hand.registers), aim)
    if not step.writes or isinstance(aim, NotOffered) or not hand.allowed():
        return step
    carrying = carry_out(hand.wire, hand.unit, 0, step.writes, "multiple")
    return await written(carrying, step, aim, keeper, clock, remember)


def _references(blocks: Mapping[int, Block]) -> tuple[float | None, ...]:
    """Everything a command is multiplied or divided by."""
    wanted = ((121, "WMax"), (120, "WRtg"), (702, "WMax"), (124, "WChaMax"))
    factors = ((123, "WMaxLimPct"), (704, "WMaxLimPct"), (704, "WSet"), (124, "InWRte"))
    return (
        *(blocks[model].number(point) if model in blocks else None for model, point in wanted),
        *(
            blocks[model].scale_of(blocks[model].model.points[point]) if model in blocks else None
            for model, point in factors
        ),
    )


async def written(
    carrying: Awaitable[None],
    step: Step,
    aim: Aim,
    keeper: Keeper,
    clock: Clock,
    remember: Callable[[], None],
    other: Literal["single", "multiple"] | None = None,
) -> Step:
    """Carry the writes of a step out, and let the keeper know what became of them."""
    if not keeper.touched:
        # Written down before the first write, so that a crash in between is known after it.
        keeper.touched = True
        remember()
    try:
        await carrying
    except DeviceLater as error:
        if error.code == DEVICE_FAILURE:
            keeper.refused(clock.monotonic(), str(error), other)
        else:
            keeper.busy(clock.monotonic(), str(error))
        raise
    except DeviceRefused as error:
        # A device may also take the points, but not several of them in one request.
        bundled = other == "single" and any(len(each.points) > 1 for each in step.writes)
        retry = other if bundled or error.code == ILLEGAL_FUNCTION else None
        keeper.refused(clock.monotonic(), str(error), retry)
        return Step((), Control.REJECTED, str(error))
    except Unwritable as error:
        keeper.refused(clock.monotonic(), str(error))
        return Step((), Control.REJECTED, str(error))
    except DeviceSilent:
        keeper.unheard(clock.monotonic())
        raise
    except asyncio.CancelledError:
        keeper.unsure()
        raise
    keeper.wrote(clock.monotonic(), aim)
    return step
