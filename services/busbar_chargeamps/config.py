"""What the scheduler must be told, from [chargeamps] of busbar.toml."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from msgspec import Struct

from busbar_chargeamps.command import Rules
from busbar_shared.config.load import BadConfig, secret
from busbar_shared.config.root import Site
from busbar_shared.config.services import ChargeAmpsConnector, ChargeAmpsSection


class Place(Struct, frozen=True):
    """One connector: where it is in the cloud and on the bus."""

    label: str
    charge_point: str
    connector: int
    root: str
    kw: float
    """What it draws at its full current, for the planned energy."""

    def topic(self, what: str) -> str:
        """The name of one of its topics."""
        return f"{self.root}/{self.connector}/{what}"


class Account(Struct, frozen=True):
    """How to log in; never printed."""

    email: str
    password: str
    api_key: str = ""

    def __repr__(self) -> str:
        return "Account(...)"


def section_of(site: Site) -> ChargeAmpsSection:
    """The scheduler's section; raises BadConfig where there is none."""
    if site.chargeamps is None:
        raise BadConfig("chargeamps: the section is missing")
    return site.chargeamps


def root_of(site: Site) -> str:
    """The root of the topics of the HEMS contract."""
    return section_of(site).topic_root or f"{site.site.topic_root}/charge-amps"


def zone_of(site: Site) -> ZoneInfo:
    """The time zone of the site."""
    return ZoneInfo(site.site.timezone)


def places(site: Site) -> tuple[Place, ...]:
    """The configured connectors; raises BadConfig where two have the same topics."""
    found: dict[str, Place] = {}
    _address(section_of(site).base_url)
    if not section_of(site).connectors:
        raise BadConfig("chargeamps.connectors: at least one connector is needed")
    for label, connector in section_of(site).connectors.items():
        place = _place(site, label, connector)
        twin = found.get(place.topic("status"))
        if twin is not None:
            raise BadConfig(
                f"chargeamps.connectors.{label}: connector {place.connector} has the topics of {twin.label}; "
                f"give one of them an alias"
            )
        found[place.topic("status")] = place
    return tuple(found.values())


def _address(base_url: str | None) -> None:
    if base_url is None:
        return
    try:
        parts = urlsplit(base_url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise BadConfig(f"chargeamps.base_url: {base_url!r} is no address such as https://host:8443/api")


def _place(site: Site, label: str, connector: ChargeAmpsConnector) -> Place:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", label):
        raise BadConfig(f"chargeamps.connectors.{label!r}: a name has letters, digits, - and _ only")
    number = connector.connector
    if number is None:
        if not (label.isascii() and label.isdigit() and not label.startswith("0")):
            raise BadConfig(
                f"chargeamps.connectors.{label}: {label!r} is not a connector number; set connector = 1"
            )
        number = int(label)
    root = root_of(site)
    root = f"{root}/{connector.alias}" if connector.alias else root
    kw = site.site.voltage_v * connector.max_current_a * len(connector.legs) / 1000
    return Place(label, connector.charge_point, number, root, round(kw, 3))


def rules_of(site: Site, place: Place) -> Rules:
    """The bounds a schedule for this connector is judged by."""
    section = section_of(site)
    return Rules(
        site_max_current=section.connectors[place.label].max_current_a,
        naive_timestamps=section.naive_timestamps,
        zone=zone_of(site),
    )


def account_of(section: ChargeAmpsSection, environ: Mapping[str, str]) -> Account:
    """The login, from the environment or from files; raises BadConfig naming what is missing, never its value."""
    found = {}
    for field in ("email", "password", "api_key"):
        name = getattr(section, field)
        value = secret(name, environ)
        if not value and (field != "api_key" or section.api == "eapi"):
            raise BadConfig(f"chargeamps.{field}: neither {name} nor {name}_FILE is set")
        found[field] = value or ""
    return Account(**found)
