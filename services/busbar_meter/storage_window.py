"""A window of battery power as registers of model 124 (sunspec.md sections 6 and 8).

WChaMax is the reference of both percentages. The two rates span a window of allowed power c, with
charging positive:  -OutWRte <= c <= InWRte  in percent of WChaMax. A bit of StorCtl_Mod says that
its limit is active, not that the battery is to charge or discharge. Negative rates force: a
negative OutWRte is "at least this much charging". WChaGra and WDisChaGra are ramp rates and are
never written, nor are WChaMax and the scale factors.
"""

from collections.abc import Mapping

from msgspec import Struct

from busbar_contracts.battery import BatteryState
from busbar_meter.block import Block
from busbar_meter.inverter_limit import local_control
from busbar_meter.quirks import Manner
from busbar_meter.writes import Aim, NotOffered, Write, arranged, write

CHARGE_LIMITED, DISCHARGE_LIMITED = 1, 2
GRID_ALLOWED, SOLAR_ONLY = 1, 0
CALIBRATING = 7
DEADBAND_PERCENT = 0.5
assert list(BatteryState)[CALIBRATING - 1] is BatteryState.TESTING


class Window(Struct, frozen=True, kw_only=True):
    """Between which powers the battery may do as it likes; None leaves an end open."""

    min_w: float | None
    max_w: float | None
    grid_charging: bool = False
    issuer: str = ""
    reason: str = ""

    @property
    def releases(self) -> bool:
        """Both ends open: the battery is its own again."""
        return self.min_w is None and self.max_w is None

    @property
    def forces(self) -> bool:
        """Whether it makes the battery move by itself instead of only bounding it."""
        return (self.min_w or 0.0) > 0 or (self.max_w or 0.0) < 0


class Most(Struct, frozen=True, kw_only=True):
    """What the battery may do by the configuration, and what the device does when it is not limited."""

    charge_w: float
    discharge_w: float
    device_charge_w: float | None = None
    device_discharge_w: float | None = None


class Rates(Struct, frozen=True):
    """The window in raw rates and the bits that say which of them count."""

    mode: int
    charge: int
    discharge: int


def window_aim(
    blocks: Mapping[int, Block],
    window: Window | None,
    *,
    most: Most,
    revert_s: float,
    manner: Manner,
    supervised: bool,
    original_grid: int | None = None,
) -> Aim | NotOffered:
    """The registers for a window, or for the release of the battery.

    `original_grid` is what ChaGriSet said before we first wrote it; a release puts it back.
    """
    releases = window is None or window.releases
    refused = not_released(blocks) if releases else not_offered(blocks)
    if refused is not None:
        return refused
    block = blocks[124]
    if window is None or window.releases:
        return _release(block, original_grid, manner)
    if window.forces and not (supervised or block.has("InOutWRte_RvrtTms")):
        return NotOffered(
            "the device has no revert timer, so forced charge and discharge are only offered under a supervisor"
        )
    rates = rates_of(block, window, most)
    if isinstance(rates, NotOffered):
        return rates
    timed = block.has("InOutWRte_RvrtTms") and revert_s >= 1
    return Aim(
        writes=arranged(_writes(block, rates, window, revert_s, manner), manner.write_with),
        expect=_expected(block, rates, window),
        coarse=frozenset(("InWRte", "OutWRte")),
        deadband=round(DEADBAND_PERCENT / 10.0 ** (_factor(block) or 0)),
        revert_s=revert_s if timed else None,
        detail="" if timed else "the device has no revert timer: a window ends only when Busbar ends it",
    )


def not_released(blocks: Mapping[int, Block]) -> NotOffered | None:
    """Why the battery cannot be given back to itself now; None when it can.

    Less is needed than to steer it: neither rates nor their reference, nor the end of a calibration.
    """
    block = blocks.get(124)
    if block is None:
        return NotOffered("the device has no model 124")
    if not block.has("StorCtl_Mod"):
        return NotOffered("model 124 is there, but StorCtl_Mod not implemented")
    return NotOffered("the device is under local control") if _local(blocks) else None


def not_offered(blocks: Mapping[int, Block]) -> NotOffered | None:
    """Why the battery cannot be steered now; None when it can."""
    block = blocks.get(124)
    if block is None:
        return NotOffered("the device has no model 124")
    missing = [name for name in ("StorCtl_Mod", "InWRte", "OutWRte") if not block.has(name)]
    if missing:
        return NotOffered(f"model 124 is there, but {', '.join(missing)} not implemented")
    if not block.number("WChaMax"):
        return NotOffered("WChaMax, the reference of the percentages, is not known")
    if _factor(block) is None:
        return NotOffered("the scale factor of InWRte and OutWRte is unusable")
    if block.whole("ChaSt") == CALIBRATING:
        return NotOffered("the battery is calibrating itself and is left alone")
    return NotOffered("the device is under local control") if _local(blocks) else None


def _local(blocks: Mapping[int, Block]) -> bool:
    return local_control(blocks) or (802 in blocks and blocks[802].whole("LocRemCtl") == 1)


def rates_of(block: Block, window: Window, most: Most) -> Rates | NotOffered:
    """The window as raw rates. An end at or beyond what the device does by itself needs no limit."""
    reference = block.number("WChaMax")
    factor = _factor(block)
    if not reference or factor is None:
        return NotOffered("the percentages of model 124 have no reference")
    if window.min_w is not None and window.max_w is not None and window.min_w > window.max_w:
        return NotOffered(f"min_w {window.min_w:g} is above max_w {window.max_w:g}")
    low = _between(
        -most.discharge_w, -most.discharge_w if window.min_w is None else window.min_w, most.charge_w
    )
    high = _between(-most.discharge_w, most.charge_w if window.max_w is None else window.max_w, most.charge_w)
    step = reference / 100.0 * 10.0**factor
    whole = round(100.0 / 10.0**factor)
    charge_limited = high < (most.device_charge_w or reference)
    discharge_limited = low > -(most.device_discharge_w or reference)
    return Rates(
        mode=(CHARGE_LIMITED if charge_limited else 0) | (DISCHARGE_LIMITED if discharge_limited else 0),
        charge=round(_between(-whole, high / step, whole)) if charge_limited else whole,
        discharge=round(_between(-whole, -low / step, whole)) if discharge_limited else whole,
    )


def _between(low: float, value: float, high: float) -> float:
    return max(low, min(value, high))


def _factor(block: Block) -> int | None:
    return block.scale_of(block.model.points["InWRte"])


def _writes(block: Block, rates: Rates, window: Window, revert_s: float, manner: Manner) -> list[Write]:
    """Grid permission first, timer, the window, the mode last; a permission is withdrawn at the very end."""
    grid = GRID_ALLOWED if window.grid_charging else SOLAR_ONLY
    # Only when it changes: it is a setting that some devices keep in flash.
    permission = [write(block, "ChaGriSet", grid)] if block.whole("ChaGriSet") not in (None, grid) else []
    timer = [write(block, "InOutWRte_RvrtTms", int(revert_s))] if block.has("InOutWRte_RvrtTms") else []
    mode = [write(block, "StorCtl_Mod", rates.mode)]
    rest = [*timer, *_pair(block, rates, manner), *mode]
    return [*permission, *rest] if window.grid_charging else [*rest, *permission]


def _pair(block: Block, rates: Rates, manner: Manner) -> list[Write]:
    """Both rates; as one request where the device takes it.

    One by one the window is widened before it is narrowed, so that it is valid at every moment: a
    GEN24 answers exception 3 to an impossible one, a Symo Hybrid silently keeps the old one.
    """
    discharge, charge = write(block, "OutWRte", rates.discharge), write(block, "InWRte", rates.charge)
    if manner.write_with == "multiple":
        return [discharge, charge]
    more_charge = rates.charge - (block.whole("InWRte") or 0)
    more_discharge = rates.discharge - (block.whole("OutWRte") or 0)
    return [charge, discharge] if more_charge > more_discharge else [discharge, charge]


def _expected(block: Block, rates: Rates, window: Window) -> dict[str, int]:
    expect = {"StorCtl_Mod": rates.mode}
    if rates.mode & CHARGE_LIMITED:
        expect["InWRte"] = rates.charge
    if rates.mode & DISCHARGE_LIMITED:
        expect["OutWRte"] = rates.discharge
    if block.has("ChaGriSet"):
        expect["ChaGriSet"] = GRID_ALLOWED if window.grid_charging else SOLAR_ONLY
    return expect


def _release(block: Block, original_grid: int | None, manner: Manner) -> Aim:
    writes = [write(block, "StorCtl_Mod", 0)]
    expect = {"StorCtl_Mod": 0}
    if original_grid is not None and block.has("ChaGriSet"):
        expect["ChaGriSet"] = original_grid
        if block.whole("ChaGriSet") != original_grid:
            writes.append(write(block, "ChaGriSet", original_grid))
    return Aim(writes=arranged(writes, manner.write_with), expect=expect, releases=True)
