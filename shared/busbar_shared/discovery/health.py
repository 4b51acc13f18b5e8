"""Whether a service lives, as each service shows it of itself on the page of the site."""

from busbar_shared.config.root import Site
from busbar_shared.discovery.entity import Device, Entity
from busbar_shared.discovery.pages import id_of, site_page
from busbar_shared.discovery.words import name_of


def health(site: Site, service: str) -> Device:
    """On while the service is online and has what it needs to do its work."""
    alive = Entity(
        key="service",
        platform="binary_sensor",
        name=name_of("service", service),
        device_class="running",
        category="diagnostic",
        own_topic=f"hems/service/{service}/status",
        own_template="{{ 'ON' if value_json.state == 'online' and value_json.ready else 'OFF' }}",
    )
    return Device(
        id=id_of(site, "service", service),
        page=site_page(site),
        sources={},
        entities=(alive,),
        always_there=True,
    )
