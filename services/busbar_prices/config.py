"""What the price service must be told, from [prices] of busbar.toml."""

from collections.abc import Mapping

from busbar_prices.sources.asking import Source
from busbar_prices.sources.energidataservice import EnergiDataService
from busbar_prices.sources.entsoe import Entsoe
from busbar_prices.sources.nordpool import NordPool
from busbar_prices.sources.octopus import Octopus
from busbar_prices.sources.tibber import Tibber
from busbar_prices.tariff import Tariff, by_hour
from busbar_shared.config.load import BadConfig, secret
from busbar_shared.config.services import PriceSource

FETCHED = ("nordpool", "entsoe", "tibber", "octopus", "energidataservice")


def tariff_of(series: str, told: PriceSource) -> Tariff:
    """What comes on top of this series' prices; raises BadConfig."""
    return Tariff(told.vat_percent, told.fixed_per_kwh, by_hour(told.per_hour, f"prices.series.{series}"))


def source_of(series: str, told: PriceSource, environ: Mapping[str, str]) -> Source:
    """The source that is asked for this series; raises BadConfig naming the key that is missing."""
    path = f"prices.series.{series}"
    url = _option(told, "url")
    more = {"url": url} if url else {}
    match told.kind:
        case "nordpool":
            return NordPool(_area(path, told), told.currency, **more)
        case "entsoe":
            return Entsoe(_area(path, told), _token(path, told, environ, "ENTSOE_TOKEN"), **more)
        case "energidataservice":
            return EnergiDataService(_area(path, told), told.currency, **more)
        case "tibber":
            quarters = told.options.get("quarters") is True
            token = _token(path, told, environ, "TIBBER_TOKEN")
            return Tibber(token, _option(told, "home"), quarters, **more)
        case "octopus":
            product, tariff = _option(told, "product"), _option(told, "tariff")
            if product is None or tariff is None:
                raise BadConfig(f"{path}.options: octopus needs product and tariff")
            return Octopus(product, tariff, **more)
    raise BadConfig(f"{path}.kind: {told.kind} is not asked over HTTP")


def _option(told: PriceSource, name: str) -> str | None:
    value = told.options.get(name)
    return value if isinstance(value, str) and value else None


def _area(path: str, told: PriceSource) -> str:
    if not told.area:
        raise BadConfig(f"{path}.area: {told.kind} needs an area")
    return told.area


def _token(path: str, told: PriceSource, environ: Mapping[str, str], usual: str) -> str:
    name = told.token or usual
    value = secret(name, environ)
    if not value:
        raise BadConfig(f"{path}.token: neither {name} nor {name}_FILE is set")
    return value
