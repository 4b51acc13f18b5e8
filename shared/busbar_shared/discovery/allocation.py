"""What the allocator shows: the house, its circuits, every load, and batteries nobody else looks after."""

from busbar_shared.config.root import Site
from busbar_shared.discovery.batteries import battery_settings
from busbar_shared.discovery.entity import Device
from busbar_shared.discovery.loads import loads
from busbar_shared.discovery.site import house


def decided(site: Site) -> tuple[Device, ...]:
    """Everything the allocator writes."""
    kept_here = () if site.battery_flow is not None else tuple(battery_settings(site))
    return (*house(site), *loads(site), *kept_here)
