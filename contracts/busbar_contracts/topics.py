"""Every topic on the bus, once: who writes it, what it carries, and how it travels.

`hems` at the front stands for the root topic, which is configurable; `homeassistant` for the discovery prefix.
"""

import re
from functools import cached_property
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

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

KIB = 1024


class Topic(Struct, frozen=True, kw_only=True, dict=True):
    """One kind of address on the broker."""

    address: str
    message: Any
    writer: str
    """The one service that writes it; `owner` is a person, an automation or an outside program."""
    direction: Literal["send", "receive"]
    """`send`: Busbar says it and others read. `receive`: others may say it and Busbar acts."""
    summary: str
    qos: Literal[0, 1] = 1
    retain: bool = False
    max_bytes: int = 64 * KIB
    max_per_s: Annotated[float, Meta(gt=0)] = 5.0
    public: bool = True

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names in braces, in order."""
        return tuple(re.findall(r"{(\w+)}", self.address))

    @cached_property
    def filter(self) -> str:
        """The address as an MQTT subscription with + for each parameter."""
        return re.sub(r"{\w+}", "+", self.address)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches a topic of this kind and captures its parameters."""
        return re.compile("^" + re.sub(r"{(\w+)}", r"(?P<\1>[^/+#]+)", self.address) + "$")


def _reading(address: str, message: type[Struct], summary: str) -> Topic:
    # A retained reading would look fresh to whoever comes late.
    return Topic(
        address=address,
        message=message,
        writer="meter",
        direction="send",
        qos=0,
        retain=False,
        max_bytes=16 * KIB,
        max_per_s=5,
        summary=summary,
    )


def _state(address: str, message: type[Struct], writer: str, summary: str, per_s: float = 1) -> Topic:
    return Topic(
        address=address,
        message=message,
        writer=writer,
        direction="send",
        qos=1,
        retain=True,
        max_bytes=64 * KIB,
        max_per_s=per_s,
        summary=summary,
    )


def _order(address: str, message: type[Struct], writer: str, summary: str, per_s: float = 5) -> Topic:
    # Retained, it would be obeyed again after every restart, long after its reason has gone.
    return Topic(
        address=address,
        message=message,
        writer=writer,
        direction="receive",
        qos=1,
        retain=False,
        max_bytes=8 * KIB,
        max_per_s=per_s,
        summary=summary,
    )


TOPICS: tuple[Topic, ...] = (
    _reading("hems/meter/{meter}/reading", MeterReading, "A sample of a meter."),
    _reading("hems/inverter/{inverter}/reading", InverterReading, "A sample of an inverter."),
    _reading("hems/battery/{battery}/reading", BatteryReading, "A sample of a battery."),
    _order(
        "hems/inverter/{inverter}/limit/set", InverterLimit, "battery", "Limits the output of an inverter."
    ),
    _order(
        "hems/battery/{battery}/setpoint/set",
        BatterySetpoint,
        "battery",
        "Keeps a battery inside a window of power.",
    ),
    _state(
        "hems/charger/{charger}/{connector}/state",
        ChargerState,
        "ocpp",
        "What a connector is doing and was last told.",
    ),
    _order(
        "hems/charger/{charger}/{connector}/limit/set",
        ChargerLimit,
        "allocator",
        "Limits the current a charger offers.",
    ),
    _order(
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
    _order("hems/charger/{charger}/authorize/set", TagAnswer, "owner", "Answers whether a tag may charge."),
    _state("hems/plug/{plug}/state", PlugState, "plugs", "What a plug is doing."),
    _order(
        "hems/plug/{plug}/switch/set", PlugSwitch, "allocator", "Switches a plug for the length of a lease."
    ),
    _order("hems/plug/{plug}/manual/set", ManualSwitch, "owner", "The owner switches a plug by hand."),
    _state("hems/heat/{heater}/state", HeatState, "heat", "What a heater is doing."),
    _order("hems/heat/{heater}/order/set", HeatOrder, "allocator", "Lets a heater store, or blocks it."),
    _order("hems/heat/{heater}/manual/set", ManualHeat, "owner", "The owner sets an SG Ready state by hand."),
    _state("hems/load/{load}/settings", LoadSettings, "allocator", "What the owner wants of a load."),
    _order(
        "hems/load/{load}/settings/set", LoadSettingsSet, "owner", "Changes what the owner wants of a load."
    ),
    _state("hems/site/settings", SiteSettings, "allocator", "What the owner wants of the site."),
    _order("hems/site/settings/set", SiteSettingsSet, "owner", "Changes what the owner wants of the site."),
    Topic(
        address="hems/allocator/allocation",
        message=Allocation,
        writer="allocator",
        direction="send",
        retain=True,
        max_bytes=1024 * KIB,
        summary="The whole decision with its reasons.",
    ),
    _state(
        "hems/battery/{battery}/settings", BatterySettings, "battery", "What the owner wants of a battery."
    ),
    _order(
        "hems/battery/{battery}/settings/set",
        BatterySettingsSet,
        "owner",
        "Changes what the owner wants of a battery.",
    ),
    _state(
        "hems/battery-flow/decision", BatteryDecision, "battery", "What the battery service decided, and why."
    ),
    _order("hems/site/limit/set", SiteLimit, "owner", "Limits import and export of the site from outside."),
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
    _order(
        "hems/charge-amps/{connector_id}/refresh/set",
        ScheduleRefresh,
        "owner",
        "Plans anew, reads the cloud and writes it where it differs.",
    ),
    _state(
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
    _state("hems/service/{service}/status", ServiceStatus, "each service", "Whether a service lives."),
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
