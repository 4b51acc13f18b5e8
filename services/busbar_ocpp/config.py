"""What the OCPP service must be told, taken from the site's one file."""

from msgspec import Struct

from busbar_shared.config.chargers import ChargerConfig, OcppSection
from busbar_shared.config.root import Site
from busbar_shared.config.wiring import Connector, connectors


class ChargerPlan(Struct, frozen=True, kw_only=True):
    """One charger of the site as it is configured."""

    id: str
    charge_point: str
    config: ChargerConfig
    connectors: dict[int, Connector]

    @property
    def unit_max_a(self) -> float | None:
        """The most the whole unit may draw per leg, where it is limited beyond its connectors."""
        return self.config.max_current_a


class OcppPlan(Struct, frozen=True, kw_only=True):
    """The whole service as it is configured."""

    section: OcppSection
    chargers: dict[str, ChargerPlan]
    nominal_v: float = 230.0
    lease_s: float = 30.0

    def by_charge_point(self, identity: str) -> ChargerPlan | None:
        """The charger whose charge point calls itself so."""
        return next((plan for plan in self.chargers.values() if plan.charge_point == identity), None)


def plan_of(site: Site) -> OcppPlan:
    """The service's part of the site. Connector numbers are the charge point's own, so they are whole numbers."""
    found: dict[str, dict[int, Connector]] = {name: {} for name in site.chargers}
    for connector in connectors(site):
        if connector.connector.isdecimal():
            found[connector.charger][int(connector.connector)] = connector
    chargers = {
        name: ChargerPlan(
            id=name, charge_point=config.charge_point or name, config=config, connectors=found[name]
        )
        for name, config in site.chargers.items()
    }
    return OcppPlan(
        section=site.ocpp or OcppSection(),
        chargers=chargers,
        nominal_v=site.site.voltage_v,
        lease_s=site.site.lease_s,
    )
