"""The whole file as one struct."""

from typing import Annotated

from msgspec import Meta, Struct, field

from busbar_shared.config.broker import BrokerConfig
from busbar_shared.config.chargers import ChargerConfig, OcppSection
from busbar_shared.config.devices import BatteryConfig, InverterConfig, MeterConfig
from busbar_shared.config.loads import HeaterConfig, PlugConfig
from busbar_shared.config.services import (
    BatteryFlowSection,
    ChargeAmpsSection,
    LogSection,
    PricesSection,
    SimulatorSection,
)
from busbar_shared.config.site import CircuitConfig, SiteSection

SERVICES = (
    "simulator", "meter", "ocpp", "plugs", "heat", "prices", "chargeamps", "battery", "allocator",
)  # fmt: skip
"""Every service there is, in the order in which they are best started."""


class Site(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One house: everything its services must be told."""

    site: Annotated[SiteSection, Meta(description="The house as a whole.")] = field(
        default_factory=SiteSection
    )
    broker: Annotated[BrokerConfig, Meta(description="Where the bus is.")] = field(
        default_factory=BrokerConfig
    )
    circuits: Annotated[dict[str, CircuitConfig], Meta(description="By id: the breakers.")] = {}
    meters: Annotated[dict[str, MeterConfig], Meta(description="By id.")] = {}
    inverters: Annotated[dict[str, InverterConfig], Meta(description="By id.")] = {}
    batteries: Annotated[dict[str, BatteryConfig], Meta(description="By id.")] = {}
    ocpp: Annotated[
        OcppSection | None, Meta(description="The central system for charge points; absent: none.")
    ] = None
    chargers: Annotated[dict[str, ChargerConfig], Meta(description="By id.")] = {}
    plugs: Annotated[dict[str, PlugConfig], Meta(description="By id.")] = {}
    heaters: Annotated[dict[str, HeaterConfig], Meta(description="By id.")] = {}
    battery_flow: Annotated[
        BatteryFlowSection | None, Meta(description="The battery service; absent: it observes nothing.")
    ] = None
    chargeamps: Annotated[
        ChargeAmpsSection | None, Meta(description="The Charge Amps scheduler; absent: none.")
    ] = None
    prices: Annotated[PricesSection | None, Meta(description="The price service; absent: none.")] = None
    simulator: Annotated[SimulatorSection | None, Meta(description="The simulated house; absent: none.")] = (
        None
    )
    log: Annotated[LogSection, Meta(description="What is written to the log.")] = field(
        default_factory=LogSection
    )

    def root_circuit(self) -> str:
        """The id of the one circuit without a parent."""
        return next(name for name, circuit in self.circuits.items() if circuit.parent is None)

    def grid_meter(self) -> str:
        """The id of the meter of the grid connection."""
        meter = self.circuits[self.root_circuit()].meter
        assert meter is not None, "checked when the configuration was read"
        return meter

    def services(self) -> tuple[str, ...]:
        """The services this site needs, in the order in which they are best started."""
        wanted = {
            "simulator": self.simulator is not None,
            "meter": bool(self.meters or self.inverters or self.batteries),
            "ocpp": self.ocpp is not None,
            "plugs": bool(self.plugs),
            "heat": bool(self.heaters),
            "prices": self.prices is not None,
            "chargeamps": self.chargeamps is not None,
            "battery": self.battery_flow is not None,
            "allocator": bool(self.circuits),
        }
        return tuple(name for name in SERVICES if wanted[name])
