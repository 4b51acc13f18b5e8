"""[broker]: where the bus is."""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class BrokerConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the MQTT broker is and how to log in."""

    host: Annotated[
        str,
        Meta(
            description="Name or address of the broker; `embedded`: `busbar up` starts one on this machine."
        ),
    ] = "embedded"
    port: Annotated[int, Meta(ge=1, le=65535, description="TCP port.")] = 1883
    username: Annotated[
        str | None,
        Meta(description="Account; `{service}` stands for the name of the service. null: none."),
    ] = None
    password: Annotated[
        str | None,
        Meta(
            description="Name of the environment variable that holds the password, or of which NAME_FILE names a file."
        ),
    ] = None
    tls: Annotated[bool, Meta(description="Encrypt the connection.")] = False
    ca_file: Annotated[
        str | None, Meta(description="Certificate of the authority to trust; null: those of the system.")
    ] = None
    subscribe_qos: Annotated[
        Literal[0, 1],
        Meta(
            description="Quality of service of what is heard: 1, or 0 for NATS, which keeps each subscription of 1 on disk."
        ),
    ] = 1
    discovery_prefix: Annotated[str, Meta(description="Home Assistant's discovery prefix.")] = "homeassistant"
    discovery: Annotated[
        str,
        Meta(
            pattern="^(device|single|off)$", description="How Home Assistant is told: device, single, or off."
        ),
    ] = "device"
