"""Register maps as files: found, read, and told what is wrong with them before they are used."""

import copy
import math
import re
import tomllib
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import msgspec

from busbar_meter.limit_control import LimitControl
from busbar_meter.map_control import SITUATIONS, BatteryControl, Place, Put, encoded, value_at
from busbar_meter.registermap import HOLDING, POINTS, SIZES, RegisterMap, Vector, values_of
from busbar_shared.judge import split

# The steps of a msgspec path: a field, a place in a list, or an entry of a table that it does not name.
STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|(\[\.\.\.\])")
UNKNOWN = re.compile(r"unknown field `(.+)`")


class BadMap(ValueError):
    """The map cannot be used; the text names file, field and value."""


def parse(text: str | bytes, name: str) -> RegisterMap:
    """A map from its text, or BadMap with every problem in it."""
    try:
        data = tomllib.loads(text if isinstance(text, str) else text.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadMap(f"{name}: not UTF-8: byte {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        raise BadMap(f"{name}: not TOML: {error}") from error
    except RecursionError as error:
        raise BadMap(f"{name}: not TOML that can be read: nested too deeply") from error
    try:
        definition = msgspec.convert(data, RegisterMap)
    except msgspec.ValidationError as error:
        raise BadMap(f"{name}: {_worded(data, *split(str(error)))}") from error
    problems = problems_of(definition)
    if problems:
        raise BadMap("\n".join(f"{name}: {problem}" for problem in problems))
    return definition


def _worded(data: dict[str, Any], sentence: str, path: str) -> str:
    """What is wrong with the form of a map, with the field and the value it has now."""
    steps: list[str | int] = []
    for name, index, _ in STEP.findall(path):
        found = _at(data, steps)
        if name or index:
            steps.append(name or int(index))
        else:
            steps.append(next((key for key in found if _wrong_alone(data, steps, key, sentence)), "..."))
    unknown = UNKNOWN.search(sentence)
    found = _at(data, [*steps, unknown[1]] if unknown else steps)
    shown = "" if found is None or isinstance(found, dict | list) else f" (found {found!r})"
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")
    return f"{where}: {sentence}{shown}" if where else f"{sentence}{shown}"


def _at(data: Any, steps: Iterable[str | int]) -> Any:
    for step in steps:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _wrong_alone(data: dict[str, Any], steps: list[str | int], key: str, sentence: str) -> bool:
    """Whether the file is wrong in this way with one entry of a table alone: msgspec does not name it."""
    trial = copy.deepcopy(data)
    table = _at(trial, steps)
    for other in [each for each in table if each != key]:
        del table[other]
    try:
        msgspec.convert(trial, RegisterMap)
    except msgspec.ValidationError as error:
        return split(str(error))[0] == sentence
    return False


def shipped() -> tuple[str, ...]:
    """The names of the maps that come with Busbar."""
    folder = files("busbar_meter").joinpath("maps")
    return tuple(sorted(each.name[:-5] for each in folder.iterdir() if each.name.endswith(".toml")))


def load(name: str) -> RegisterMap:
    """A shipped map by name, or an owner's by the path of its file."""
    if name.endswith(".toml"):
        try:
            return parse(Path(name).read_bytes(), name)
        except OSError as error:
            raise BadMap(f"{name}: {error.strerror}") from error
    if name not in shipped():
        raise BadMap(
            f"there is no map {name!r}; there are {', '.join(shipped())}, or the path of a .toml file"
        )
    return parse(files("busbar_meter").joinpath("maps", f"{name}.toml").read_bytes(), name)


def problems_of(definition: RegisterMap) -> list[str]:
    """What is wrong with a map beyond its form, as sentences."""
    problems = [] if definition.vector else ["no vector: give registers and what they decode to"]
    if not any(definition.registers(kind) for kind in POINTS):
        problems.append("no registers: there is neither [[meter]] nor [[inverter]] nor [[battery]]")
    for kind, points in POINTS.items():
        seen: dict[str, Literal["all", "known"] | None] = {}
        for number, register in enumerate(definition.registers(kind)):
            path = f"{kind}[{number}]"
            if register.point not in points:
                problems.append(f"{path}.point: {register.point!r} is none of {', '.join(points)}")
            if register.point in seen and None in (register.add, seen[register.point]):
                problems.append(
                    f"{path}.point: {register.point!r} is there twice; to add them up, each needs add"
                )
            elif register.add != seen.get(register.point, register.add):
                problems.append(f"{path}.add: {register.add!r} differs from {seen[register.point]!r} before")
            seen[register.point] = register.add
            if SIZES[register.type] > definition.most:
                problems.append(f"{path}.type: {register.type} is longer than most = {definition.most}")
            if not math.isfinite(register.scale) or register.scale == 0:
                problems.append(f"{path}.scale: {register.scale:g} makes nothing of any value")
            if register.end > 65536:
                problems.append(f"{path}.address: {register.address} leaves no room for {register.type}")
    if definition.function != HOLDING and definition.limit_control is not None:
        problems.append(
            f"function: {definition.function} reads input registers, but the limit of an inverter lies in holding "
            f"registers; [limit_control] needs function = {HOLDING}"
        )
    problems += _control_problems("battery_control", definition.battery_control)
    problems += _control_problems("limit_control", definition.limit_control)
    for number, vector in enumerate(definition.vector):
        problems += [f"vector[{number}].{problem}" for problem in _vector_problems(definition, vector)]
    return problems


TAKEN = {
    "battery_control": ("charge_w", "discharge_w", "revert_s"),
    "limit_control": ("percent", "fallback_percent"),
}
SECTIONS = {"battery_control": ("release", *SITUATIONS), "limit_control": ("release", "limit", "mandatory")}


def _control_problems(section: str, control: BatteryControl | LimitControl | None) -> list[str]:
    if control is None:
        return []
    problems = []
    for name in SECTIONS[section]:
        for number, put in enumerate(getattr(control, name)):
            path = f"{section}.{name}[{number}]"
            if put.register not in control.registers:
                problems.append(
                    f"{path}.register: {put.register!r} is none of {', '.join(control.registers)}"
                )
            elif not _fits(put, control.registers[put.register]):
                problems.append(f"{path}.value: {put.value:g} does not fit into {put.register}")
            if (put.value is None) == (put.take is None):
                problems.append(f"{path}: either value or take")
            if name == "release" and put.take is not None:
                problems.append(f"{path}.take: a release has no figures")
            elif put.take is not None and put.take not in TAKEN[section]:
                problems.append(f"{path}.take: {put.take!r} is none of {', '.join(TAKEN[section])}")
    for number, requirement in enumerate(control.require):
        if not math.isfinite(requirement.value):
            problems.append(f"{section}.require[{number}].value: {requirement.value:g} is no value")
    if isinstance(control, LimitControl):
        problems += [
            f"{section}.{name}: nothing in it takes {' or '.join(taken)}" for name, taken in _deaf(control)
        ]
    repeat = control.repeat if isinstance(control, BatteryControl) else ()
    timeout = (control.timeout,) if isinstance(control, LimitControl) and control.timeout else ()
    required = tuple(each.register for each in control.require)
    named = {"restore": control.restore, "require": required, "timeout": timeout, "repeat": repeat}
    for field, names in named.items():
        for number, register in enumerate(names):
            if register not in control.registers:
                problems.append(f"{section}.{field}[{number}]: {register!r} is none of its registers")
    return problems


def _deaf(control: LimitControl) -> list[tuple[str, tuple[str, ...]]]:
    """The parts of a limit that would not follow what is ordered."""
    wanted = {"limit": ("percent",), "mandatory": TAKEN["limit_control"]}
    return [
        (name, taken)
        for name, taken in wanted.items()
        if getattr(control, name) and not any(put.take in taken for put in getattr(control, name))
    ]


def _fits(put: Put, place: Place) -> bool:
    if put.value is None:
        return True
    if not math.isfinite(put.value) or abs(put.value) > 1e9:
        return False
    raw = encoded(place, put.sign * put.value)
    back = value_at(place, {place.address + step: word for step, word in enumerate(raw)})
    return back is not None and abs(back - put.sign * put.value) < 1.0


def _vector_problems(definition: RegisterMap, vector: Vector) -> list[str]:
    registers: dict[int, int] = {}
    for start, values in vector.registers.items():
        try:
            first = int(start, 0)
        except ValueError:
            return [f"registers: {start!r} is not an address"]
        if not 0 <= first <= 65536 - len(values):
            return [f"registers.{start}: {len(values)} registers from {first} on are not between 0 and 65535"]
        wrong = [value for value in values if not 0 <= value <= 65535]
        if wrong:
            return [f"registers.{start}: {wrong[0]} is no register, which holds 0 to 65535"]
        registers.update({first + step: value for step, value in enumerate(values)})
    found = {
        f"{kind}.{point}": value
        for kind in POINTS
        for point, value in values_of(definition, kind, registers).items()
    }
    return [
        f"expect.{point}: decodes to {found.get(point)} instead of {value:g}"
        for point, value in vector.expect.items()
        if point not in found or not abs(found[point] - value) <= max(1e-6, abs(value) * 1e-6)
    ]
