"""What the battery service must be told, taken from the site's file."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from msgspec import Struct

from busbar_battery.site import Tuning
from busbar_shared.config.devices import BatteryConfig, InverterConfig
from busbar_shared.config.root import Site
from busbar_shared.config.services import BatteryFlowSection
from busbar_shared.config.site import SiteSection, on_phase

# Where no main fuse is configured, more than this is no house.
UNKNOWN_HOUSE_W = 1e6
# A fuse carries more than its rating for a while, but not this many times.
OVER_A_FUSE = 3.0


class Plan(Struct, frozen=True, kw_only=True):
    """The part of the site file this service works with."""

    site: SiteSection
    flow: BatteryFlowSection
    grid_meter: str | None
    batteries: dict[str, BatteryConfig]
    inverters: dict[str, InverterConfig]
    owns_settings: bool
    """Whether this service writes the batteries' settings; without a section of its own the allocator does."""
    legs: dict[str, int]
    """Legs of each charger: what an unmeasured car could draw."""

    most_w: float = UNKNOWN_HOUSE_W
    """No reading of this house is beyond it: it would have blown the main fuse long ago."""

    @property
    def zone(self) -> ZoneInfo:
        """The owner's time zone."""
        return ZoneInfo(self.site.timezone)

    @property
    def has_allocator(self) -> bool:
        """An allocator says what the phases bear; a site without circuits has none."""
        return self.grid_meter is not None

    @property
    def tuning(self) -> Tuning:
        """How briskly the controller acts."""
        slowest = min(
            [
                self.flow.ramp_w_per_s,
                *(one.ramp_w_per_s for one in self.batteries.values() if one.ramp_w_per_s),
            ]
        )
        return Tuning(
            deadband_w=self.flow.deadband_w,
            ramp_w_per_s=slowest,
            dwell_s=self.flow.zero_dwell_s,
            cap_rise_percent_per_s=self.flow.cap_rise_percent_per_s,
        )


def plan_from(site: Site) -> Plan:
    """The plan of a checked site. Without a [battery_flow] section the service observes and explains only."""
    return Plan(
        site=site.site,
        flow=site.battery_flow or BatteryFlowSection(),
        grid_meter=site.grid_meter() if site.circuits else next(iter(site.meters), None),
        batteries=site.batteries,
        inverters=site.inverters,
        owns_settings=site.battery_flow is not None,
        legs={name: len(one.legs) for name, one in site.chargers.items()},
        most_w=_most_w(site),
    )


def _most_w(site: Site) -> float:
    if not site.circuits:
        return UNKNOWN_HOUSE_W
    limit = site.circuits[site.root_circuit()].limit_a
    amps = sum(on_phase(limit, phase) or 0.0 for phase in site.site.phases)
    return OVER_A_FUSE * amps * site.site.voltage_v
