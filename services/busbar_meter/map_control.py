"""Steering a battery that has no model 124, by the control section of its register map. Pure.

A window of power is one of six situations, and the map says for each what is written, with the
vendor's text as its source. A situation the map does not name is not offered: nothing is guessed.
"""

import struct
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from busbar_meter.storage_window import Most, Window
from busbar_meter.values import real, signed, unsigned
from busbar_meter.writes import Aim, NotOffered, Write

WriteType = Literal["int16", "uint16", "int32", "uint32", "float32"]
WRITE_SIZES = {"int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2}
# Of a window: charge_w, discharge_w, revert_s. Of a limit: percent, fallback_percent.
Taken = Literal["charge_w", "discharge_w", "revert_s", "percent", "fallback_percent"]


class Place(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One register of the control section."""

    address: Annotated[int, Meta(ge=0, le=65534, description="As sent on the wire, counted from 0.")]
    type: Annotated[WriteType, Meta(description="How the registers are put together.")]
    word_order: Annotated[Literal["big", "little"], Meta(description="big: most significant word first.")] = (
        "big"
    )
    most: Annotated[
        float | None, Meta(description="The largest value the device takes; larger ones are cut to it.")
    ] = None
    counts_down: Annotated[
        bool, Meta(description="The device counts it down, so that it does not read as it was written.")
    ] = False
    source: Annotated[str, Meta(min_length=8, description="The vendor's text: unit, range, meaning.")]


class Put(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One value to write, fixed or taken from the order."""

    register: Annotated[str, Meta(description="Name of the register in `registers`.")]
    value: Annotated[float | None, Meta(description="A fixed value.")] = None
    take: Annotated[Taken | None, Meta(description="A figure of the order.")] = None
    sign: Annotated[Literal[1, -1], Meta(description="-1 turns the figure.")] = 1


class Require(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a register must say before anything is written."""

    register: str
    value: float
    why: Annotated[
        str, Meta(min_length=8, description="What the owner must do, when it says something else.")
    ]


Puts = tuple[Put, ...]


class BatteryControl(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a battery is steered. Every situation is optional."""

    source: Annotated[str, Meta(min_length=8, description="The vendor's document.")]
    revert: Annotated[
        str, Meta(min_length=20, description="What the device does when it hears nothing more.")
    ]
    refresh_s: Annotated[float, Meta(gt=0, le=600, description="How often it must be told again, at most.")]
    registers: Annotated[dict[str, Place], Meta(min_length=1, description="By name.")]
    repeat: Annotated[
        tuple[str, ...],
        Meta(
            description="Registers that are written again with every refresh; the others only when they differ. Empty: all."
        ),
    ] = ()
    require: tuple[Require, ...] = ()
    restore: Annotated[tuple[str, ...], Meta(description="Registers put back as they were at release.")] = ()
    release: Annotated[Puts, Meta(min_length=1, description="Back to its own control.")]
    hold: Puts = ()
    charge_only: Puts = ()
    discharge_only: Puts = ()
    free: Puts = ()
    force_charge: Puts = ()
    force_discharge: Puts = ()


SITUATIONS = ("hold", "charge_only", "discharge_only", "free", "force_charge", "force_discharge")


def situation(low: float, high: float) -> str:
    """The name of a window."""
    if low > 0:
        return "force_charge"
    if high < 0:
        return "force_discharge"
    if low == 0:
        return "hold" if high == 0 else "charge_only"
    return "discharge_only" if high == 0 else "free"


def control_aim(
    control: BatteryControl,
    registers: Mapping[int, int],
    window: Window | None,
    *,
    most: Most,
    revert_s: float,
    originals: Mapping[str, int],
) -> Aim | NotOffered:
    """The registers for a window, or for the release of the battery."""
    if window is None or window.releases:
        return _release(control, registers, originals)
    refused = unmet(control.require, control.registers, registers)
    if refused:
        return NotOffered(refused)
    low = (
        -most.discharge_w
        if window.min_w is None
        else _between(-most.discharge_w, window.min_w, most.charge_w)
    )
    high = most.charge_w if window.max_w is None else _between(-most.discharge_w, window.max_w, most.charge_w)
    if low > high:
        return NotOffered(f"min_w {low:g} is above max_w {high:g}")
    name = situation(low, high)
    puts: Puts = getattr(control, name)
    if not puts:
        return NotOffered(f"this device cannot be told to {name.replace('_', ' ')}")
    # Exact is asked of a forced window where its ends differ: the end nearer to zero suffices.
    charge = low if name == "force_charge" else max(high, 0.0)
    discharge = -high if name == "force_discharge" else max(-low, 0.0)
    figures = {"charge_w": charge, "discharge_w": discharge, "revert_s": float(int(revert_s))}
    aim = _aim(control, puts, figures, coarse=True)
    # What stands already may lie in a memory that wears.
    writes = tuple(
        each
        for each in aim.writes
        if not control.repeat
        or each.points[0] in control.repeat
        or not stands(control.registers[each.points[0]], each, registers)
    )
    return msgspec.structs.replace(aim, writes=writes)


def stands(place: Place, written: Write, registers: Mapping[int, int]) -> bool:
    """Whether the device reads already as it is to be written."""
    return [registers.get(place.address + step) for step in range(len(written.values))] == [*written.values]


def _release(control: BatteryControl, registers: Mapping[int, int], originals: Mapping[str, int]) -> Aim:
    aim = _aim(control, control.release, {}, coarse=False)
    back = [
        Write((name,), place.address, encoded(place, float(originals[name])))
        for name in control.restore
        if name in originals
        and aim.expect.get(name) != originals[name]
        and value_at(place := control.registers[name], registers) != originals[name]
    ]
    expect = {**aim.expect, **{name: originals[name] for name in control.restore if name in originals}}
    return Aim(writes=(*aim.writes, *back), expect=expect, releases=True)


def unmet(require: Iterable[Require], places: Mapping[str, Place], registers: Mapping[int, int]) -> str:
    """The first requirement that is not met, in words; empty when all are."""
    for requirement in require:
        actual = value_at(places[requirement.register], registers)
        if actual != requirement.value:
            return (
                f"{requirement.register} reads {actual} instead of {requirement.value:g}: {requirement.why}"
            )
    return ""


def _aim(control: BatteryControl, puts: Puts, figures: Mapping[str, float], *, coarse: bool) -> Aim:
    aim = aim_of(control.registers, puts, figures, refresh_s=control.refresh_s)
    return aim if coarse else msgspec.structs.replace(aim, coarse=frozenset())


def aim_of(
    places: Mapping[str, Place],
    puts: Puts,
    figures: Mapping[str, float],
    *,
    refresh_s: float,
    fixed: Mapping[str, float] = MappingProxyType({}),
) -> Aim:
    """The writes of these puts, and of `fixed` values by register name, with what they must read like."""
    values = {put.register: _value(put, figures) for put in puts} | dict(fixed)
    writes = tuple(
        Write((name,), places[name].address, encoded(places[name], value)) for name, value in values.items()
    )
    return Aim(
        writes=writes,
        expect={
            each.points[0]: round(_said(places[each.points[0]], each))
            for each in writes
            if not places[each.points[0]].counts_down
        },
        coarse=frozenset(put.register for put in puts if put.take is not None),
        deadband=25,
        # The keeper refreshes at a third of this.
        revert_s=refresh_s * 3,
    )


def _said(place: Place, written: Write) -> float:
    """What a write says, as it will read: a figure may have been cut to what fits."""
    words = {place.address + step: word for step, word in enumerate(written.values)}
    return value_at(place, words) or 0.0


def _value(put: Put, figures: Mapping[str, float]) -> float:
    return put.sign * (figures[put.take] if put.take is not None else put.value or 0.0)


def _between(low: float, value: float, high: float) -> float:
    return max(low, min(value, high))


def encoded(place: Place, value: float) -> tuple[int, ...]:
    """A value as registers; figures that do not fit are cut to the largest that does."""
    value = value if place.most is None else min(value, place.most)
    if place.type == "float32":
        words = list(struct.unpack(">2H", struct.pack(">f", value)))
    else:
        bits = 16 * WRITE_SIZES[place.type]
        low, high = (
            (-(1 << (bits - 1)) + 1, (1 << (bits - 1)) - 1) if place.type[0] == "i" else (0, (1 << bits) - 2)
        )
        raw = int(_between(low, round(value), high)) & ((1 << bits) - 1)
        words = [raw >> shift & 0xFFFF for shift in range(bits - 16, -1, -16)]
    return tuple(reversed(words)) if place.word_order == "little" else tuple(words)


def value_at(place: Place, registers: Mapping[int, int]) -> float | None:
    """What a register of the control section says now."""
    raw = [registers.get(place.address + step) for step in range(WRITE_SIZES[place.type])]
    words = [word for word in raw if word is not None]
    if len(words) != len(raw):
        return None
    if place.word_order == "little":
        words.reverse()
    if place.type == "float32":
        return real(words)
    return float(signed(words) if place.type[0] == "i" else unsigned(words))


class ControlRead(Struct, frozen=True):
    """The control registers as just read, to compare with what was told."""

    places: Mapping[str, Place]
    registers: Mapping[int, int]

    def mismatches(self, expect: Mapping[str, int]) -> list[str]:
        """What does not read as written; a float may have been rounded by one."""
        found = []
        for name, value in expect.items():
            place = self.places[name]
            actual = value_at(place, self.registers)
            allowed = 1.0 if place.type == "float32" else 0.0
            if actual is None or abs(actual - value) > allowed:
                found.append(f"{name} reads {actual} instead of {value}")
        return found
