"""[plugs.*] and [heaters.*]: loads that are switched."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from busbar_contracts.load import LoadMode
from busbar_contracts.units import (
    Celsius,
    Kelvins,
    PositiveWatts,
    Seconds,
    WattHoursPerKelvin,
    WattsPerKelvin,
)
from busbar_shared.config.site import Phase


class PlugConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A smart plug, a relay, or any load with a switch or a number."""

    driver: Annotated[
        Literal["shelly", "shelly_gen1", "tasmota", "zigbee2mqtt", "generic"],
        Meta(description="How to speak to it."),
    ] = "shelly"
    topic: Annotated[str | None, Meta(description="Prefix or topic of the device; null: its id here.")] = None
    channel: Annotated[int, Meta(ge=0, le=15, description="Which relay of the device.")] = 0
    circuit: Annotated[str | None, Meta(description="Circuit it hangs on; null: the root.")] = None
    phases: Annotated[
        Annotated[tuple[Phase, ...], Meta(min_length=1, max_length=3)] | None,
        Meta(
            description="Site phases it uses; null: nobody knows, it counts on every phase until that is found out."
        ),
    ] = None
    phase_unknown: Annotated[
        bool,
        Meta(
            description="Nobody knows its phase: it counts on every phase until that is found out; phases is ignored."
        ),
    ] = False
    rating_w: Annotated[PositiveWatts, Meta(description="Its power, and the cap of what is learned.")] = (
        2000.0
    )
    min_w: Annotated[PositiveWatts | None, Meta(description="For loads with a range: least power.")] = None
    max_w: Annotated[PositiveWatts | None, Meta(description="For loads with a range: most power.")] = None
    step_w: Annotated[
        PositiveWatts | None, Meta(description="For loads with a range: step; null: on/off.")
    ] = None
    mode: Annotated[LoadMode, Meta(description="Operating mode at first.")] = LoadMode.CONTINUOUS
    priority: Annotated[int, Meta(ge=1, le=10, description="1 comes first.")] = 1
    safe_state: Annotated[Literal["on", "off"], Meta(description="What it falls to when a lease ends.")] = (
        "off"
    )
    device_lease_s: Annotated[Seconds, Meta(description="The device's own off-timer, where it has one.")] = (
        60.0
    )
    use_pulse_time: Annotated[
        bool, Meta(description="Tasmota: use PulseTime, which also ends what the owner switched on.")
    ] = False
    min_on_s: Annotated[Seconds, Meta(description="Least time on.")] = 120.0
    min_off_s: Annotated[Seconds, Meta(description="Least time off.")] = 120.0
    max_switches_per_h: Annotated[int, Meta(ge=1, le=3600, description="Most switches in an hour.")] = 12
    manual_hold_s: Annotated[Seconds, Meta(description="How long a switch by hand is respected.")] = 1800.0
    grid_price_max: Annotated[
        float | None, Meta(description="At or below this price it counts as Continuous.")
    ] = None
    generic: Annotated[
        dict[str, Any], Meta(description="Topics of the generic driver; see docs/loads.md.")
    ] = {}
    meter: Annotated[str | None, Meta(description="A meter that sees this load alone.")] = None
    full_topic: Annotated[str, Meta(description="Tasmota: FullTopic as set in the device.")] = (
        "%prefix%/%topic%/"
    )
    base_topic: Annotated[str, Meta(description="Zigbee2MQTT: its base topic.")] = "zigbee2mqtt"
    endpoint: Annotated[
        str | None, Meta(description="Zigbee2MQTT: the endpoint of a double plug, such as l1.")
    ] = None
    on_time_proven: Annotated[
        bool, Meta(description="Zigbee2MQTT: you saw the plug go off by itself after on_time.")
    ] = False
    settle_s: Annotated[
        Seconds, Meta(description="So long at standby counts as idle: the sun is free for others.")
    ] = 120.0
    done_after_s: Annotated[
        Seconds,
        Meta(description="solar_only and excess: so long at standby counts as done, and it goes off."),
    ] = 900.0
    retry_s: Annotated[
        Seconds, Meta(description="A load that was done and is off is tried again after so long.")
    ] = 1800.0
    poll_s: Annotated[Seconds, Meta(description="Between two questions to the device.")] = 30.0


class HeaterConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A hot water tank, a room or heat pump with a set-point, or an SG Ready heat pump."""

    kind: Annotated[Literal["tank", "setpoint", "sg_ready"], Meta(description="What it is.")] = "tank"
    circuit: Annotated[str | None, Meta(description="Circuit it hangs on; null: the root.")] = None
    phases: Annotated[
        Annotated[tuple[Phase, ...], Meta(min_length=1, max_length=3)] | None,
        Meta(
            description="Site phases it uses; null: nobody knows, it counts on every phase until that is found out."
        ),
    ] = None
    rating_w: Annotated[PositiveWatts, Meta(description="Its power.")] = 2000.0
    min_w: Annotated[PositiveWatts | None, Meta(description="For heaters with a range: least power.")] = None
    step_w: Annotated[
        PositiveWatts | None, Meta(description="For heaters with a range: step; null: on/off.")
    ] = None
    mode: Annotated[LoadMode, Meta(description="normal, boost, solar_only, excess or off, at first.")] = (
        LoadMode.NORMAL
    )
    priority: Annotated[int, Meta(ge=1, le=10, description="1 comes first.")] = 1
    season: Annotated[
        Literal["heating", "cooling", "device"],
        Meta(description="Whether it heats or cools; device: as it says."),
    ] = "heating"
    comfort_c: Annotated[Celsius, Meta(description="Comfort temperature.")] = 45.0
    hysteresis_k: Annotated[Kelvins, Meta(description="Around the comfort temperature.")] = 3.0
    storage_c: Annotated[Celsius, Meta(description="Up to here surplus is stored.")] = 70.0
    max_c: Annotated[Celsius, Meta(description="Never above this.")] = 75.0
    storage_offset_k: Annotated[Kelvins, Meta(description="For set-points: how far surplus may move it.")] = (
        2.0
    )
    legionella_c: Annotated[
        Celsius | None, Meta(description="Heated to this once a week for 30 min; null: not.")
    ] = 60.0
    legionella: Annotated[bool, Meta(description="Tanks: heat up against legionella; false: not.")] = True
    legionella_days: Annotated[float, Meta(gt=0, le=60, description="How often.")] = 7.0
    temperature_max_age_s: Annotated[Seconds, Meta(description="An older temperature counts as lost.")] = (
        900.0
    )
    min_on_s: Annotated[Seconds, Meta(description="Least time on.")] = 120.0
    min_off_s: Annotated[Seconds, Meta(description="Least time off.")] = 120.0
    dwell_s: Annotated[Seconds, Meta(description="Least time in an SG Ready state.")] = 600.0
    block_max_s: Annotated[Seconds, Meta(description="Longest SG Ready block.")] = 7200.0
    capacity_wh_per_k: Annotated[
        WattHoursPerKelvin | None, Meta(description="Heat capacity; null: fitted.")
    ] = None
    loss_w_per_k: Annotated[
        WattsPerKelvin | None, Meta(description="Loss to the surroundings; null: fitted.")
    ] = None
    time_constant_s: Annotated[
        Seconds | None, Meta(description="Capacity over loss, instead of the loss; null: fitted.")
    ] = None
    plug: Annotated[
        str | None, Meta(description="The plug that switches it; null: the generic topics below.")
    ] = None
    topics: Annotated[
        dict[str, Any], Meta(description="Topics of its sensors and switches; see docs/loads.md.")
    ] = {}
    grid_price_max: Annotated[
        float | None, Meta(description="At or below this price storage counts as Boost.")
    ] = None
    meter: Annotated[str | None, Meta(description="A meter that sees this load alone.")] = None
