"""The dashboard names entities that exist, and the page's blocks can be read."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from busbar_cli.detect import brands
from busbar_shared.config.load import read
from busbar_shared.discovery.allocation import decided
from busbar_shared.discovery.batteries import battery_flow
from busbar_shared.discovery.chargers import chargers
from busbar_shared.discovery.health import health
from busbar_shared.discovery.meters import meters
from busbar_shared.discovery.payload import Naming, configs
from busbar_shared.discovery.plugs import plugs

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "home-assistant.md").read_text(encoding="utf-8")
DASHBOARD = (DOCS / "home-assistant-dashboard.yaml").read_text(encoding="utf-8")

HOUSE = """
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15
[meters.grid]
modbus = { host = "127.0.0.1" }
[inverters.roof]
modbus = { host = "127.0.0.1" }
[batteries.house]
modbus = { host = "127.0.0.1" }
[ocpp]
security = 0
[chargers.left]
[plugs.pump]
[battery_flow]
"""


def entity_ids() -> set[str]:
    """What the house of the page has."""
    site = read(HOUSE)
    shown = [*decided(site), *chargers(site), *meters(site), *plugs(site), *battery_flow(site)]
    shown += [health(site, service) for service in site.services()]
    single = [one for device in shown for one in configs(device, Naming(service="x"), "single").values()]
    return {one["default_entity_id"] for one in single}


@pytest.mark.parametrize(
    "entity",
    sorted(set(re.findall(r"\b(?:sensor|binary_sensor|select|number|switch|button|event)\.\w+", DASHBOARD))),
)
def test_an_entity_of_the_dashboard_exists(entity: str) -> None:
    assert entity in entity_ids()


def test_the_dashboard_has_three_views() -> None:
    assert [view["title"] for view in yaml.safe_load(DASHBOARD)["views"]] == ["House", "Loads", "Services"]


def test_every_block_of_the_page_can_be_read() -> None:
    blocks = re.findall(r"^ *```(\w+)\n(.*?)^ *```", PAGE, re.M | re.S)
    assert len(blocks) == 6
    for kind, text in blocks:
        if kind == "toml":
            assert tomllib.loads(text)
        elif kind == "yaml":
            assert yaml.safe_load(text)


@pytest.mark.parametrize("brand", [one.name.split(",")[0] for one in brands() if one.name != "generic"])
def test_every_brand_stands_on_the_page(brand: str) -> None:
    assert brand in PAGE
