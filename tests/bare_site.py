"""A site with nothing but a breaker and a meter, for what only needs a broker."""

from busbar_shared.config.load import read
from busbar_shared.config.root import Site


def bare_site(port: int) -> Site:
    """The site, with its broker at this port of this machine."""
    return read(f"""
[site]
id = "test"
[broker]
host = "127.0.0.1"
port = {port}
[circuits.main]
limit_a = 25
meter = "grid"
assumed_background_a = 15
[meters.grid]
modbus = {{ host = "127.0.0.1", port = 1, unit = 1 }}
""")
