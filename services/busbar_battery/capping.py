"""From what the house needs to each inverter's cap."""

from __future__ import annotations

from collections.abc import Mapping

from busbar_battery.caps import Cap, blind_cap, next_cap, too_much_now, wanted_cap
from busbar_battery.recent import Need, over_limit
from busbar_battery.samples import Pair
from busbar_battery.site import SiteNow, Tuning, Window, age_limit_s, smallest
from busbar_battery.split import Output, capped

# A battery that still gives into a broken export limit at the second sample after is not waited for any longer.
REFUSED_AFTER_S = 1.5


def anticipated(need: Need | None, site: SiteNow, pair: Pair, windows: Mapping[str, Window]) -> Need | None:
    """The need once batteries on the AC side are down at what they were just told. Never up: they may refuse."""
    if need is None:
        return None
    falls = sum(
        max(0.0, power - (windows[one.id].max_w or 0.0))
        for one, power in zip(site.batteries, pair.batteries, strict=True)
        if one.inverter is None and power > 0
    )
    return Need(need.load, max(0.0, need.charging - falls))


def cap_after(
    before: Cap,
    site: SiteNow,
    tuning: Tuning,
    pair: Pair,
    need: Need | None,
    *,
    over_s: float,
    doubtful: bool,
) -> Cap:
    """The cap on all inverters after this step; `over_s` is how long the export limit has been broken."""
    if not site.inverters:
        return Cap()
    if need is None:
        return blind_cap(before, site, 2 * age_limit_s(*(one.period_s for one in site.inverters)))
    refused = over_s >= REFUSED_AFTER_S
    wanted = smallest(wanted_cap(site, need.load + need.charging), too_much_now(site, pair, refused))
    if over_limit(site, pair) and doubtful:
        # Never up on a broken limit or on a guess.
        wanted = smallest(wanted, before.total)
    return next_cap(before, wanted, site, tuning)


def caps_of(cap: Cap, site: SiteNow) -> dict[str, float | None]:
    """Each inverter's cap; what one that cannot be capped gives is taken off the others' share."""
    ours = [one for one in site.inverters if one.writable]
    if cap.total is None:
        return dict.fromkeys((one.id for one in ours), None)
    foreign = [one for one in site.inverters if not one.writable]
    left = max(0.0, cap.total - sum(max(0.0, one.power.values[-1]) for one in foreign if one.power.values))
    outputs = [
        Output(one.id, one.rating or left, one.power.values[-1] if one.power.values else 0.0) for one in ours
    ]
    return dict(capped(left, outputs))
