"""Limits of the whole site from outside: leases, of which the smallest counts; silence is the fallback."""

from datetime import datetime

from busbar_allocator.present import Outside
from busbar_contracts.allocation import SiteLimit
from busbar_shared.leases import LeaseBook, Refusal


class OutsideLimits:
    """The import limits that others ordered and that still hold."""

    def __init__(self, issuers: tuple[str, ...], fallback_w: float | None) -> None:
        """Only these issuers count; none named: anyone the broker lets speak."""
        self._issuers, self._fallback_w = issuers, fallback_w
        self._book: LeaseBook[SiteLimit] = LeaseBook(_lowers)

    def offer(
        self, limit: SiteLimit, *, now: datetime, monotonic: float, retained: bool = False
    ) -> Refusal | None:
        """Take the order, or say why not."""
        if self._issuers and limit.issuer not in self._issuers:
            allowed = ", ".join(self._issuers)
            return Refusal("unknown_issuer", "issuer", f"issuer {limit.issuer!r} is not one of {allowed}")
        return self._book.offer(limit, now=now, monotonic=monotonic, retained=retained)

    def now(self, monotonic: float) -> Outside:
        """The smallest limit in force; without any, what is configured for that."""
        given = [one for one in self._book.in_force(monotonic) if one.import_limit_w is not None]
        if not given:
            return Outside(
                self._fallback_w, "fallback of outside limits" if self._fallback_w is not None else None
            )
        least = min(given, key=lambda one: one.import_limit_w or 0.0)
        return Outside(least.import_limit_w, least.issuer)


def _lowers(new: SiteLimit, old: SiteLimit | None) -> bool:
    """An order that only lowers is taken whatever its age."""
    return all(
        after is not None and (before is None or after <= before)
        for before, after in (
            (old.import_limit_w if old is not None else None, new.import_limit_w),
            (old.export_limit_w if old is not None else None, new.export_limit_w),
        )
        if before is not None or after is not None
    )
