"""An exact battery power as registers of model 704: the set-point WSet (sunspec.md section 4).

WSet is the power at the AC terminals of the whole device, negative = absorb. It is the battery's power
only where nothing else feeds the device: a battery on the AC side. A hybrid is steered by model 124.
A set-point leaves the device no choice, so only exact powers can be ordered, not a window around zero.
"""

from collections.abc import Mapping

from busbar_meter.block import Block
from busbar_meter.dc_inputs import PORT_PV
from busbar_meter.inverter_limit import local_control
from busbar_meter.quirks import Manner
from busbar_meter.storage_window import Most, Window
from busbar_meter.writes import Aim, NotOffered, Write, arranged, write

# 702 CtrlModes bit 1
FIXED_W_MODE = 2
ENABLED, DISABLED = 1, 0
WATTS = 1
# Smaller changes than this wait for the next refresh.
DEADBAND_W = 25


def offers_setpoint(blocks: Mapping[int, Block]) -> bool:
    """Whether the points of the set-point are there at all."""
    return 704 in blocks and all(blocks[704].has(name) for name in ("WSetEna", "WSet"))


def setpoint_aim(
    blocks: Mapping[int, Block],
    window: Window | None,
    *,
    most: Most,
    revert_s: float,
    manner: Manner,
    supervised: bool,
    dc_coupled: bool,
) -> Aim | NotOffered:
    """The registers for an exact power, or for the release of the battery."""
    releases = window is None or window.releases
    refused = _not_released(blocks) if releases else _refused(blocks, dc_coupled)
    if refused:
        return NotOffered(refused)
    block = blocks[704]
    if window is None or window.releases:
        return Aim(writes=(write(block, "WSetEna", DISABLED),), expect={"WSetEna": DISABLED}, releases=True)
    power = exact_power(window, most)
    if isinstance(power, NotOffered):
        return power
    timed = block.has("WSetRvrtTms") and revert_s >= 1
    if window.forces and not (supervised or timed):
        return NotOffered(
            "the device has no revert timer, so forced charge and discharge are only offered under a supervisor"
        )
    factor = block.scale_of(block.model.points["WSet"])
    if factor is None:
        return NotOffered("the scale factor of WSet is unusable")
    raw = round(-power / 10.0**factor)
    expect = {"WSetEna": ENABLED, "WSet": raw}
    if block.has("WSetMod"):
        expect["WSetMod"] = WATTS
    return Aim(
        writes=arranged(_writes(block, raw, int(revert_s)), manner.write_with),
        expect=expect,
        coarse=frozenset(("WSet",)),
        deadband=round(DEADBAND_W / 10.0**factor),
        revert_s=revert_s if timed else None,
        detail="" if timed else "the device has no revert timer: a set-point ends only when Busbar ends it",
    )


def exact_power(window: Window, most: Most) -> float | NotOffered:
    """The one power a window asks for, charging positive, within what the battery may do.

    A forced window is met at its end nearer to zero. One that leaves the battery a choice around zero
    cannot be told by a set-point.
    """
    low = -most.discharge_w if window.min_w is None else max(window.min_w, -most.discharge_w)
    high = most.charge_w if window.max_w is None else min(window.max_w, most.charge_w)
    if low > high:
        # Beyond what the battery does: as much as it does.
        return min(low, most.charge_w) if low > 0 else max(high, -most.discharge_w)
    if low > 0:
        return low
    if high < 0:
        return high
    if low == high:
        return low
    return NotOffered("a set-point tells one power and cannot leave the battery a choice")


def _not_released(blocks: Mapping[int, Block]) -> str:
    """Modules that feed in now are no reason to leave an order of the night in the device."""
    if not offers_setpoint(blocks):
        return "the device has no set-point in model 704"
    return "the device is under local control (model 715)" if local_control(blocks) else ""


def _refused(blocks: Mapping[int, Block], dc_coupled: bool) -> str:
    if not offers_setpoint(blocks):
        return "the device has no set-point in model 704"
    modes = blocks[702].whole("CtrlModes") if 702 in blocks else None
    if modes is not None and not modes & FIXED_W_MODE:
        return "model 702 says that a set-point of active power is not supported"
    if dc_coupled or _has_modules(blocks):
        return "modules feed the device as well, so that its set-point is not the battery's power"
    return "the device is under local control (model 715)" if local_control(blocks) else ""


def _has_modules(blocks: Mapping[int, Block]) -> bool:
    ports = blocks[714].repetitions() if 714 in blocks else ()
    return any(port.whole("PrtTyp") == PORT_PV and port.number("DCW") for port in ports)


def _writes(block: Block, raw: int, revert_s: int) -> list[Write]:
    """Value, what follows it and when, and the enabling point last, although it lies first."""
    values = {"WSetMod": WATTS, "WSet": raw, "WSetEnaRvrt": DISABLED, "WSetRvrtTms": revert_s}
    writes = [write(block, name, value) for name, value in values.items() if block.has(name)]
    return [*writes, write(block, "WSetEna", ENABLED)]
