"""The three kinds of heaters."""

from busbar_heat.heater import Heater
from busbar_heat.memory import HeatDuty, HeatLore
from busbar_heat.setpoint_heater import SetpointDevice
from busbar_heat.setup import Setup
from busbar_heat.sgready_heater import SgReady
from busbar_heat.tank_heater import Tank
from busbar_shared.moment import Moment


def heater_of(
    setup: Setup, now: Moment, duty: HeatDuty | None = None, lore: HeatLore | None = None
) -> Heater:
    """The heater of its kind."""
    if setup.kind == "tank":
        return Tank(setup, now, duty, lore)
    if setup.kind == "setpoint":
        return SetpointDevice(setup, now, duty, lore)
    return SgReady(setup, now, duty, lore)
