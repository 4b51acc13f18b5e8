"""Every topic on the bus, once: who writes it, what it carries, and how it travels.

`hems` at the front stands for the root topic, which is configurable; `homeassistant` for the discovery prefix.
"""

from typing import Any

from busbar_contracts.allocation import Allocation, SiteLimit, SiteSettings, SiteSettingsSet
from busbar_contracts.battery import (
    BatteryDecision,
    BatteryReading,
    BatterySetpoint,
    BatterySettings,
    BatterySettingsSet,
)
from busbar_contracts.chargeamps import ChargeAmpsStatus, ScheduleClear, ScheduleRefresh, ScheduleSet
from busbar_contracts.charger import ChargerCommand, ChargerLimit, ChargerState, TagAnswer, TagQuestion
from busbar_contracts.load import (
    HeatOrder,
    HeatState,
    LoadSettings,
    LoadSettingsSet,
    ManualHeat,
    ManualSwitch,
    PlugState,
    PlugSwitch,
)
from busbar_contracts.meter import InverterLimit, InverterReading, MeterReading
from busbar_contracts.prices import PriceSeries
from busbar_contracts.service import (
    HaDiscovery,
    HaEntityDiscovery,
    HaEvent,
    HaState,
    PlantTruth,
    ServiceEvent,
    ServiceStatus,
)
from busbar_contracts.topic import KIB, Topic, order, reading, state

TOPICS: tuple[Topic, ...] = (
    reading("hems/meter/{meter}/reading", MeterReading, "A sample of a meter."),
    reading("hems/inverter/{inverter}/reading", InverterReading, "A sample of an inverter."),
    reading("hems/battery/{battery}/reading", BatteryReading, "A sample of a battery."),
    order(
        "hems/inverter/{inverter}/limit/set", InverterLimit, "battery", "Limits the output of an inverter."
    ),
    order(
        "hems/battery/{battery}/setpoint/set",
        BatterySetpoint,
        "battery",
        "Keeps a battery inside a window of power.",
    ),
    state(
        "hems/charger/{charger}/{connector}/state",
        ChargerState,
        "ocpp",
        "What a connector is doing and was last told.",
    ),
    order(
        "hems/charger/{charger}/{connector}/limit/set",
        ChargerLimit,
        "allocator",
        "Limits the current a charger offers.",
    ),
    order(
        "hems/charger/{charger}/{connector}/command/set",
        ChargerCommand,
        "owner",
        "Starts, stops, unlocks, resets a connector.",
    ),
    Topic(
        address="hems/charger/{charger}/authorize",
        message=TagQuestion,
        writer="ocpp",
        direction="send",
        # Retained, an old question would be answered, and the next car would charge on it.
        retain=False,
        max_bytes=8 * KIB,
        summary="Asks whether a tag that is on no list may charge.",
    ),
    order("hems/charger/{charger}/authorize/set", TagAnswer, "owner", "Answers whether a tag may charge."),
    state("hems/plug/{plug}/state", PlugState, "plugs", "What a plug is doing."),
    order(
        "hems/plug/{plug}/switch/set", PlugSwitch, "allocator", "Switches a plug for the length of a lease."
    ),
    order("hems/plug/{plug}/manual/set", ManualSwitch, "owner", "The owner switches a plug by hand."),
    state("hems/heat/{heater}/state", HeatState, "heat", "What a heater is doing."),
    order("hems/heat/{heater}/order/set", HeatOrder, "allocator", "Lets a heater store, or blocks it."),
    order("hems/heat/{heater}/manual/set", ManualHeat, "owner", "The owner sets an SG Ready state by hand."),
    state("hems/load/{load}/settings", LoadSettings, "allocator", "What the owner wants of a load."),
    order(
        "hems/load/{load}/settings/set", LoadSettingsSet, "owner", "Changes what the owner wants of a load."
    ),
    state("hems/site/settings", SiteSettings, "allocator", "What the owner wants of the site."),
    order("hems/site/settings/set", SiteSettingsSet, "owner", "Changes what the owner wants of the site."),
    Topic(
        address="hems/allocator/allocation",
        message=Allocation,
        writer="allocator",
        direction="send",
        retain=True,
        max_bytes=1024 * KIB,
        summary="The whole decision with its reasons.",
    ),
    state(
        "hems/battery/{battery}/settings", BatterySettings, "battery", "What the owner wants of a battery."
    ),
    order(
        "hems/battery/{battery}/settings/set",
        BatterySettingsSet,
        "owner",
        "Changes what the owner wants of a battery.",
    ),
    state(
        "hems/battery-flow/decision", BatteryDecision, "battery", "What the battery service decided, and why."
    ),
    order("hems/site/limit/set", SiteLimit, "owner", "Limits import and export of the site from outside."),
    Topic(
        address="hems/charge-amps/{connector_id}/schedule/set",
        message=ScheduleSet,
        writer="owner",
        direction="receive",
        max_bytes=64 * KIB,
        summary="Replaces the charging schedule of a connector.",
    ),
    Topic(
        address="hems/charge-amps/{connector_id}/schedule/clear",
        message=ScheduleClear,
        writer="owner",
        direction="receive",
        max_bytes=64 * KIB,
        summary="No charging from now on.",
    ),
    order(
        "hems/charge-amps/{connector_id}/refresh/set",
        ScheduleRefresh,
        "owner",
        "Plans anew, reads the cloud and writes it where it differs.",
    ),
    state(
        "hems/charge-amps/{connector_id}/status",
        ChargeAmpsStatus,
        "chargeamps",
        "Status of a Charge Amps connector.",
    ),
    Topic(
        address="hems/charge-amps/availability",
        message=str,
        writer="chargeamps",
        direction="send",
        retain=True,
        max_bytes=64,
        summary="`online` or `offline`, as plain text; offline is the last will.",
    ),
    Topic(
        address="hems/prices/{series}",
        message=PriceSeries,
        writer="prices",
        direction="send",
        retain=True,
        max_bytes=256 * KIB,
        max_per_s=1,
        summary="All known prices of a series.",
    ),
    Topic(
        address="hems/prices/availability",
        message=str,
        writer="prices",
        direction="send",
        retain=True,
        max_bytes=64,
        summary="`online` or `offline`, as plain text; offline is the last will.",
    ),
    state("hems/service/{service}/status", ServiceStatus, "each service", "Whether a service lives."),
    Topic(
        address="hems/service/{service}/event",
        message=ServiceEvent,
        writer="each service",
        direction="send",
        max_bytes=16 * KIB,
        max_per_s=20,
        summary="What others should know: refusals, problems, lessons.",
    ),
    Topic(
        address="hems/simulator/truth",
        message=PlantTruth,
        writer="simulator",
        direction="send",
        qos=0,
        public=False,
        summary="What is really so inside the simulated house.",
    ),
    Topic(
        address="hems/ha/{device}/state",
        message=HaState,
        writer="each service",
        direction="send",
        retain=False,
        public=False,
        summary="Values for Home Assistant.",
    ),
    Topic(
        address="hems/ha/{device}/event",
        message=HaEvent,
        writer="each service",
        direction="send",
        retain=False,
        max_bytes=8 * KIB,
        public=False,
        summary="Events for Home Assistant.",
    ),
    Topic(
        address="hems/ha/{device}/availability",
        message=str,
        writer="each service",
        direction="send",
        retain=True,
        max_bytes=64,
        public=False,
        summary="`online` or `offline`, as plain text: its link stands and its data is fresh.",
    ),
    Topic(
        address="homeassistant/device/{device}/config",
        message=HaDiscovery,
        writer="each service",
        direction="send",
        retain=True,
        max_bytes=256 * KIB,
        public=False,
        summary="Home Assistant discovery of a device.",
    ),
    Topic(
        address="homeassistant/{platform}/{device}/{entity}/config",
        message=HaEntityDiscovery,
        writer="each service",
        direction="send",
        retain=True,
        max_bytes=16 * KIB,
        public=False,
        summary='Home Assistant discovery of a single entity, with `discovery = "single"`.',
    ),
)

BY_MESSAGE: dict[Any, Topic] = {topic.message: topic for topic in TOPICS if topic.message is not str}


def topic_of(message: type[Any]) -> Topic:
    """The topic on which this kind of message travels.

    Raises KeyError for a type that is not on the bus.
    """
    return BY_MESSAGE[message]


def match(name: str) -> tuple[Topic, dict[str, str]] | None:
    """The kind of a topic name (with the default root) and its parameters; None when it is not in the contract."""
    # A name without braces is more exact than one with: hems/prices/availability is not a series.
    for topic in sorted(TOPICS, key=lambda one: len(one.parameters)):
        found = topic.pattern.match(name)
        if found:
            return topic, found.groupdict()
    return None
