"""What the commands ask of one device: all its points, its values by a register map, its register image."""

from typing import Any

import msgspec

from busbar_meter.answers import DeviceRefused, DeviceSilent, Wire
from busbar_meter.block import Block, Place
from busbar_meter.definitions import Model, model
from busbar_meter.discovery import BASES, NotSunSpec
from busbar_meter.image import Dump, UnitImage, registers_of, runs_of, take
from busbar_meter.readplan import narrower
from busbar_meter.registermap import POINTS, RegisterMap, invalid, values_of
from busbar_meter.show import points_of
from busbar_meter.walk import find_chain
from busbar_shared.clock import RealClock
from busbar_shared.life import program_version


async def chain_points(wire: Wire, unit: int, base: int | None) -> list[dict[str, Any]]:
    """Each block of a SunSpec unit with its implemented points, and what it refused to say."""
    chain = await find_chain(wire, unit, BASES if base is None else (base,))
    if isinstance(chain, NotSunSpec):
        raise DeviceSilent(f"unit {unit} is not a SunSpec device ({'; '.join(chain.tried)})")
    return [await _row(wire, unit, place) for place in chain.places]


async def _row(wire: Wire, unit: int, place: Place) -> dict[str, Any]:
    found, refused = await registers_of(wire, unit, place)
    definition = model(place.model) or Model(place.model, {}, place.length)
    points = points_of(Block(definition, place.length, found))
    if "SN" in points:
        points["SN"] = str(points["SN"])[:2] + "..."
    row = {"model": place.model, "address": place.start, "length": place.length, "points": points}
    return {**row, "refused": refused} if refused else row


async def map_registers(wire: Wire, unit: int, definition: RegisterMap) -> tuple[dict[int, int], list[str]]:
    """Every register a map names, and what the device refused to say."""
    found: dict[int, int] = {}
    refused: list[str] = []
    waiting = list(reversed(definition.reads(POINTS, control=True)))
    while waiting:
        request = waiting.pop()
        try:
            values = await wire.read(unit, request.start, request.count, function=definition.function)
        except DeviceRefused as error:
            smaller = narrower(request)
            waiting += reversed(smaller)
            refused += [] if smaller else [str(error)]
        else:
            found |= {request.start + step: value for step, value in enumerate(values)}
    return found, refused


async def map_points(wire: Wire, unit: int, definition: RegisterMap) -> list[dict[str, Any]]:
    """The values of each kind of device a map describes, as the service would take them."""
    found, refused = await map_registers(wire, unit, definition)
    rows: list[dict[str, Any]] = [
        {
            "kind": kind,
            "points": dict(values_of(definition, kind, found)),
            "doubt": invalid(definition, kind, found),
        }
        for kind in POINTS
        if definition.registers(kind)
    ]
    return [*rows, {"kind": "refused", "points": {}, "refused": refused}] if refused else rows


async def image_of(wire: Wire, units: list[int], base: int | None, definition: RegisterMap | None) -> Dump:
    """A register image of these units, by their chains or by a register map."""
    images: list[UnitImage] = []
    silent: list[DeviceSilent] = []
    for unit in units:
        try:
            images.append(await _unit_image(wire, unit, base, definition))
        except DeviceSilent as error:
            # What the other units say is worth keeping.
            silent.append(error)
    if not images:
        raise silent[0]
    missing = tuple(str(error) for error in silent)
    images[-1] = msgspec.structs.replace(images[-1], refused=(*images[-1].refused, *missing))
    return Dump(tuple(images), RealClock().now(), f"busbar {program_version()}")


async def _unit_image(wire: Wire, unit: int, base: int | None, definition: RegisterMap | None) -> UnitImage:
    if definition is not None:
        found, refused = await map_registers(wire, unit, definition)
        if not found:
            raise DeviceSilent(f"unit {unit} refuses every register of the map {definition.title}")
        title = f"read by the map {definition.title}"
        return UnitImage(unit, 0, title, tuple(runs_of(found)), tuple(refused))
    chain = await find_chain(wire, unit, BASES if base is None else (base,))
    if isinstance(chain, NotSunSpec):
        raise DeviceSilent(f"unit {unit} is not a SunSpec device ({'; '.join(chain.tried)})")
    return await take(wire, unit, chain)
