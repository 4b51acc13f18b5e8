"""Every name Home Assistant shows, in one place, ready for translation.

An entity's name is found by its key, its page's name by the kind of device. Option words are those
owners know from Load Juggler where it has the same thing; on the bus only the contract's words travel.
"""

from collections.abc import Mapping
from typing import Final

NAMES: Final[Mapping[str, str]] = {
    # the site
    "grid_power": "Grid power",
    "solar_power": "Solar power",
    "battery_power": "Battery power",
    "house_power": "House power",
    "headroom_a": "Headroom phase A",
    "headroom_b": "Headroom phase B",
    "headroom_c": "Headroom phase C",
    "status": "Status",
    "surplus": "Surplus",
    "excess": "Excess",
    "distribution": "Distribution mode",
    "import_limit": "Import limit",
    "import_limit_off": "Remove import limit",
    "import_limit_in_force": "Import limit in force",
    "import_limit_source": "Import limit set by",
    "excess_threshold": "Excess threshold",
    "power_buffer": "Power buffer",
    "grid_charging": "Grid charging",
    "last_refusal": "Last refusal",
    "polarity_advice": "Turned current transformers",
    "outside_limit": "Limit from outside",
    # circuits
    "current_a": "Current phase A",
    "current_b": "Current phase B",
    "current_c": "Current phase C",
    "granted_a": "Granted phase A",
    "granted_b": "Granted phase B",
    "granted_c": "Granted phase C",
    # loads
    "mode": "Operating mode",
    "priority": "Priority",
    "enabled": "Enabled",
    "min_current": "Minimum current",
    "max_current": "Maximum current",
    "boost": "Boost",
    "session_limit": "Session energy limit",
    "charge_limit": "Charge limit of the car",
    "limit": "Limit",
    "available_current": "Available current",
    "reason": "Reason",
    "detected_phases": "Detected phases",
    "apply_phases": "Apply detected phases",
    "setting_refusal": "Last refused setting",
    # chargers
    "link": "Connection",
    "car": "Car connected",
    "power": "Power",
    "energy": "Energy",
    "session_energy": "Session energy",
    "session_cost": "Session cost",
    "car_charge": "Charge of the car",
    "current_l1": "Current L1",
    "current_l2": "Current L2",
    "current_l3": "Current L3",
    "told": "Last told limit",
    "told_by": "Last told by",
    "lease": "Lease quality",
    "disobedient": "Disobedient",
    "fallback": "Fallback current",
    "firmware": "Firmware",
    "last_answer": "Last answer",
    "happened": "Event",
    "start": "Start",
    "stop": "Stop",
    "unlock": "Unlock",
    "reset": "Reset",
    # plugs and heaters
    "switch": "Switch",
    "learned_power": "Learned power",
    "idle": "Done",
    "manual": "Switched by hand",
    "order": "Order",
    "on": "Heating",
    "temperature": "Temperature",
    "target": "Target",
    "storage_target": "Storage target",
    "comfort_demand": "Needs heat",
    "wanted_energy": "Can still take",
    "problem": "Problem",
    "sg_state": "SG Ready state",
    # meters, inverters, batteries
    "import_energy": "Imported energy",
    "export_energy": "Exported energy",
    "voltage_a": "Voltage phase A",
    "voltage_b": "Voltage phase B",
    "voltage_c": "Voltage phase C",
    "quality": "Quality",
    "pv_power": "Power of the modules",
    "state": "State",
    "power_limit": "Power limit",
    "control": "Control",
    "soc": "State of charge",
    "charge_power_limit": "Most charging power",
    "discharge_power_limit": "Most discharging power",
    "soc_min": "Minimum state of charge",
    "soc_target": "Target state of charge",
    "soc_max": "Maximum state of charge",
    "priority_mode": "Mode",
    # the battery service
    "wanted_battery_power": "Wanted battery power",
    "flow_reason": "Battery reason",
    "flow_control": "Battery control",
    "dry_run": "Battery dry run",
    "solar_limit": "Solar limit",
    "expected_export": "Expected export",
    "expected_import": "Expected import",
    # Charge Amps
    "schedule_source": "Schedule source",
    "hems_connected": "HEMS connected",
    "price_threshold_active": "Price threshold active",
    "last_hems_command_at": "Last HEMS command",
    "ready_for_schedule": "Ready for schedule",
    "no_eligible_slots": "No eligible slots",
    "schedule_active": "Schedule active",
    "next_start": "Next charge start",
    "next_end": "Next charge end",
    "operation_mode": "Operation mode",
    "plan_state": "Plan",
    "command_result": "Last command result",
    "sync": "Cloud",
    "applied_current": "Applied current",
    "planned_energy": "Planned energy",
    "clear_schedule": "Clear schedule",
    "force_refresh": "Force schedule refresh",
    "schedule_error": "Schedule error",
    "connector_enabled": "Connector enabled",
    "serial": "Serial number",
    "current": "Current",
    "voltage": "Voltage",
    "charging": "Charging",
    "online": "Online",
    "connector_mode": "Connector mode",
    "connector_status": "Connector status",
    "error_code": "Error code",
    "note": "Note",
    "voltage_l1": "Voltage L1",
    "voltage_l2": "Voltage L2",
    "voltage_l3": "Voltage L3",
    # services
    "service": "Service {}",
}
"""By the key of an entity."""

PAGES: Final[Mapping[str, str]] = {
    "site": "Busbar {}",
    "circuit": "Circuit {}",
    "charger": "Charger {}",
    "plug": "Plug {}",
    "heater": "Heater {}",
    "meter": "Meter {}",
    "inverter": "Inverter {}",
    "battery": "Battery {}",
    "charge_amps": "Charge Amps {}",
}
"""Name of a device's page in Home Assistant, by its kind."""

CONNECTOR: Final = "Connector {} {}"
"""In front of a name where a charger has several connectors."""

DISTRIBUTIONS: Final[Mapping[str, str]] = {
    "shared": "Shared",
    "priority": "Priority",
    "optimized": "Sequential - Optimized",
    "strict": "Sequential - Strict",
}
MODES: Final[Mapping[str, str]] = {
    "standard": "Standard",
    "continuous": "Continuous",
    "solar_priority": "Solar Priority",
    "solar_only": "Solar Only",
    "excess": "Excess",
    "normal": "Normal",
    "boost": "Boost",
    "off": "Off",
}
BATTERY_MODES: Final[Mapping[str, str]] = {"battery_first": "Battery first", "export_first": "Export first"}
SG_STATES: Final[Mapping[str, str]] = {
    "0": "Automatic",
    "1": "Block",
    "2": "Normal",
    "3": "Recommend",
    "4": "Force",
}


def name_of(key: str, *words: str) -> str:
    """The name of an entity with this key. Raises KeyError for a key without a name."""
    return NAMES[key].format(*words)


class Words:
    """Names of a connector's entities: with the connector in front where there are several."""

    def __init__(self, number: str | None) -> None:
        self._number = number

    def __call__(self, key: str) -> str:
        """The name of the entity with this key."""
        name = name_of(key)
        return name if self._number is None else CONNECTOR.format(self._number, name[:1].lower() + name[1:])

    def main(self, key: str) -> str | None:
        """The name of the main entity, which on a page of its own has none."""
        return None if self._number is None else self(key)


def page_of(kind: str, name: str) -> str:
    """The name of a device's page."""
    return PAGES[kind].format(name)
