"""One series as it goes out: the last good prices, the household's tariff on them, the neutral form."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from busbar_contracts.prices import PriceSeries, PriceSlot
from busbar_prices.quotes import Found, Garbled, slots
from busbar_prices.tariff import Tariff

MOST_SLOTS = 1000


class Series(Struct, frozen=True):
    """How one series is made."""

    name: str
    label: str
    currency: str
    all_in: bool
    tariff: Tariff
    zone: ZoneInfo


def made(series: Series, found: Found, now: datetime) -> PriceSeries:
    """The message with all prices from the start of today at the site; raises `Garbled`."""
    midnight = now.astimezone(series.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    kept = tuple(
        PriceSlot(
            start=slot.start,
            end=slot.end,
            price=round(series.tariff.price(slot.price, slot.start, series.zone), 6) + 0.0,
        )
        for slot in slots(found.quotes)
        if slot.end.timestamp() > midnight.timestamp()
    )[:MOST_SLOTS]
    currency = _currency(found.currency or series.currency)
    return PriceSeries(
        schema="hems.prices/1",
        series=series.name,
        currency=currency,
        unit=f"{currency}/kWh",
        slots=kept,
        components="all_in" if series.all_in or series.tariff.adds else "spot",
        source=series.label,
        timezone=series.zone.key,
        published_at=found.published_at or now,
        final=found.final,
        resolution_s=_resolution(kept),
    )


def _currency(said: str) -> str:
    """The currency by its three letters of ISO 4217; raises `Garbled` for anything else."""
    if len(said) != 3 or not said.isascii() or not said.isalpha():
        raise Garbled(f"a currency has three letters (found {said[:20]!r})")
    return said


def same(one: PriceSeries | None, other: PriceSeries) -> bool:
    """True when a reader would learn nothing new from the other."""
    return one is not None and (one.slots, one.final, one.currency, one.components) == (
        other.slots,
        other.final,
        other.currency,
        other.components,
    )


def _resolution(kept: tuple[PriceSlot, ...]) -> float | None:
    lengths = [slot.end - slot.start for slot in kept]
    if not lengths:
        return None
    usual: timedelta = max(sorted(set(lengths)), key=lengths.count)
    return usual.total_seconds()
