"""What each service itself finds wrong with its part of the configuration, before anything is opened."""

import importlib
from collections.abc import Iterator

from busbar_shared.config.load import BadConfig
from busbar_shared.config.root import Site

CHECKS = {
    "meter": ("busbar_meter.checks", "problems_of"),
    "ocpp": ("busbar_ocpp.config", "plan_of"),
    "plugs": ("busbar_plugs.config", "setups"),
    "heat": ("busbar_heat.config", "setups"),
    "allocator": ("busbar_allocator.config", "plan_from"),
    "battery": ("busbar_battery.config", "plan_from"),
    "chargeamps": ("busbar_chargeamps.config", "places"),
    "prices": ("busbar_prices.config", "check"),
    "simulator": ("busbar_simulator.build", "build"),
}
"""A service to the function that reads its part: it raises BadConfig, or answers with sentences."""


def service_problems(site: Site) -> Iterator[str]:
    """Every sentence the configured services have about this site."""
    for name in site.services():
        if name not in CHECKS:
            continue
        module, function = CHECKS[name]
        try:
            found = getattr(importlib.import_module(module), function)(site)
        except BadConfig as error:
            yield from str(error).splitlines()
            continue
        if isinstance(found, list) and all(isinstance(one, str) for one in found):
            yield from found
