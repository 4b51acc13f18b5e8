"""Many voices, one rule: of limits the most restrictive, of permissions a no, of wishes the first in order.

Never the last to speak: the order of arrival decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from msgspec import Struct

T = TypeVar("T")


class Offer(Struct, frozen=True):
    """One value from one source; `until` is when it lapses on the monotonic clock, None: it stands."""

    source: str
    value: float | bool | str | None
    until: float | None = None
    mandatory: bool = False


class Limit(Struct, frozen=True):
    """The limit that counts and who set it; None where nobody limits."""

    value: float | None
    source: str
    mandatory: bool


NO_LIMIT = Limit(None, "", False)


def in_force(offers: Iterable[Offer], now: float) -> list[Offer]:
    """The offers that say something and have not lapsed."""
    return [one for one in offers if one.value is not None and (one.until is None or one.until > now)]


def least(offers: Iterable[Offer], now: float) -> Limit:
    """The most restrictive limit, named; it is mandatory as soon as any of those in force is."""
    standing = in_force(offers, now)
    if not standing:
        return NO_LIMIT
    smallest = min(standing, key=lambda one: float(one.value or 0.0))
    return Limit(float(smallest.value or 0.0), smallest.source, any(one.mandatory for one in standing))


def permitted(offers: Iterable[Offer], now: float) -> tuple[bool, str]:
    """Whether all who were asked permit it, and who refused first. Nobody asked is a no."""
    standing = in_force(offers, now)
    refused = next((one.source for one in standing if not one.value), None)
    return bool(standing) and refused is None, refused or ""
