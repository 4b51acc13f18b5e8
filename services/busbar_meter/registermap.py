"""Register maps: devices without SunSpec, described by a data file that names its sources.

A map says what is read where; it is plain TOML, so that an owner can add a device. Values become the
house's units and signs in the map itself: import positive, generation positive, charging positive.
"""

from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from busbar_meter.limit_control import LimitControl
from busbar_meter.map_control import SITUATIONS, WRITE_SIZES, BatteryControl
from busbar_meter.readplan import MOST, Read, Span, plan
from busbar_meter.values import real, signed, unsigned

Type = Literal["int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
SIZES = {
    "int16": 1,
    "uint16": 1,
    "int32": 2,
    "uint32": 2,
    "int64": 4,
    "uint64": 4,
    "float32": 2,
    "float64": 4,
}

LEG_POINTS = tuple(f"{leg}.{what}" for leg in "abc" for what in ("current_a", "power_w", "voltage_v"))
POINTS = {
    "meter": ("power_w", "import_wh", "export_wh", "frequency_hz", *LEG_POINTS),
    "inverter": ("power_w", "solar_w", "energy_wh", "frequency_hz", "rating_w", *LEG_POINTS),
    "battery": ("power_w", "soc_percent", "capacity_wh", "charge_max_w", "discharge_max_w"),
}


class Bits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bits of a register that say something about another one."""

    address: Annotated[int, Meta(ge=0, le=65535, description="As sent on the wire, counted from 0.")]
    mask: Annotated[int, Meta(ge=1, le=65535, description="The bits that count.")]
    source: Annotated[str, Meta(min_length=2, description="Where they are documented.")]


class Valid(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a register must read for a kind of device to be believed at all."""

    kind: Annotated[Literal["meter", "inverter", "battery"], Meta(description="What it is about.")]
    address: Annotated[int, Meta(ge=0, le=65535, description="As sent on the wire, counted from 0.")]
    values: Annotated[
        tuple[int, ...], Meta(min_length=1, description="The raw numbers that say it is there.")
    ]
    why: Annotated[str, Meta(min_length=8, description="What it means when it reads something else.")]
    source: Annotated[str, Meta(min_length=2, description="Where it is documented.")]


class Register(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One value: where it is and what it means."""

    point: Annotated[str, Meta(description="What it is in the house, for example a.current_a.")]
    address: Annotated[int, Meta(ge=0, le=65535, description="As sent on the wire, counted from 0.")]
    type: Annotated[Type, Meta(description="How the registers are put together.")]
    scale: Annotated[float, Meta(description="What the raw number is multiplied by.")] = 1.0
    sign: Annotated[Literal[1, -1], Meta(description="-1 turns the maker's sign into the house's.")] = 1
    nothing: Annotated[int | None, Meta(description="The raw number that means unknown.")] = None
    word_order: Annotated[Literal["big", "little"] | None, Meta(description="Other than the map's.")] = None
    minus_if: Annotated[
        Bits | None, Meta(description="The value counts negative while these bits are set.")
    ] = None
    add: Annotated[
        Literal["all", "known"] | None,
        Meta(
            description="Several registers of one point are added up: when all are known, or those that are."
        ),
    ] = None
    source: Annotated[str, Meta(min_length=2, description="Where this register is documented.")]

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.address + SIZES[self.type]


class Vector(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Registers and what they must decode to."""

    source: Annotated[str, Meta(min_length=4, description="Where these registers come from.")]
    registers: Annotated[dict[str, tuple[int, ...]], Meta(description="By first address, decimal or 0x hex.")]
    expect: Annotated[
        dict[str, float], Meta(min_length=1, description="By kind.point, for example meter.power_w.")
    ]


class RegisterMap(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One device."""

    title: Annotated[str, Meta(min_length=2, description="Maker and model.")]
    source: Annotated[str, Meta(min_length=8, description="The vendor's document, with version.")]
    verified: Annotated[bool, Meta(description="Whether anybody compared it with the hardware.")]
    function: Annotated[Literal[3, 4], Meta(description="3 holding registers, 4 input registers.")] = 3
    word_order: Annotated[Literal["big", "little"], Meta(description="big: most significant word first.")] = (
        "big"
    )
    most: Annotated[int, Meta(ge=1, le=MOST, description="Most registers in one request.")] = MOST
    gap: Annotated[int, Meta(ge=0, le=MOST, description="Unused registers that may be read across.")] = 0
    every_least_s: Annotated[float, Meta(ge=0, description="Not to be asked more often.")] = 0.0
    notes: Annotated[str, Meta(description="What the owner must know or set on the device.")] = ""
    meter: tuple[Register, ...] = ()
    inverter: tuple[Register, ...] = ()
    battery: tuple[Register, ...] = ()
    battery_control: BatteryControl | None = None
    limit_control: LimitControl | None = None
    valid: tuple[Valid, ...] = ()
    vector: tuple[Vector, ...] = ()

    def registers(self, kind: str) -> tuple[Register, ...]:
        """The registers of one kind of device."""
        return {"meter": self.meter, "inverter": self.inverter, "battery": self.battery}[kind]

    def reads(self, kinds: Iterable[str], *, control: bool = False) -> tuple[Read, ...]:
        """The fewest requests for these kinds of device, with the registers that steer it if wanted."""
        kinds = tuple(kinds)
        wanted = {(each.address, each.end) for kind in kinds for each in self.registers(kind)}
        flags = [each.minus_if for kind in kinds for each in self.registers(kind)]
        wanted |= {(flag.address, flag.address + 1) for flag in flags if flag is not None}
        wanted |= {(each.address, each.address + 1) for each in self.valid if each.kind in kinds}
        for section in (self.battery_control, self.limit_control) if control else ():
            places = section.registers.values() if section is not None else ()
            wanted |= {(each.address, each.address + WRITE_SIZES[each.type]) for each in places}
        spans = [Span(start, end - start) for start, end in sorted(wanted)]
        return plan(spans, self.most, self.gap)


class BadMap(ValueError):
    """The map cannot be used; the text names file, field and value."""


def decoded(register: Register, registers: Mapping[int, int], word_order: str) -> float | None:
    """The value of one register in the house's unit and sign, or None when it is not there."""
    raw = [registers.get(at) for at in range(register.address, register.end)]
    words = [word for word in raw if word is not None]
    if len(words) != len(raw):
        return None
    if (register.word_order or word_order) == "little":
        words.reverse()
    sign = _sign(register, registers)
    if sign is None:
        return None
    if register.type.startswith("float"):
        value = real(words)
        return None if value is None else value * register.scale * sign
    number = signed(words) if register.type.startswith("int") else unsigned(words)
    # -1 means all ones whatever the type, which TOML cannot write for 64 bits.
    if register.nothing is not None and register.nothing in (number, unsigned(words), signed(words)):
        return None
    return number * register.scale * sign


def _sign(register: Register, registers: Mapping[int, int]) -> int | None:
    if register.minus_if is None:
        return register.sign
    flags = registers.get(register.minus_if.address)
    return None if flags is None else -register.sign if flags & register.minus_if.mask else register.sign


def values_of(definition: RegisterMap, kind: str, registers: Mapping[int, int]) -> dict[str, float]:
    """All known values of one kind of device."""
    parts: dict[str, list[tuple[Register, float | None]]] = {}
    for register in definition.registers(kind):
        value = decoded(register, registers, definition.word_order)
        parts.setdefault(register.point, []).append((register, value))
    found = {}
    for point, values in parts.items():
        known = [value for _, value in values if value is not None]
        if known and (len(known) == len(values) or values[0][0].add == "known"):
            found[point] = sum(known)
    return found


def invalid(definition: RegisterMap, kind: str, registers: Mapping[int, int]) -> str:
    """Why this kind of device is not to be believed now, empty when it is."""
    for each in definition.valid:
        if each.kind == kind and registers.get(each.address) not in each.values:
            return f"{each.why} (register {each.address} reads {registers.get(each.address)})"
    return ""


def parse(text: str | bytes, name: str) -> RegisterMap:
    """A map from its text, or BadMap with every problem in it."""
    try:
        definition = msgspec.toml.decode(text, type=RegisterMap)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadMap(f"{name}: {error}") from error
    problems = problems_of(definition)
    if problems:
        raise BadMap("\n".join(f"{name}: {problem}" for problem in problems))
    return definition


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
            if register.end > 65536:
                problems.append(f"{path}.address: {register.address} leaves no room for {register.type}")
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
            if (put.value is None) == (put.take is None):
                problems.append(f"{path}: either value or take")
            if name == "release" and put.take is not None:
                problems.append(f"{path}.take: a release has no figures")
            elif put.take is not None and put.take not in TAKEN[section]:
                problems.append(f"{path}.take: {put.take!r} is none of {', '.join(TAKEN[section])}")
    timeout = (control.timeout,) if isinstance(control, LimitControl) and control.timeout else ()
    required = tuple(each.register for each in control.require)
    for field, names in (("restore", control.restore), ("require", required), ("timeout", timeout)):
        for number, register in enumerate(names):
            if register not in control.registers:
                problems.append(f"{section}.{field}[{number}]: {register!r} is none of its registers")
    return problems


def _vector_problems(definition: RegisterMap, vector: Vector) -> list[str]:
    registers: dict[int, int] = {}
    for start, values in vector.registers.items():
        try:
            first = int(start, 0)
        except ValueError:
            return [f"registers: {start!r} is not an address"]
        registers.update({first + step: value for step, value in enumerate(values)})
    found = {
        f"{kind}.{point}": value
        for kind in POINTS
        for point, value in values_of(definition, kind, registers).items()
    }
    return [
        f"expect.{point}: decodes to {found.get(point)} instead of {value:g}"
        for point, value in vector.expect.items()
        if point not in found or abs(found[point] - value) > max(1e-6, abs(value) * 1e-6)
    ]
