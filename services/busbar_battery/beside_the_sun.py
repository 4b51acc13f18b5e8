"""A battery that is led by us beside a sun that is capped by us.

Both would answer the same need, and each shows what it did only seconds later: together they do it twice, and
what was a deficit becomes an export. So the battery leaves to the sun what the sun is about to do.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from busbar_battery.caps import Cap, cut_lately
from busbar_battery.recent import Need, plausible
from busbar_battery.samples import Pair
from busbar_battery.site import SLACK_W, SiteNow

# From a cap to a sample that surely shows what it let through: an order on its way, the dead time, the second in
# which an inverter refreshes its registers, and the second until they are read.
SHOWN_S = 3.5
# Less sun than this is night: no cap holds it back.
DARK_W = 20.0
# So much more a battery may take although the sun is being cut: what the cut leaves over is seen seconds later.
LITTLE_W = 200.0


class Caps(Struct, frozen=True):
    """The caps of the last seconds, W, by when they were made."""

    lately: tuple[tuple[float, float], ...] = ()

    def after(self, cap: Cap, now: float) -> Caps:
        """With the newest; one that ended forgets those before it."""
        if cap.total is None:
            return Caps()
        return Caps((*(one for one in self.lately if now - one[0] <= SHOWN_S), (now, cap.total)))

    @property
    def shown(self) -> float | None:
        """The least of them: what a sun that follows has surely come up to, W."""
        return min((total for _, total in self.lately), default=None)


def holds_back(caps: Caps, output: float) -> bool:
    """Whether the sun comes up with its cap, as far as samples can show it: there is more of it."""
    shown = caps.shown
    return shown is not None and output > DARK_W and output >= 0.97 * shown - SLACK_W / 2


def beside_the_sun(
    bounds: tuple[float, float],
    power: float,
    caps: Caps,
    cap: Cap,
    site: SiteNow,
    pair: Pair,
    needs: Sequence[Need],
) -> tuple[float, float]:
    """The bounds (W, + charge) of a battery whose power is `power` while a cap changes what the sun gives.

    It gives no more than is left beside a sun that may come up to its cap, and takes no more than before while a
    cut is under way. What an import limit demands stands above both. Of the last `needs` the least counts: while
    sun and battery move, registers of different instants make the house look larger than it is.
    """
    export = site.wishes.export_limit
    ours = all(one.writable for one in site.inverters) and all(one.inverter is None for one in site.batteries)
    if not needs or export is None or cap.total is None or not ours:
        return bounds
    lowest, highest = bounds
    load = plausible(min(one.load for one in needs), needs)
    output = sum(one.power.values[-1] for one in site.inverters if one.power.values)
    if holds_back(caps, output):
        lowest = max(lowest, -max(0.0, load + export - cap.total))
    if cut_lately(cap, site.now):
        highest = min(highest, max(power, max(0.0, pair.battery, cap.total - load) + LITTLE_W))
    return min(lowest, highest), highest
