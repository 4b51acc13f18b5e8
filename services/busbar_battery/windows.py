"""From a power to what a battery is told: a window for its own fast loop, or an exact set-point.

Inside a window the inverter follows the house by itself, within less than a second and without a write. An exact
set-point is given only where its own loop would do something else: charging from the grid, export on purpose,
taking up a sun that is held back, or a device without such a loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import isfinite

from busbar_battery.reason import Choice
from busbar_battery.scene import Scene
from busbar_battery.site import BatteryNow, Window

# The device is asked for no more than this where nothing else limits it: SunSpec 124 counts in percent of it.
NO_LIMIT_W = 1e6
SMALL_W = 1.0
# Less sun than this is none a battery could be waiting for.
NIGHT_W = 50.0


class Style(StrEnum):
    """How closely the battery is led."""

    FREE = "free"
    AT_LEAST = "at_least"
    TRACKED = "tracked"
    EXACT = "exact"


def style_of(
    scene: Scene, choice: Choice, batteries: Sequence[BatteryNow], probing: bool, spared: bool
) -> Style:
    """How closely the battery must be led in this situation."""
    if not all(one.follows_grid for one in batteries):
        return Style.EXACT
    if probing:
        alone = len(batteries) == 1 and not spared
        return Style.AT_LEAST if alone and all_surplus(scene) else Style.EXACT
    if scene.given.grid_charging:
        from_grid = choice.power > max(0.0, scene.surplus) + SMALL_W
        return Style.EXACT if from_grid else Style.TRACKED
    if scene.wanted_export > 0 and scene.surplus < scene.wanted_export:
        return Style.EXACT
    # Several batteries that each follow the same meter would all answer the same need.
    one_alone = len(batteries) == 1 and scene.wanted_export == 0 and not spared
    return Style.FREE if one_alone else Style.TRACKED


def window_of(style: Style, scene: Scene, power: float, from_grid: bool) -> Window:
    """The window of the whole fleet for a power (W, + charge)."""
    if style is Style.EXACT:
        return Window(power, power, from_grid)
    if style is Style.TRACKED:
        return Window(min(power, 0.0), max(power, 0.0))
    if style is Style.AT_LEAST:
        return Window(power, max(power, _number(scene.allowed.charge)))
    lowest = -_number(scene.allowed.discharge)
    # After an export that is forbidden the loop comes up fast; in the dark it would swing on and take from the grid.
    in_the_dark = scene.pv is not None and scene.pv < NIGHT_W and isfinite(scene.allowed.export)
    free = all_surplus(scene) and not in_the_dark
    return Window(lowest, _number(scene.allowed.charge) if free else max(power, 0.0))


def narrowed(window: Window, most_given: float | None) -> Window:
    """The window with no more discharge than this, W; an exact one stays as it is."""
    if most_given is None or window.min_w is None or window.max_w is None or window.min_w == window.max_w:
        return window
    return Window(min(max(window.min_w, -most_given), window.max_w), window.max_w, window.grid_charging)


def all_surplus(scene: Scene) -> bool:
    """Whether every watt of surplus is for the battery, so that its own loop may take it."""
    battery_first = scene.given.priority != "export_first" and scene.allowed.below_target
    return (battery_first and scene.wanted_export == 0) or scene.allowed.export == 0


def divided(window: Window, power: float, shares: Mapping[str, float]) -> dict[str, Window]:
    """Each battery's window; a single one gets the whole, several get theirs by share, never of opposite sign."""
    if len(shares) == 1:
        return dict.fromkeys(shares, window)
    if window.min_w == window.max_w:
        return {
            name: Window(share, share, window.grid_charging and share > 0) for name, share in shares.items()
        }
    return {name: Window(min(share, 0.0), max(share, 0.0)) for name, share in shares.items()}


def _number(limit: float) -> float:
    return limit if isfinite(limit) else NO_LIMIT_W
