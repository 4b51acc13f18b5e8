"""What a device says, as rows a person or a program can read."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from busbar_meter.block import Block, Repetition
from busbar_meter.dc_inputs import storage_there
from busbar_meter.definitions import Point
from busbar_meter.discovery import BASES, Chain, Part
from busbar_meter.quirks import manner_in_chain
from busbar_meter.sunspec_battery import BATTERY_MODELS
from busbar_meter.sunspec_inverter import INVERTER_MODELS
from busbar_meter.sunspec_meter import METER_MODELS
from busbar_meter.unit import Identity
from busbar_meter.values import BITS, NUMBERS

UNSHOWN = ("sunssf", "pad")


class Device(Struct, frozen=True):
    """One logical device that was found, and what it can be in the house."""

    identity: Identity
    kinds: tuple[str, ...]


def named(*names: str | None) -> str:
    """What a device calls itself, on one line and without what a terminal would obey."""
    text = " ".join(name for name in names if name)
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def points_of(block: Block) -> dict[str, Any]:
    """Every implemented point of a block: numbers scaled, enumerations and bits by their names."""
    shown = {name: _shown(block, point) for name, point in block.model.points.items() if _worth(point)}
    rows = {name: value for name, value in shown.items() if value is not None}
    for number, repetition in enumerate(block.repetitions(), start=1):
        for name, point in block.model.repeated.items():
            value = _shown_repeated(repetition, point) if _worth(point) else None
            if value is not None:
                rows[f"{number}.{name}"] = value
    return rows


def _worth(point: Point) -> bool:
    return point.type not in UNSHOWN and point.name not in ("ID", "L")


def _shown(block: Block, point: Point) -> Any:
    if point.type == "string":
        return named(block.text(point.name)) or None
    if point.symbols:
        return _named(point, block.whole(point.name))
    return block.number(point.name) if point.type in NUMBERS else block.whole(point.name)


def _shown_repeated(repetition: Repetition, point: Point) -> Any:
    if point.type == "string":
        return named(repetition.text(point.name)) or None
    if point.symbols:
        return _named(point, repetition.whole(point.name))
    return repetition.number(point.name) if point.type in NUMBERS else repetition.whole(point.name)


def _named(point: Point, raw: int | None) -> Any:
    if raw is None:
        return None
    if point.type in BITS:
        return [symbol.name for symbol in point.symbols if raw >> symbol.value & 1] or raw
    return next((symbol.name for symbol in point.symbols if symbol.value == raw), raw)


def kinds_of(part: Part, blocks: Mapping[int, Block]) -> list[str]:
    """What a logical device can be in the house; a battery model full of blanks is no battery."""
    families = {"meter": METER_MODELS, "inverter": INVERTER_MODELS, "battery": BATTERY_MODELS}
    kinds = [kind for kind, models in families.items() if part.first(*models) is not None]
    return [kind for kind in kinds if kind != "battery" or storage_there(blocks)]


def snippet(place: str, unit: int, chain: Chain, devices: list[Device]) -> str:
    """Lines for busbar.toml, one table for each device found; they load as they are.

    `place` is the part of `modbus = {...}` that says where the line is.
    """
    lines: list[str] = []
    counts: dict[str, int] = {}
    base = "" if chain.base in BASES else f", base = {chain.base}"
    for device in devices:
        names: dict[str, str] = {}
        for kind in device.kinds:
            group = counts.get(kind, 0)
            counts[kind] = group + 1
            names[kind] = f"{kind}{unit}" + (f"-{group + 1}" if group else "")
            where = f"{place}, unit = {unit}{base}" + (f", group = {group}" if group else "")
            hints = _hints(kind, device, devices[0].identity.manufacturer)
            lines += [*_table(kind, names, device), f"modbus = {{ {where} }}", *hints, ""]
    return "\n".join(lines)


def _table(kind: str, names: Mapping[str, str], device: Device) -> list[str]:
    section = {"meter": "meters", "inverter": "inverters", "battery": "batteries"}[kind]
    identity = device.identity
    lines = [
        f"# {named(identity.manufacturer, identity.model, identity.option)}".rstrip(),
        f"[{section}.{names[kind]}]",
        'driver = "sunspec"',
    ]
    if kind == "inverter" and "battery" in device.kinds:
        lines += ["hybrid = true"]
    if kind == "battery" and "inverter" in names:
        lines += [f'inverter = "{names["inverter"]}"']
    return lines


def _hints(kind: str, device: Device, head: str | None) -> list[str]:
    manner = manner_in_chain(device.identity.manufacturer, device.identity.model, head)
    lines = ["# This maker lets only one program in at a time."] if manner.single_client else []
    if kind == "inverter" and manner.limit_map is not None:
        lines += [f'# For Busbar to limit it: writable = true and limit_map = "{manner.limit_map}"']
    if kind == "meter" and not manner.meter_sign_known:
        lines += ['# Check with a kettle: import must read positive, else sign = "export_positive"']
    return lines
