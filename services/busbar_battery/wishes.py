"""What file, owner, operator and market ask of the site, merged into one set of limits and wishes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from busbar_battery.config import Plan
from busbar_battery.merge import Limit, Offer, least, permitted
from busbar_battery.prices import inside, price_at
from busbar_battery.site import Wishes
from busbar_contracts.allocation import SiteSettings
from busbar_contracts.battery import BatterySettings
from busbar_contracts.prices import PriceSeries


class Voices(Struct, frozen=True, kw_only=True):
    """Everyone who may ask something, as last heard."""

    settings: Mapping[str, BatterySettings]
    site: SiteSettings | None
    import_prices: PriceSeries | None
    export_prices: PriceSeries | None
    outside_imports: tuple[Offer, ...] = ()
    outside_exports: tuple[Offer, ...] = ()


def merged(plan: Plan, voices: Voices, now: datetime, now_s: float) -> Wishes:
    """The limits and wishes that count now."""
    export, imported, generation = (
        least(export_offers(plan, voices, now), now_s),
        least(import_offers(plan, voices), now_s),
        least([Offer("battery_flow.generation_limit_w", plan.flow.generation_limit_w)], now_s),
    )
    may_charge, _ = permitted(grid_charging_offers(plan, voices, now), now_s)
    settings = list(voices.settings.values())
    mandatory_generation = generation.value is not None and plan.flow.limits_mandatory
    return Wishes(
        export_limit=export.value,
        import_limit=imported.value,
        gen_limit=generation.value,
        mandatory=export.mandatory or mandatory_generation,
        # Where batteries differ, the first in the configuration has the say: never the last to speak.
        priority=settings[0].mode if settings else plan.flow.mode,
        grid_charging=may_charge,
        grid_charging_max=_sum([one.grid_charging_max_w for one in settings if one.grid_charging]),
        import_target=_first([one.import_target_w for one in settings]),
        export_target=_first([one.export_target_w for one in settings]),
        permissive_soc=plan.flow.permissive_soc,
        sources=_named({"export": export, "import": imported, "generation": generation}),
    )


def export_offers(plan: Plan, voices: Voices, now: datetime) -> list[Offer]:
    """Who limits the export now: the file, the market at a price below the owner's, an operator."""
    flow = plan.flow
    offers = [Offer("battery_flow.export_limit_w", flow.export_limit_w, mandatory=flow.limits_mandatory)]
    price = price_at(voices.export_prices, now)
    if (
        flow.zero_export_below_price is not None
        and price is not None
        and price < flow.zero_export_below_price
    ):
        offers.append(Offer(f"export price {price:g}", 0.0))
    return [*offers, *voices.outside_exports]


def import_offers(plan: Plan, voices: Voices) -> list[Offer]:
    """Who limits the import now: the file, the owner's site setting less its buffer, an operator."""
    offers = [Offer("battery_flow.import_limit_w", plan.flow.import_limit_w)]
    limit = plan.site.import_limit_w if voices.site is None else voices.site.import_limit_w
    buffer = plan.site.power_buffer_w if voices.site is None else voices.site.power_buffer_w
    if limit is not None:
        offers.append(Offer("import limit of the site", max(0.0, limit - buffer)))
    return [*offers, *voices.outside_imports]


def grid_charging_offers(plan: Plan, voices: Voices, now: datetime) -> list[Offer]:
    """Who was asked whether the grid may charge a battery. An unknown price is never cheap."""
    flow = plan.flow
    offers = [Offer("settings", any(one.grid_charging for one in voices.settings.values()))]
    if flow.grid_charging_windows:
        offers.append(Offer("windows", inside(flow.grid_charging_windows, now.astimezone(plan.zone))))
    if flow.grid_charging_below_price is not None:
        price = price_at(voices.import_prices, now)
        offers.append(Offer("price", price is not None and price <= flow.grid_charging_below_price))
    return offers


def _named(limits: Mapping[str, Limit]) -> dict[str, str]:
    return {name: limit.source for name, limit in limits.items() if limit.value is not None}


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def _first(values: list[float | None]) -> float | None:
    return next((value for value in values if value is not None), None)
