"""[ocpp] and [chargers.*]: who may connect, and what hangs where."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from busbar_contracts.load import LoadMode
from busbar_contracts.units import Amps, PositiveWatts, Seconds
from busbar_shared.config.site import Phase


class OcppSection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The central system that charge points connect to."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0: any free one.")] = 9000
    path_prefix: Annotated[str, Meta(description="In front of the charge point's id in the URL.")] = "/"
    security: Annotated[
        Literal[0, 1, 2, 3],
        Meta(description="OCPP security profile: 0 open, 1 password, 2 TLS, 3 client certificates."),
    ] = 1
    cert_file: Annotated[str | None, Meta(description="Server certificate for profiles 2 and 3.")] = None
    key_file: Annotated[str | None, Meta(description="Its key.")] = None
    ca_file: Annotated[str | None, Meta(description="Authority of client certificates for profile 3.")] = None
    unknown: Annotated[
        Literal["refuse", "pending"], Meta(description="What an unknown charge point gets.")
    ] = "refuse"
    accept_all_tags: Annotated[bool, Meta(description="Every RFID tag may charge.")] = True
    tags: Annotated[tuple[str, ...], Meta(description="RFID tags that may charge.")] = ()
    ask_tags: Annotated[
        bool, Meta(description="A tag on no list is asked about over MQTT; needs accept_all_tags = false.")
    ] = False
    ask_tags_s: Annotated[
        float,
        Meta(
            gt=0,
            le=25,
            description="How long an answer is waited for; after it the tag is refused.",
            extra_json_schema={"x-unit": "s"},
        ),
    ] = 8.0
    profile_validity_s: Annotated[
        Seconds, Meta(description="After this without a word a charger falls back by itself.")
    ] = 120.0
    hold_pause_s: Annotated[
        Seconds, Meta(description="How long a paused charger stays paused by itself, before its fallback.")
    ] = 14_400.0
    ping_s: Annotated[Seconds, Meta(description="Between two pings.")] = 10.0
    pong_s: Annotated[Seconds, Meta(description="How long to wait for the answer to a ping.")] = 5.0
    sample_s: Annotated[Seconds, Meta(description="How often chargers are asked to measure.")] = 10.0


class ConnectorConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What differs at one connector; null: as the charger."""

    legs: Annotated[tuple[Phase, ...] | None, Meta(description="Site phase of each leg.")] = None
    min_a: Annotated[Amps | None, Meta(description="Least current a car can use.")] = None
    max_a: Annotated[Amps | None, Meta(description="Most current per leg.")] = None
    fallback_a: Annotated[Amps | None, Meta(description="What it falls back to.")] = None
    mode: Annotated[LoadMode | None, Meta(description="Operating mode at first.")] = None
    priority: Annotated[Annotated[int, Meta(ge=1, le=10)] | None, Meta(description="1 comes first.")] = None
    meter: Annotated[str | None, Meta(description="A meter that sees this connector alone.")] = None


class ChargerConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One charger with its connectors."""

    charge_point: Annotated[
        str | None, Meta(description="Identity on the wire; null: the charger's id here.")
    ] = None
    circuit: Annotated[str | None, Meta(description="Circuit it hangs on; null: the root.")] = None
    legs: Annotated[
        tuple[Phase, ...], Meta(min_length=1, max_length=3, description="Site phase of L1, L2, L3.")
    ] = ("a", "b", "c")
    connectors: Annotated[
        dict[str, ConnectorConfig],
        Meta(description="By the charge point's own number; empty: one connector 1."),
    ] = {}
    plugs: Annotated[
        Literal["concurrent", "sequential", "exclusive"],
        Meta(description="How several connectors share the unit."),
    ] = "concurrent"
    max_current_a: Annotated[
        Amps | None, Meta(description="Of the whole unit, per leg; null: not limited beyond its connectors.")
    ] = None
    min_a: Annotated[Amps, Meta(description="Least current a car can use.")] = 6.0
    max_a: Annotated[Amps, Meta(description="Most current per leg.")] = 16.0
    step_a: Annotated[Amps, Meta(description="Smallest step of the limit.")] = 0.1
    fallback_a: Annotated[
        Amps | None, Meta(description="What it falls to when nobody speaks; null: 6 A where it fits, else 0.")
    ] = None
    mode: Annotated[LoadMode, Meta(description="Operating mode at first.")] = LoadMode.STANDARD
    priority: Annotated[int, Meta(ge=1, le=10, description="1 comes first.")] = 1
    controllable: Annotated[
        bool, Meta(description="False: it cannot be limited and is reserved at its maximum.")
    ] = True
    holds_pause: Annotated[bool, Meta(description="It can hold a pause of 0 A by itself.")] = True
    phase_switching: Annotated[bool, Meta(description="Allow switching between one and three phases.")] = (
        False
    )
    auto_start: Annotated[
        str | None, Meta(description="RFID tag with which a plugged in car is started; null: not.")
    ] = None
    accept_all_tags: Annotated[
        bool | None, Meta(description="Every RFID tag may charge here; null: as in [ocpp].")
    ] = None
    tags: Annotated[
        tuple[str, ...], Meta(description="RFID tags that may charge here, beside those of [ocpp].")
    ] = ()
    password: Annotated[
        str | None,
        Meta(
            description="Salted hash of the charge point's password, from `busbar ocpp password`; null with security 0."
        ),
    ] = None
    meter: Annotated[
        str | None, Meta(description="A meter that sees this charger alone; it outranks its own values.")
    ] = None
    grid_price_max: Annotated[
        float | None, Meta(description="At or below this price it counts as Standard.")
    ] = None
    unit: Annotated[
        Literal["auto", "A", "W"], Meta(description="Unit of its limits; auto: as it says itself.")
    ] = "auto"
    stack_level: Annotated[
        int | None, Meta(description="Of our profiles; null: 2, or the highest it allows.")
    ] = None
    soc_topic: Annotated[str | None, Meta(description="Topic with the car's state of charge.")] = None
    hard_reset_allowed: Annotated[bool, Meta(description="A disobedient charger may be reset hard.")] = False
    upstream_url: Annotated[
        str | None, Meta(description="Its own back office, to which it is forwarded.")
    ] = None
    pause_after_stop_s: Annotated[Seconds, Meta(description="Pause after a stop for lack of sun.")] = 180.0
    max_power_w: Annotated[
        PositiveWatts | None, Meta(description="Of the whole unit; null: not limited.")
    ] = None

    def all_connectors(self) -> dict[str, ConnectorConfig]:
        """Its connectors by number; a charger that lists none has connector 1."""
        return self.connectors or {"1": ConnectorConfig()}
