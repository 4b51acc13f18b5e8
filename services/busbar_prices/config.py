"""What the price service must be told, from [prices] of busbar.toml."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from busbar_prices.sources.asking import Source
from busbar_prices.sources.energidataservice import EnergiDataService
from busbar_prices.sources.entsoe import Entsoe
from busbar_prices.sources.nordpool import NordPool
from busbar_prices.sources.octopus import Octopus
from busbar_prices.sources.tibber import Tibber
from busbar_prices.tariff import Tariff, by_hour
from busbar_shared.config.load import BadConfig, secret
from busbar_shared.config.root import Site
from busbar_shared.config.services import PriceSource


def tariff_of(series: str, told: PriceSource) -> Tariff:
    """What comes on top of this series' prices; raises BadConfig."""
    return Tariff(told.vat_percent, told.fixed_per_kwh, by_hour(told.per_hour, f"prices.series.{series}"))


def check(site: Site) -> None:
    """Look at every series without its secrets; raises BadConfig naming the first key that is wrong."""
    for name, told in (site.prices.series if site.prices else {}).items():
        tariff_of(name, told)
        complete(f"prices.series.{name}", told)


def complete(path: str, told: PriceSource) -> None:
    """Everything this kind of source needs is there; raises BadConfig naming the key that is missing."""
    if told.kind in ("nordpool", "entsoe", "energidataservice") and not told.area:
        raise BadConfig(f"{path}.area: {told.kind} needs an area")
    if told.kind == "octopus" and not (_option(told, "product") and _option(told, "tariff")):
        raise BadConfig(f"{path}.options: octopus needs product and tariff")
    _known_options(path, told)
    if (url := _option(told, "url")) and not _is_address(url):
        raise BadConfig(f"{path}.options.url: {url!r} is no address such as https://host/path")
    if told.kind == "file" and not told.file:
        raise BadConfig(f"{path}.file: file needs one")
    if told.kind == "mqtt" and not told.topic:
        raise BadConfig(f"{path}.topic: mqtt needs one")


_OPTIONS: dict[str, dict[str, type]] = {
    "nordpool": {"url": str},
    "entsoe": {"url": str},
    "tibber": {"home": str, "quarters": bool, "url": str},
    "octopus": {"product": str, "tariff": str, "direct_debit": bool, "url": str},
    "energidataservice": {"url": str},
    "file": {"all_in": bool},
    "mqtt": {"all_in": bool},
}
"""What each kind of source may be told besides, and of which type."""


def _known_options(path: str, told: PriceSource) -> None:
    known = _OPTIONS[told.kind]
    for name, value in told.options.items():
        if name not in known:
            raise BadConfig(f"{path}.options.{name}: {told.kind} has {', '.join(sorted(known))}")
        if not isinstance(value, known[name]):
            kind = "true or false" if known[name] is bool else "a text"
            raise BadConfig(f"{path}.options.{name}: {value!r} is not {kind}")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def source_of(series: str, told: PriceSource, environ: Mapping[str, str]) -> Source | None:
    """The source that is asked for this series, None where none is; raises BadConfig for what is missing."""
    path = f"prices.series.{series}"
    complete(path, told)
    area, url = told.area or "", _option(told, "url")
    more = {"url": url} if url else {}
    match told.kind:
        case "nordpool":
            return NordPool(area, told.currency, **more)
        case "entsoe":
            return Entsoe(area, _token(path, told, environ, "ENTSOE_TOKEN"), **more)
        case "energidataservice":
            return EnergiDataService(area, told.currency, **more)
        case "tibber":
            quarters = told.options.get("quarters") is True
            token = _token(path, told, environ, "TIBBER_TOKEN")
            return Tibber(token, _option(told, "home"), quarters, **more)
        case "octopus":
            direct_debit = told.options.get("direct_debit") is not False
            return Octopus(
                _option(told, "product") or "", _option(told, "tariff") or "", direct_debit, **more
            )
    return None


def _option(told: PriceSource, name: str) -> str | None:
    value = told.options.get(name)
    return value if isinstance(value, str) and value else None


def _token(path: str, told: PriceSource, environ: Mapping[str, str], usual: str) -> str:
    name = told.token or usual
    value = secret(name, environ)
    if not value:
        raise BadConfig(f"{path}.token: neither {name} nor {name}_FILE is set")
    return value
