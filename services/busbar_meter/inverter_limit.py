"""A power limit in watts as registers of model 123 or 704 (sunspec.md sections 4 and 7).

The percentage is of WMax (121 or 702), rounded down: rounding up could break the limit by half a
step of a large inverter.
"""

import math
from collections.abc import Mapping

from msgspec import Struct

from busbar_meter.block import Block
from busbar_meter.quirks import Manner
from busbar_meter.writes import Aim, NotOffered, Write, arranged, write

# 702 CtrlModes bit 0
MAX_W_MODE = 1
ENABLED, DISABLED = 1, 0
# Smaller changes than this wait for the next refresh (percent of WMax).
DEADBAND_PERCENT = 0.5


class Limit(Struct, frozen=True, kw_only=True):
    """What an inverter may give at its AC terminals."""

    watts: float
    mandatory: bool = False
    issuer: str = ""
    reason: str = ""


class LimitPoints(Struct, frozen=True):
    """The names of one model's limit points."""

    percent: str
    factor: str
    enable: str
    revert_time: str


POINTS = {
    123: LimitPoints("WMaxLimPct", "WMaxLimPct_SF", "WMaxLim_Ena", "WMaxLimPct_RvrtTms"),
    704: LimitPoints("WMaxLimPct", "WMaxLimPct_SF", "WMaxLimPctEna", "WMaxLimPctRvrtTms"),
}


def reference_w(blocks: Mapping[int, Block], rating_w: float | None) -> float | None:
    """The watts that are 100 percent: the set maximum, else the nameplate, else the configured rating."""
    for model, point in ((121, "WMax"), (702, "WMax"), (120, "WRtg"), (702, "WMaxRtg")):
        value = blocks[model].number(point) if model in blocks else None
        if value:
            return value
    return rating_w or None


def limit_model(blocks: Mapping[int, Block]) -> int | NotOffered:
    """Which model takes the limit. A model that is there with empty points is no capability (GoodWe)."""
    refused = "the device has neither model 123 nor 704"
    for model in (704, 123):
        if model not in blocks:
            continue
        points = POINTS[model]
        missing = [name for name in (points.percent, points.enable) if not blocks[model].has(name)]
        if missing:
            refused = f"model {model} is there, but {' and '.join(missing)} not implemented"
            continue
        modes = blocks[702].whole("CtrlModes") if model == 704 and 702 in blocks else None
        if modes is not None and not modes & MAX_W_MODE:
            refused = "model 702 says that a limit of active power is not supported"
            continue
        return model
    return NotOffered(refused)


def limit_aim(
    blocks: Mapping[int, Block],
    limit: Limit | None,
    *,
    rating_w: float | None,
    revert_s: float,
    manner: Manner,
    fallback_w: float | None = None,
) -> Aim | NotOffered:
    """The registers for a limit, or for its release when it is None or limits nothing."""
    model = limit_model(blocks)
    if isinstance(model, NotOffered):
        return model
    block = blocks[model]
    if local_control(blocks):
        return NotOffered("the device is under local control (model 715)")
    if limit is None:
        # Nothing has to be known of its percentages to give it back.
        return _release(block, None)
    reference = reference_w(blocks, rating_w)
    if reference is None:
        return NotOffered("what 100 percent is, is not known: neither WMax nor WRtg; set rating_w")
    if limit.watts >= reference:
        # 100 percent with Ena = 1 would be an active override that outranks others, not a release.
        return _release(block, limit)
    percent = max(100.0 * max(limit.watts, 0.0) / reference, manner.min_limit_percent)
    raw = _raw_percent(block, percent)
    if raw is None:
        return NotOffered(f"the scale factor of {POINTS[model].percent} is unusable")
    writes = _writes_123(block, raw, limit, revert_s) if model == 123 else []
    if model == 704:
        fallback = None if fallback_w is None else 100.0 * min(fallback_w, reference) / reference
        writes = _writes_704(block, raw, limit, revert_s, fallback)
    points = POINTS[model]
    timed = not limit.mandatory and block.has(points.revert_time) and revert_s >= 1
    return Aim(
        writes=arranged(writes, manner.write_with),
        expect={points.percent: raw, points.enable: ENABLED},
        coarse=frozenset((points.percent,)),
        deadband=_raw_percent(block, DEADBAND_PERCENT) or 0,
        revert_s=revert_s if timed else None,
        detail=_no_timer(block, points, limit),
    )


def local_control(blocks: Mapping[int, Block]) -> bool:
    """Whether the device says it ignores writes (715 LocRemCtl = LOCAL)."""
    return 715 in blocks and blocks[715].whole("LocRemCtl") == 1


def _release(block: Block, limit: Limit | None) -> Aim:
    enable = POINTS[block.model.id].enable
    detail = "" if limit is None else f"{limit.watts:g} W is at or above the rating: nothing to limit"
    released = (write(block, enable, DISABLED),)
    return Aim(writes=released, expect={enable: DISABLED}, releases=True, detail=detail)


def _raw_percent(block: Block, percent: float) -> int | None:
    points = POINTS[block.model.id]
    factor = block.scale_of(block.model.points[points.percent])
    if factor is None:
        return None
    # A hair is added so that 50 percent in hundredths is 5000 and not 4999.
    return math.floor(min(percent, 100.0) / 10.0**factor + 1e-9)


def _writes_123(block: Block, raw: int, limit: Limit, revert_s: float) -> list[Write]:
    """Value, times, enable. All five neighbours go out as one request where none is missing."""
    # A mandatory limit must not end by itself, nor by a timer that another client left behind.
    revert = 0 if limit.mandatory else int(revert_s)
    times = {"WMaxLimPct_WinTms": 0, "WMaxLimPct_RvrtTms": revert}
    ramp = block.whole("WMaxLimPct_RmpTms")
    if ramp is not None and all(block.has(name) for name in times):
        times["WMaxLimPct_RmpTms"] = ramp
    writes = [write(block, "WMaxLimPct", raw)]
    writes += [write(block, name, value) for name, value in times.items() if block.has(name)]
    return [*writes, write(block, "WMaxLim_Ena", ENABLED)]


def _writes_704(
    block: Block, raw: int, limit: Limit, revert_s: float, fallback_percent: float | None
) -> list[Write]:
    """Value, what it reverts to and when, and the enabling point last, although it lies first."""
    reverts = {"WMaxLimPctEnaRvrt": DISABLED, "WMaxLimPctRvrtTms": int(revert_s)}
    if limit.mandatory:
        reverts["WMaxLimPctRvrtTms"] = 0
        fallback = None if fallback_percent is None else _raw_percent(block, fallback_percent)
        able = all(block.has(name) for name in ("WMaxLimPctRvrt", *reverts))
        if fallback is not None and able:
            # The device itself falls to the fallback when Busbar dies, and stays limited.
            reverts = {
                "WMaxLimPctRvrt": fallback,
                "WMaxLimPctEnaRvrt": ENABLED,
                "WMaxLimPctRvrtTms": int(revert_s),
            }
    writes = [write(block, "WMaxLimPct", raw)]
    writes += [write(block, name, value) for name, value in reverts.items() if block.has(name)]
    return [*writes, write(block, "WMaxLimPctEna", ENABLED)]


def _no_timer(block: Block, points: LimitPoints, limit: Limit) -> str:
    if limit.mandatory or block.has(points.revert_time):
        return ""
    return "the device has no revert timer: a limit ends only when Busbar ends it"
