"""What the last pairs of samples said: surplus and need of the house, filtered so that no filter costs a limit."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from busbar_battery.caps import TOLERANCE_W, output_at
from busbar_battery.samples import Pair, calm
from busbar_battery.site import SiteNow, or_inf

# An inverter's output that moved by more than this between two samples is not known in between.
JUMP_W = 300.0
# Less import than this beyond its limit is taken back by the second pair that shows it.
IMPORT_WAITS_W = 500.0


class Need(Struct, frozen=True):
    """What the house takes at one instant, and what batteries on the AC side take beside it, W."""

    load: float
    charging: float


class Recent(Struct, frozen=True, kw_only=True):
    """The last three pairs."""

    surpluses: tuple[float, ...] = ()
    needs: tuple[Need, ...] = ()
    doubts: int = 0
    pair_at_s: float | None = None


def remembered(recent: Recent, site: SiteNow, pair: Pair) -> Recent:
    """With this pair, if it is a new one."""
    if recent.pair_at_s is not None and pair.at_s <= recent.pair_at_s:
        return recent
    recent = replace(recent, surpluses=(*recent.surpluses[-2:], pair.surplus), pair_at_s=pair.at_s)
    output = output_at(site.inverters, pair.at_s)
    if output is None:
        return replace(recent, needs=(), doubts=0)
    # An inverter that obeyed a cap jumped somewhere between its two samples: this load is a guess. The last one
    # serves, for two samples at most.
    # What a battery on the DC side did between them is no guess: it slews.
    jumped = sum(one.power.step_at(pair.at_s) for one in site.inverters)
    slewed = sum(one.power.step_at(pair.at_s) for one in site.batteries if one.inverter is not None)
    doubtful = abs(jumped - slewed) > JUMP_W
    if doubtful and recent.needs and recent.doubts < 2:
        return replace(recent, doubts=recent.doubts + 1)
    on_ac = [power for one, power in zip(site.batteries, pair.batteries, strict=True) if one.inverter is None]
    need = Need(output + pair.grid - sum(on_ac), sum(max(0.0, power) for power in on_ac))
    return replace(recent, needs=(*recent.needs[-2:], need), doubts=0)


def surplus_of(recent: Recent, pair: Pair, hurry: bool) -> float:
    """The surplus to act on, W; in a hurry the newest as it is."""
    return pair.surplus if hurry else calm(recent.surpluses)


def need_of(recent: Recent, hurry: bool) -> Need | None:
    """House and charging batteries, filtered together: one without the other would be of two instants."""
    if not recent.needs:
        return None
    if hurry:
        return Need(plausible(recent.needs[-1].load, recent.needs), recent.needs[-1].charging)
    load = calm([one.load for one in recent.needs])
    return Need(load, calm([one.load + one.charging for one in recent.needs]) - load)


def plausible(load: float, needs: Sequence[Need]) -> float:
    """A load, W, that is not below nothing, unless all that was seen lately was: there a generator is hidden.

    A sun that came up after its inverter's last sample looks like a house that gives.
    """
    return max(load, min(0.0, max(one.load for one in needs)))


def over_export(site: SiteNow, pair: Pair) -> bool:
    """Whether this pair shows an export beyond its limit."""
    return -pair.grid > or_inf(site.wishes.export_limit) + TOLERANCE_W


def over_limit(site: SiteNow, pair: Pair) -> bool:
    """Whether this pair shows an export beyond its limit, or an import so far beyond that it cannot wait.

    A little import more waits for the second pair: answered at once, what a slewing battery blurs in the first
    would be answered too, and the battery would swing about the limit.
    """
    return over_export(site, pair) or pair.grid > or_inf(site.wishes.import_limit) + IMPORT_WAITS_W
