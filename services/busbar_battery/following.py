"""Whether each of several batteries does its share, and with how much it is trusted when it does not.

A cold or nearly full battery takes less than its limits say. Left with its share it would waste what another could
take, so after a while it is asked for little more than it does, and the rest goes to the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from busbar_battery.ramp import sign
from busbar_battery.site import SLACK_W, BatteryNow

# It is always asked for this much more than it does: so it is noticed when it can again.
STEP_W = SLACK_W


class Following(Struct, frozen=True):
    """The share one battery was told (W, + charge), since when it falls short of it, and what it is trusted with."""

    share: float = 0.0
    short_since: float | None = None
    able: float | None = None


def followed(before: Following, measured: float, now: float, patience_s: float) -> Following:
    """What is known of a battery after this sample of its power, W."""
    reached = max(0.0, measured * sign(before.share))
    if before.able is not None:
        return replace(before, able=reached + STEP_W)
    if abs(before.share) <= SLACK_W or reached >= 0.8 * abs(before.share) - SLACK_W:
        return replace(before, short_since=None)
    since = now if before.short_since is None else before.short_since
    return replace(before, short_since=since, able=reached + STEP_W if now - since >= patience_s else None)


def told(known: Following, share: float) -> Following:
    """The same after its next share: in the other direction, or less than it is trusted with, it begins anew."""
    if share * known.share < 0 or (known.able is not None and abs(share) < known.able - 1.0):
        return Following(share)
    return replace(known, share=share)


def after_samples(
    before: Mapping[str, Following],
    batteries: Sequence[BatteryNow],
    powers: Sequence[float],
    now: float,
    patience_s: float,
) -> dict[str, Following]:
    """All of several batteries; one alone has nobody to leave its part to."""
    if len(batteries) < 2:
        return {}
    rows = zip(batteries, powers, strict=True)
    return {one.id: followed(before.get(one.id, Following()), power, now, patience_s) for one, power in rows}


def trusted(following: Mapping[str, Following]) -> dict[str, float]:
    """With how much those are trusted that fell short, W in the direction of their share."""
    return {name: known.able for name, known in following.items() if known.able is not None}
