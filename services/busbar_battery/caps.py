"""How much the inverters may give, all together, so that export and generation stay inside their limits.

Everything is counted at the AC terminals, where the meter counts: what a hybrid puts into its own battery never
passes there, what a battery with its own inverter takes does.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from msgspec import Struct

from busbar_battery.samples import Pair
from busbar_battery.site import InverterNow, SiteNow, Tuning, age_limit_s, or_inf, smallest

# An export beyond the limit by less than this is the meter's noise.
TOLERANCE_W = 30.0
# Where an inverter does not tell its rating, its cap rises as that of a 10 kW one.
UNKNOWN_RATING_W = 10_000.0
# Less sun than this is night.
NIGHT_W = 50.0
# From an order to samples of inverter and meter that both surely show it: the dead time, the second in which a
# device refreshes its registers, and the second until they are read.
ANSWER_S = 2.5


class Cap(Struct, frozen=True):
    """The cap on all inverters together in W, None for none; since when the sun is not measured."""

    total: float | None = None
    at_s: float | None = None
    sun_lost_since: float | None = None
    # When it last fell by more than noise, and by how much the sun falls with each cut of the last seconds.
    cut_s: float | None = None
    cuts: tuple[tuple[float, float], ...] = ()


def output_at(inverters: Sequence[InverterNow], at_s: float) -> float | None:
    """What all inverters give at that instant, W; None where one is not known, or where there is none."""
    if not inverters:
        return None
    powers = [one.power.near(at_s, age_limit_s(one.period_s)) for one in inverters]
    return None if None in powers else sum(power for power in powers if power is not None)


def rating_of(inverters: Sequence[InverterNow]) -> float:
    """The nameplates together, W; `inf` where one is not known."""
    return sum(or_inf(one.rating) for one in inverters)


def rise_w_per_s(inverters: Sequence[InverterNow], tuning: Tuning) -> float:
    """How fast the cap may rise."""
    rating = rating_of(inverters)
    return tuning.cap_rise_percent_per_s / 100 * (UNKNOWN_RATING_W if rating == inf else rating)


def wanted_cap(site: SiteNow, need: float) -> float | None:
    """The cap the limits ask for when house and AC-side charging take this much, W."""
    export = site.wishes.export_limit
    room = None if export is None else max(0.0, need + export)
    return smallest(site.wishes.gen_limit, room)


def excess_now(site: SiteNow, pair: Pair) -> tuple[float, float]:
    """By how much the meter alone shows export and import beyond their limits, W, before its pair is complete."""
    if site.grid.last_s is None or pair.at_s >= site.grid.last_s:
        return 0.0, 0.0
    power = site.grid.values[-1]
    export = -power - or_inf(site.wishes.export_limit)
    imported = power - or_inf(site.wishes.import_limit)
    return _counted(export), _counted(imported)


def _counted(excess: float) -> float:
    return excess if excess > TOLERANCE_W else 0.0


def too_much_now(site: SiteNow, pair: Pair, refused: bool) -> float | None:
    """The cap that mends an export seen at the meter before the batteries' share in it is known.

    What a battery beside the sun gives is first taken back from the battery: a sun that pays for it is cut, then
    missed, then given by the battery again, down to nothing. It pays only for what the battery `refused`.
    """
    excess, _ = excess_now(site, pair)
    rows = zip(site.batteries, pair.batteries, strict=True)
    given = sum(max(0.0, -power) for one, power in rows if one.inverter is None)
    if not refused:
        excess -= given
    if excess <= 0 or site.grid.last_s is None:
        return None
    output = output_at(site.inverters, site.grid.last_s)
    if output is None:
        return None
    # A sun that came up after its last sample shows at the meter: what leaves the house is made in it.
    return max(0.0, max(output, -site.grid.values[-1] - given) - excess)


def next_cap(before: Cap, wanted: float | None, site: SiteNow, tuning: Tuning) -> Cap:
    """The cap after this moment: down at once, up slowly and not soon after, gone once it no longer binds."""
    if before.total is None:
        return Cap(wanted, site.now)
    if wanted is not None and wanted <= before.total:
        fell = before.total - wanted > TOLERANCE_W
        cut = max(0.0, held_to(before, site, tuning) - wanted)
        cuts = (*_recent(before, site.now), *(((site.now, cut),) if fell else ()))
        return Cap(wanted, site.now, cut_s=site.now if fell else before.cut_s, cuts=cuts)
    if cut_lately(before, site.now):
        # Seen at the inverter and not yet at the meter, a cut looks like a house that takes more.
        return Cap(before.total, site.now, cut_s=before.cut_s, cuts=_recent(before, site.now))
    passed = 0.0 if before.at_s is None else max(0.0, site.now - before.at_s)
    # The slow way up spares the sun's trackers; what a hybrid gives from its battery at night needs none, and an
    # import limit that waits for a hybrid's battery comes first.
    at_once = _at_night(site) or _awaited(site)
    risen = inf if at_once else before.total + rise_w_per_s(site.inverters, tuning) * passed
    if wanted is None:
        # It is raised to the top before it is let go: what was told last stands until its lease ends.
        top = min(rating_of(site.inverters), UNKNOWN_RATING_W * 100)
        return Cap(None if before.total >= top else min(risen, top), site.now)
    return Cap(min(wanted, risen), site.now)


def _at_night(site: SiteNow) -> bool:
    """Whether all that the inverters give comes from batteries on their DC side."""
    behind = [one.power.values[-1] for one in site.batteries if one.inverter is not None and one.power.values]
    given = [one.power.values[-1] for one in site.inverters if one.power.values]
    return bool(behind and given) and sum(given) + sum(behind) <= NIGHT_W


def _awaited(site: SiteNow) -> bool:
    """Whether the import limit is broken while a cap may hold back a battery behind it."""
    hybrid = any(one.inverter is not None for one in site.batteries)
    imported = site.grid.values[-1] if site.grid.values else 0.0
    return hybrid and imported > or_inf(site.wishes.import_limit) + TOLERANCE_W


def cut_lately(cap: Cap, now: float) -> bool:
    """Whether samples of now may not show yet what the last cut brought."""
    return cap.cut_s is not None and now - cap.cut_s < ANSWER_S


def cut_under_way(cap: Cap, now: float) -> float:
    """By how much the sun falls with cuts that samples of now may not show yet, W."""
    return sum(watts for _, watts in _recent(cap, now))


def _recent(cap: Cap, now: float) -> tuple[tuple[float, float], ...]:
    return tuple(cut for cut in cap.cuts if now - cut[0] < ANSWER_S)


def held_to(cap: Cap, site: SiteNow, tuning: Tuning) -> float:
    """What all inverters may be giving now, W: their last samples, or the cap where they may have followed it up."""
    output = sum(max(0.0, one.power.values[-1]) for one in site.inverters if one.power.values)
    followed = output + rise_w_per_s(site.inverters, tuning) * ANSWER_S
    return cap.total if cap.total is not None and cap.total <= followed else output


def blind_cap(before: Cap, site: SiteNow, patience_s: float) -> Cap:
    """The cap while the sun or the meter is not known: never raised, and after the patience the limit itself.

    A house draws nothing or more, so inverters that give no more than may be exported keep the limit unmeasured.
    """
    since = before.sun_lost_since if before.sun_lost_since is not None else site.now
    total = before.total
    if site.now - since >= patience_s:
        total = smallest(total, site.wishes.export_limit, site.wishes.gen_limit)
    return Cap(total, site.now, since)
