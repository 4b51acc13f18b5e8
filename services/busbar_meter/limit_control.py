"""Limiting an inverter that offers neither model 123 nor 704, by the control section of a register map. Pure.

The limit is written in percent of the inverter's maximum, rounded down, and only to registers whose
maker's text names range, unit and what happens when nothing more is heard.
"""

import math
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from busbar_meter.inverter_limit import Limit
from busbar_meter.map_control import Place, Puts, Require, aim_of, stands, unmet, value_at
from busbar_meter.writes import Aim, NotOffered


class LimitControl(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an inverter is limited."""

    source: Annotated[str, Meta(min_length=8, description="The vendor's document.")]
    revert: Annotated[
        str, Meta(min_length=20, description="What the device does when it hears nothing more.")
    ]
    refresh_s: Annotated[float, Meta(gt=0, le=600, description="How often it must be told again, at most.")]
    timeout: Annotated[
        str | None, Meta(description="Register that says after how many seconds it gives up waiting.")
    ] = None
    registers: Annotated[dict[str, Place], Meta(min_length=1, description="By name.")]
    require: tuple[Require, ...] = ()
    restore: Annotated[tuple[str, ...], Meta(description="Registers put back as they were at release.")] = ()
    limit: Annotated[Puts, Meta(min_length=1, description="A limit that ends with its orders.")]
    mandatory: Annotated[Puts, Meta(description="A limit that stands when Busbar dies.")] = ()
    release: Annotated[Puts, Meta(min_length=1, description="No limit of ours any more.")]


def limit_control_aim(
    control: LimitControl,
    registers: Mapping[int, int],
    limit: Limit | None,
    *,
    reference_w: float | None,
    fallback_w: float | None,
    originals: Mapping[str, float],
) -> Aim | NotOffered:
    """The registers for a limit, or for its release when it is None or limits nothing."""
    if limit is None:
        return _release(control, registers, originals)
    if not reference_w:
        return NotOffered("what 100 percent is, is not known: set rating_w")
    if limit.watts >= reference_w:
        return _release(control, registers, originals)
    refused = unmet(control.require, control.registers, registers)
    if refused:
        return NotOffered(refused)
    if limit.mandatory and not control.mandatory:
        return NotOffered("a limit that stands when Busbar dies cannot be told to this device")
    # What stands when Busbar dies must not be looser than the limit, which may still be in force then.
    standing = limit.watts if fallback_w is None else min(limit.watts, fallback_w)
    figures = {
        "percent": _percent(limit.watts, reference_w),
        "fallback_percent": _percent(standing, reference_w),
    }
    puts = control.mandatory if limit.mandatory else control.limit
    aim = aim_of(control.registers, puts, figures, refresh_s=_refresh_s(control, registers))
    # Only the limit itself is repeated: what else already stands there may lie in a memory that wears.
    repeated = {put.register for put in control.limit}
    writes = tuple(
        each
        for each in aim.writes
        if each.points[0] in repeated or not stands(control.registers[each.points[0]], each, registers)
    )
    return msgspec.structs.replace(aim, writes=writes, coarse=frozenset(), deadband=0)


def _percent(watts: float, reference_w: float) -> float:
    """Rounded down to a hundredth: rounding up could break the limit."""
    return math.floor(10_000.0 * max(watts, 0.0) / reference_w + 1e-9) / 100.0


def _refresh_s(control: LimitControl, registers: Mapping[int, int]) -> float:
    waits = None if control.timeout is None else value_at(control.registers[control.timeout], registers)
    return control.refresh_s if not waits else max(1.0, min(control.refresh_s, waits / 3))


def _release(control: LimitControl, registers: Mapping[int, int], originals: Mapping[str, float]) -> Aim:
    aim = aim_of(control.registers, control.release, {}, refresh_s=control.refresh_s)
    back = aim_of(
        control.registers,
        (),
        {},
        refresh_s=control.refresh_s,
        fixed={name: originals[name] for name in control.restore if name in originals},
    )
    differs = tuple(
        each for each in back.writes if not stands(control.registers[each.points[0]], each, registers)
    )
    return Aim(writes=aim.writes + differs, expect={**aim.expect, **back.expect}, releases=True)
