"""Prices on one neutral topic, whatever their source."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from busbar_contracts.base import Observed
from busbar_contracts.units import Instant, Seconds


class PriceSlot(Struct, frozen=True, kw_only=True):
    """One price, half open in time."""

    start: Annotated[Instant, Meta(description="Belongs to the slot.")]
    end: Annotated[Instant, Meta(description="Does not belong to the slot; after start.")]
    price: Annotated[
        float,
        Meta(
            ge=-1e6,
            le=1e6,
            description="Per kWh, in the currency of the series; may be negative.",
            extra_json_schema={"x-unit": "currency/kWh"},
        ),
    ]


class PriceSeries(Observed, frozen=True, kw_only=True):
    """All prices that are known of one series; each message replaces the one before."""

    schema: Annotated[Literal["hems.prices/1"], Meta(description="Which form this is.")]
    series: Annotated[str, Meta(min_length=1, max_length=64, description="import, export, or another id.")]
    currency: Annotated[str, Meta(min_length=3, max_length=3, description="ISO 4217.")]
    unit: Annotated[str, Meta(description="Always currency/kWh, for example EUR/kWh.")]
    slots: Annotated[
        tuple[PriceSlot, ...],
        Meta(max_length=1000, description="Ascending, not overlapping; gaps are allowed."),
    ]
    components: Annotated[
        Literal["spot", "all_in"], Meta(description="Whether taxes and fees are inside.")
    ] = "all_in"
    source: Annotated[str, Meta(description="Where the prices come from.")] = ""
    timezone: Annotated[str | None, Meta(description="IANA name of the market's zone.")] = None
    published_at: Annotated[Instant | None, Meta(description="When the source published them.")] = None
    final: Annotated[bool, Meta(description="The source will not change them.")] = True
    resolution_s: Annotated[Seconds | None, Meta(description="Usual length of a slot.")] = None
