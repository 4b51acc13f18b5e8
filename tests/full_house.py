"""A house with one of everything, and everything it shows in Home Assistant."""

from busbar_shared.config.root import Site
from busbar_shared.discovery.allocation import decided
from busbar_shared.discovery.batteries import battery_flow
from busbar_shared.discovery.charge_amps import charge_amps
from busbar_shared.discovery.chargers import chargers
from busbar_shared.discovery.entity import Device
from busbar_shared.discovery.health import health
from busbar_shared.discovery.heaters import heaters
from busbar_shared.discovery.meters import meters
from busbar_shared.discovery.plugs import plugs

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

PAGES = {
    "allocator": decided,
    "ocpp": chargers,
    "meter": meters,
    "plugs": plugs,
    "heat": heaters,
    "battery": battery_flow,
    "chargeamps": charge_amps,
}
"""What each service shows."""


def devices(site: Site) -> list[Device]:
    """Everything all services of a site show."""
    running = site.services()
    shown = [one for service in running if service in PAGES for one in PAGES[service](site)]
    return [*shown, *(health(site, one) for one in running)]
