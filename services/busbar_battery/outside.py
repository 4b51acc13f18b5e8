"""Limits of the site from outside: leases on `hems/site/limit/set`, of which the smallest counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from busbar_battery.merge import Offer
from busbar_contracts.allocation import SiteLimit
from busbar_shared.leases import LeaseBook, Refusal


class OutsideLimits:
    """What others ordered and what of it still holds."""

    def __init__(self, issuers: tuple[str, ...], import_fallback_w: float | None) -> None:
        """Only these issuers count; none named: anyone the broker lets speak."""
        self._issuers, self._fallback_w = issuers, import_fallback_w
        self._book: LeaseBook[SiteLimit] = LeaseBook(_lowers)

    def offer(self, limit: SiteLimit, now: datetime, now_s: float, retained: bool) -> Refusal | None:
        """Take the order, or say why not."""
        if self._issuers and limit.issuer not in self._issuers:
            allowed = ", ".join(self._issuers)
            return Refusal("unknown_issuer", "issuer", f"issuer {limit.issuer!r} is not one of {allowed}")
        return self._book.offer(limit, now=now, monotonic=now_s, retained=retained)

    def imports(self, now_s: float) -> list[Offer]:
        """Import limits in force; without any, what is configured for that."""
        offers = self._offers(now_s, lambda limit: limit.import_limit_w)
        if not offers and self._fallback_w is not None:
            return [Offer("fallback of outside limits", self._fallback_w)]
        return offers

    def exports(self, now_s: float) -> list[Offer]:
        """Export limits in force. They are orders of a grid operator: mandatory."""
        return self._offers(now_s, lambda limit: limit.export_limit_w)

    def _offers(self, now_s: float, which: Callable[[SiteLimit], float | None]) -> list[Offer]:
        held = self._book.held(now_s)
        return [
            Offer(one.order.issuer, which(one.order), one.until_s, mandatory=True)
            for one in held
            if which(one.order) is not None
        ]


def _lowers(new: SiteLimit, old: SiteLimit | None) -> bool:
    """Whether an order only makes things tighter; such a one is taken whatever its age."""
    before = (None, None) if old is None else (old.import_limit_w, old.export_limit_w)
    pairs = list(zip(before, (new.import_limit_w, new.export_limit_w), strict=True))
    eased = any(then is not None and (after is None or after > then) for then, after in pairs)
    return not eased and any(after is not None for _, after in pairs)
