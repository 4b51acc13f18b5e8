"""Register maps: devices without SunSpec, described by a data file that names its sources.

A map says what is read where; it is plain TOML, so that an owner can add a device. Values become the
house's units and signs in the map itself: import positive, generation positive, charging positive.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct

from busbar_meter.limit_control import LimitControl
from busbar_meter.map_control import WRITE_SIZES, BatteryControl
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

# The function that reads holding registers, the only ones that can be written.
HOLDING = 3

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
    every_least_s: Annotated[float, Meta(ge=0, le=3600, description="Not to be asked more often.")] = 0.0
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
        """The fewest requests for these kinds of device, with the registers that steer it if wanted.

        What steers it are holding registers; where the rest are input registers see `control_reads`.
        """
        kinds = tuple(kinds)
        wanted = {(each.address, each.end) for kind in kinds for each in self.registers(kind)}
        flags = [each.minus_if for kind in kinds for each in self.registers(kind)]
        wanted |= {(flag.address, flag.address + 1) for flag in flags if flag is not None}
        wanted |= {(each.address, each.address + 1) for each in self.valid if each.kind in kinds}
        if control and self.function == HOLDING:
            wanted |= self._steering()
        return self._planned(wanted)

    def control_reads(self) -> tuple[Read, ...]:
        """The fewest requests for the registers that steer it, where the rest of the map are input registers."""
        return () if self.function == HOLDING else self._planned(self._steering())

    def _steering(self) -> set[tuple[int, int]]:
        sections = (self.battery_control, self.limit_control)
        places = [
            place for section in sections if section is not None for place in section.registers.values()
        ]
        return {(place.address, place.address + WRITE_SIZES[place.type]) for place in places}

    def _planned(self, wanted: set[tuple[int, int]]) -> tuple[Read, ...]:
        spans = [Span(start, end - start) for start, end in sorted(wanted)]
        return plan(spans, self.most, self.gap)


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
        total = sum(known)
        if known and (len(known) == len(values) or values[0][0].add == "known") and math.isfinite(total):
            found[point] = total
    return found


def invalid(definition: RegisterMap, kind: str, registers: Mapping[int, int]) -> str:
    """Why this kind of device is not to be believed now, empty when it is."""
    for each in definition.valid:
        if each.kind == kind and registers.get(each.address) not in each.values:
            return f"{each.why} (register {each.address} reads {registers.get(each.address)})"
    return ""
