"""A house with one of everything, and what its services say."""

from datetime import UTC, datetime

import pytest

from busbar_shared.config.load import read
from busbar_shared.config.root import Site

SIX_PM = datetime(2026, 5, 4, 18, 0, tzinfo=UTC)

HOUSE = """
[site]
id = "home"
name = "Home"
[broker]
discovery = "device"
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 8
[circuits.garage]
limit_a = 20
parent = "main"
background_a = 0
[meters.grid]
modbus = { host = "127.0.0.1", unit = 200 }
[inverters.roof]
modbus = { host = "127.0.0.1" }
hybrid = true
writable = true
[batteries.house]
modbus = { host = "127.0.0.1" }
inverter = "roof"
writable = true
[ocpp]
security = 0
[chargers.left]
circuit = "garage"
fallback_a = 0
[chargers.twin]
circuit = "garage"
fallback_a = 0
[chargers.twin.connectors.1]
[chargers.twin.connectors.2]
max_a = 10
[plugs.pump]
rating_w = 900
[plugs.coil]
rating_w = 2000
[heaters.tank]
plug = "coil"
[heaters.pump2]
kind = "sg_ready"
mode = "normal"
topics = { contact_a = { command = "c/a" }, contact_b = { command = "c/b" } }
[battery_flow]
[chargeamps]
operation_mode = "hems"
[chargeamps.connectors.1]
charge_point = "2106100001L"
max_current_a = 10
[prices.series.import]
kind = "tibber"
token = "TIBBER_TOKEN"
currency = "SEK"
"""


@pytest.fixture
def site() -> Site:
    return read(HOUSE)


BARE = """
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15
[meters.grid]
modbus = { host = "127.0.0.1" }
"""


@pytest.fixture
def bare() -> Site:
    """A house with a meter and a breaker only."""
    return read(BARE)
