"""Thresholds that remember which side they were on, so that nothing hunts around them."""

from msgspec import Struct

TARGET_MARGIN_PERCENT = 1.0
"""\"Above target\" sets this far above it and clears at it (allocation, section 3)."""

GATE_WIDTH_W = 500.0
"""With `excess_uses = "all"` the gate closes this far below its threshold."""


class BatteryLatch(Struct, frozen=True):
    """What a battery's charge allows; unknown charge allows nothing."""

    above_min: bool = False
    at_target: bool = False
    above_target: bool = False


def battery_latch(
    was: BatteryLatch, soc: float | None, soc_min: float, soc_target: float, hysteresis: float
) -> BatteryLatch:
    """The latch after one more reading of the charge.

    The minimum is a floor: on the way up it counts only `hysteresis` later, on the way down at once.
    "At target" sets at the target and clears `hysteresis` below it.
    """
    if soc is None:
        return BatteryLatch()
    return BatteryLatch(
        above_min=soc > soc_min and (was.above_min or soc >= soc_min + hysteresis),
        at_target=soc >= soc_target or (was.at_target and soc > soc_target - hysteresis),
        above_target=soc >= soc_target + TARGET_MARGIN_PERCENT or (was.above_target and soc > soc_target),
    )


def excess_gate(was_open: bool, export_w: float, threshold_w: float) -> bool:
    """Whether Excess may use all of the export; `export_w` has the managed Excess draws added back."""
    return export_w > threshold_w or (was_open and export_w > threshold_w - GATE_WIDTH_W)
