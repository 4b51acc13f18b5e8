"""From what the house needs to each inverter's cap."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from busbar_battery.caps import (
    NIGHT_W,
    Cap,
    blind_cap,
    cut_lately,
    cut_under_way,
    held_to,
    next_cap,
    output_at,
    too_much_now,
    wanted_cap,
)
from busbar_battery.recent import Need, over_export, over_limit
from busbar_battery.samples import Pair
from busbar_battery.site import SLACK_W, SiteNow, Tuning, Window, age_limit_s, or_inf, smallest
from busbar_battery.split import Output, capped

# A battery that still gives into a broken export limit at the second sample after is not waited for any longer.
REFUSED_AFTER_S = 1.5

# What a loop of a battery's own surely takes up before an order of ours could act, W: a second of a usual slew.
SWIFT_W = 2500.0
# Nearer to full than this cells take less than they say, %.
TAPERS_PERCENT = 5.0


def taken_up(site: SiteNow, windows: Mapping[str, Window]) -> float:
    """What batteries beside the sun could take up of a sudden excess by themselves, W, as they were left free to."""
    free = 0.0
    for one in site.batteries:
        window = windows.get(one.id)
        near_full = one.soc is None or one.soc > one.band.highest - TAPERS_PERCENT
        if one.inverter is None and one.follows_grid and window is not None and not near_full:
            most = smallest(one.charge_max, window.max_w) or 0.0
            free += max(0.0, most - max(0.0, one.power.values[-1] if one.power.values else most))
    return free


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
    taken_up: float = 0.0,
    absorbs: bool = False,
) -> Cap:
    """The cap on all inverters after this step.

    `over_s` is how long the export limit has been broken; `taken_up`: what batteries' own loops take of an excess
    by themselves, W; `absorbs`: such a battery is taking up the excess right now, so that it is not cut twice.
    """
    if not site.inverters:
        return Cap()
    if need is None:
        return blind_cap(before, site, 2 * age_limit_s(*(one.period_s for one in site.inverters)))
    refused = over_s >= REFUSED_AFTER_S
    least = min(need.load + need.charging, inf if absorbs else _least_need(before, site, pair))
    wanted = smallest(wanted_cap(site, least), too_much_now(site, pair, refused))
    if over_limit(site, pair) and doubtful:
        # Never up on a broken limit or on a guess.
        wanted = smallest(wanted, before.total)
    if wanted is not None:
        wanted = _not_cut_twice(before, wanted, taken_up if over_s <= 0 else 0.0, site, tuning, pair, need)
    return next_cap(before, wanted, site, tuning)


def _not_cut_twice(
    before: Cap, wanted: float, free: float, site: SiteNow, tuning: Tuning, pair: Pair, need: Need
) -> float:
    """The cap wanted, but no lower than it takes to mend what is not being mended already, W.

    Meter, battery and sun are read from registers up to a second old: while sun and battery are on their way, a
    house worked out from them may be wrong by a kilowatt and below zero. What the meter shows is not. Batteries
    with a loop of their own and room enough (`free`) take up a part of an excess before a cut could act.
    A battery that is led by us, or hangs on the sun's own DC side, changes nothing of what is wanted.
    """
    if not all(one.inverter is None and one.follows_grid for one in site.batteries):
        return wanted
    newest = site.grid.values[-1] if site.grid.values else pair.grid
    excess = max(-pair.grid, -newest) - or_inf(site.wishes.export_limit)
    taken = SWIFT_W if free >= min(excess, SWIFT_W) else 0.0
    mending = cut_under_way(before, site.now) + taken
    if before.total is None or wanted >= before.total or mending <= 0 or excess <= 0:
        return wanted
    falls = max(0.0, sum(max(0.0, power) for power in pair.batteries) - need.charging)
    enough = held_to(before, site, tuning) - max(0.0, excess - mending) - falls
    if not taken:
        enough = min(enough, wanted + _on_their_way(site))
    return min(max(wanted, enough), before.total, or_inf(site.wishes.gen_limit))


def _on_their_way(site: SiteNow) -> float:
    """How much sun and batteries moved between their last two samples, W: so far a sum of them may be off."""
    traces = [one.power.values for one in site.inverters] + [one.power.values for one in site.batteries]
    return sum((abs(values[-1] - values[-2]) for values in traces if len(values) > 1), 0.0)


def _least_need(before: Cap, site: SiteNow, pair: Pair) -> float:
    """While the export limit is broken, what house and charging take by the newest samples as they came, W.

    Registers may show a second more than their time says, and a battery that falls back inside it hides an excess.
    `inf` where the inverter shows a cut that the meter may not show yet: the same excess would be cut twice.
    """
    if not over_export(site, pair):
        return inf
    output = output_at(site.inverters, pair.at_s)
    if output is None:
        return inf
    output = sum(one.power.values[-1] for one in site.inverters)
    if before.total is not None and cut_lately(before, site.now) and output <= before.total + SLACK_W:
        return inf
    given = sum(max(0.0, -one.power.values[-1]) for one in site.batteries if one.inverter is None)
    # Below nothing it is no house, but a sun that came up after its last sample.
    return max(0.0, output + pair.grid + given)


def making_room(before: Cap, cap: Cap, site: SiteNow, pair: Pair, need: Need | None) -> float | None:
    """The most a battery may give while a rising cap lets the sun take over, W; None: no matter.

    Its own loop sees that sun only when it is out at the meter, which is an export nobody wanted. What a hybrid
    gives from its battery is no sun: there the sun takes over no more than by how much the cap rises, at night none.
    """
    export = site.wishes.export_limit
    if (
        need is None
        or export is None
        or before.total is None
        or cap.total is None
        or cap.total <= before.total
    ):
        return None
    output = output_at(site.inverters, pair.at_s)
    if output is None or output < 0.9 * before.total - 5 * SLACK_W:
        return None
    sun = cap.total
    if any(one.inverter is not None for one in site.batteries):
        now = sun_of(site, pair, output)
        if now <= NIGHT_W:
            return None
        sun = min(sun, now + cap.total - before.total)
    return max(0.0, need.load + export - sun)


def sun_of(site: SiteNow, pair: Pair, output: float) -> float:
    """The sun behind inverters that give this much, W: what batteries on their DC side take or give is none."""
    rows = zip(site.batteries, pair.batteries, strict=True)
    return output + sum(power for one, power in rows if one.inverter is not None)


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
