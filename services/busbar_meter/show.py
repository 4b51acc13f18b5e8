"""What a device says, as rows a person or a program can read."""

from typing import Any

from busbar_meter.block import Block, Repetition
from busbar_meter.definitions import Point
from busbar_meter.discovery import Chain, Part
from busbar_meter.quirks import manner_of
from busbar_meter.sunspec_battery import BATTERY_MODELS
from busbar_meter.sunspec_inverter import INVERTER_MODELS
from busbar_meter.sunspec_meter import METER_MODELS
from busbar_meter.unit import Identity
from busbar_meter.values import BITS, NUMBERS

UNSHOWN = ("sunssf", "pad")


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
        return block.text(point.name)
    if point.symbols:
        return _named(point, block.whole(point.name))
    return block.number(point.name) if point.type in NUMBERS else block.whole(point.name)


def _shown_repeated(repetition: Repetition, point: Point) -> Any:
    if point.type == "string":
        return repetition.text(point.name)
    if point.symbols:
        return _named(point, repetition.whole(point.name))
    return repetition.number(point.name) if point.type in NUMBERS else repetition.whole(point.name)


def _named(point: Point, raw: int | None) -> Any:
    if raw is None:
        return None
    if point.type in BITS:
        return [symbol.name for symbol in point.symbols if raw >> symbol.value & 1] or raw
    return next((symbol.name for symbol in point.symbols if symbol.value == raw), raw)


def kinds_of(part: Part) -> list[str]:
    """What a logical device can be in the house."""
    families = {"meter": METER_MODELS, "inverter": INVERTER_MODELS, "battery": BATTERY_MODELS}
    return [kind for kind, models in families.items() if part.first(*models) is not None]


def snippet(host: str, port: int, unit: int, chain: Chain, identities: list[Identity]) -> str:
    """Lines for busbar.toml, one table for each device found."""
    lines = []
    counts: dict[str, int] = {}
    for part, identity in zip(chain.parts, identities, strict=True):
        for kind in kinds_of(part):
            group = counts.get(kind, 0)
            counts[kind] = group + 1
            section = {"meter": "meters", "inverter": "inverters", "battery": "batteries"}[kind]
            place = f'host = "{host}", port = {port}, unit = {unit}' + (f", group = {group}" if group else "")
            name = f"{kind}{unit}" + (f"-{group + 1}" if group else "")
            lines += [
                f"# {identity.manufacturer} {identity.model}",
                f"[{section}.{name}]",
                'driver = "sunspec"',
            ]
            lines += [f"modbus = {{ {place} }}"]
            manner = manner_of(identity.manufacturer, identity.model)
            if manner.single_client:
                lines += ["# This maker lets only one program in at a time."]
            if kind == "meter" and not manner.meter_sign_known:
                lines += ['# Check with a kettle: import must read positive, else sign = "export_positive"']
            lines += [""]
    return "\n".join(lines)
