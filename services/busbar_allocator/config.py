"""What the allocator must be told: its part of the site file, and what of it is kept over restarts."""

from msgspec import Struct

from busbar_allocator.detection import Evidence
from busbar_allocator.plan import Plan, plan_of
from busbar_allocator.settings import Settings
from busbar_allocator.wiring import Applied
from busbar_shared.config.load import BadConfig
from busbar_shared.config.root import Site


class Kept(Struct, frozen=True, kw_only=True):
    """What outlives a restart: the owner's settings and what was learned."""

    settings: Settings | None = None
    dead_times_s: dict[str, float] = {}
    legs: dict[str, int] = {}
    """How many legs the last car at each connector used."""
    evidence: dict[str, Evidence] = {}
    applied: Applied = Applied()


def plan_from(site: Site) -> Plan:
    """The allocator's part of a configuration that was checked. Raises BadConfig where there is no wire to keep."""
    if not site.circuits:
        raise BadConfig(
            "circuits: none; the allocator needs the main breaker: "
            "[circuits.main] with limit_a, meter and assumed_background_a"
        )
    return plan_of(site)
