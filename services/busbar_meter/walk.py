"""Walking the chain of a unit over a wire, and reading one of its blocks whole.

What to ask and what the answers mean is known to `discovery`; here it is asked, and silence is told from a no.
"""

from collections.abc import Sequence

from busbar_meter.answers import (
    DEVICE_FAILURE,
    GATEWAY_TARGET,
    ChainMoved,
    DeviceLater,
    DeviceRefused,
    UnitAbsent,
    Wire,
)
from busbar_meter.block import Block, Place
from busbar_meter.definitions import Model, model
from busbar_meter.discovery import BASES, Answer, Ask, Chain, NotSunSpec, Refusal, survey
from busbar_meter.readplan import plan, span_of


async def find_chain(wire: Wire, unit: int, bases: Sequence[int] = BASES) -> Chain | NotSunSpec:
    """The chain of a unit, or what stood at every base instead of a mark. Raises DeviceSilent."""
    search = survey(bases)
    ask = next(search)
    while True:
        answer = await _asked(wire, unit, ask)
        try:
            ask = search.send(answer)
        except StopIteration as done:
            found: Chain | NotSunSpec = done.value
            return found


async def whole_block(wire: Wire, unit: int, place: Place) -> Block:
    """All registers of a block, in as many requests as it takes. Raises ChainMoved, DeviceSilent and DeviceRefused."""
    definition: Model | None = model(place.model)
    registers: dict[int, int] = {}
    for request in plan([span_of(place, definition)]):
        answer = await wire.read(unit, request.start, request.count)
        registers.update({request.start - place.start + step: value for step, value in enumerate(answer)})
    if registers.get(0) != place.model:
        raise ChainMoved(
            f"unit {unit}: at {place.start} is now model {registers.get(0)}, was model {place.model}"
        )
    return Block(definition or Model(place.model, {}, place.length), place.length, registers)


async def _asked(wire: Wire, unit: int, ask: Ask) -> Answer:
    """The answer to one question of the survey. Silence is passed on: it proves nothing.

    Some devices answer an address they do not have with "device failure" or like a gateway without a
    unit; behind a found chain that is its end, and at a base it is no base. Busy is asked again.
    """
    for patience in (True, True, False):
        try:
            return await wire.read(unit, ask.start, ask.count)
        except DeviceRefused as refused:
            return Refusal(refused.code)
        except DeviceLater as later:
            if not patience and later.code == DEVICE_FAILURE:
                return Refusal(later.code)
            if not patience:
                raise
        except UnitAbsent:
            if not ask.chained:
                raise
            if not patience:
                return Refusal(GATEWAY_TARGET)
    raise AssertionError("the last attempt returns or raises")
