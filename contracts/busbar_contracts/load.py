"""Plugs and heaters, and the settings every load has."""

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from busbar_contracts.base import Command, Observed, Order
from busbar_contracts.units import (
    Amps,
    Celsius,
    Instant,
    Kelvins,
    Percent,
    PositiveWatts,
    Price,
    Priority,
    Reason,
    Seconds,
    SgReadyState,
    Share,
    WattHours,
    Watts,
)


class PlugState(Observed, frozen=True, kw_only=True):
    """What a plug, relay or generic load is doing."""

    at: Annotated[Instant, Meta(description="When this message was made.")]
    link: Annotated[bool, Meta(description="The device is reachable.")]
    on: Annotated[bool | None, Meta(description="Whether it is switched on; null when unknown.")]
    switched_at: Annotated[Instant | None, Meta(description="When it was last seen to switch.")] = None
    power_w: Annotated[Watts | None, Meta(description="Measured power; null without metering.")] = None
    sampled_at: Annotated[Instant | None, Meta(description="When the power was measured.")] = None
    energy_wh: Annotated[WattHours | None, Meta(description="The device's own energy register.")] = None
    energy_at: Annotated[Instant | None, Meta(description="When the energy was read.")] = None
    min_w: Annotated[
        PositiveWatts, Meta(description="Least power it can run at: for an on/off load its power.")
    ] = 0.0
    max_w: Annotated[
        PositiveWatts, Meta(description="Most power it can run at: for an on/off load its power.")
    ] = 0.0
    step_w: Annotated[PositiveWatts | None, Meta(description="Step between the two; null: on/off.")] = None
    learned_w: Annotated[
        PositiveWatts | None, Meta(description="Running power as learned; null before it ran.")
    ] = None
    standby_w: Annotated[PositiveWatts | None, Meta(description="Power while on and idle, as learned.")] = (
        None
    )
    peak_w: Annotated[PositiveWatts | None, Meta(description="Highest start peak of late, as seen.")] = None
    duty_percent: Annotated[
        Percent | None, Meta(description="Share of time it draws while on, as learned.")
    ] = None
    wants_power: Annotated[bool, Meta(description="It would run if it might.")] = False
    idle: Annotated[
        bool,
        Meta(
            description="On, but at standby for the settle time: the sun is free for others until it draws again."
        ),
    ] = False
    manual: Annotated[
        bool, Meta(description="The owner switched it by hand; it counts as uncontrolled for a while.")
    ] = False
    measures: Annotated[bool, Meta(description="It measures its power.")] = False
    safe_state: Annotated[Literal["on", "off"], Meta(description="What it falls to when a lease ends.")] = (
        "off"
    )
    power_on: Annotated[
        Literal["on", "off", "last"] | None,
        Meta(description="What the device does when the mains come back; null: unknown."),
    ] = None
    device_timer: Annotated[bool, Meta(description="The device itself falls back when Busbar is silent.")] = (
        False
    )
    may_switch_at: Annotated[
        Instant | None, Meta(description="Not switched before this, to spare the relay; null: now.")
    ] = None
    order_on: Annotated[bool | None, Meta(description="The order in force; null: none.")] = None
    order_until: Annotated[Instant | None, Meta(description="When the order in force ends.")] = None
    issuer: Annotated[str | None, Meta(description="Whose order is in force.")] = None
    last_refusal: Annotated[
        str | None, Meta(description="The last order or reading that was refused, and why.")
    ] = None


class PlugSwitch(Order, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks a plug or generic load to be on or off for the length of the lease."""

    on: Annotated[bool, Meta(description="On or off.")]
    power_w: Annotated[
        PositiveWatts | None, Meta(description="For loads with a range: the power to run at.")
    ] = None
    ends_hand: Annotated[
        bool,
        Meta(
            description="With off: also ends what a hand switched on, because the thing behind it is at its own limit."
        ),
    ] = False


class ManualSwitch(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The owner switches by hand; it is respected for the configured hold."""

    on: Annotated[bool, Meta(description="On or off.")]


class HeatMode(StrEnum):
    """What a heater may take; see `plugs_and_heat` in the docs."""

    BLOCK = "block"
    NORMAL = "normal"
    BOOST = "boost"


class HeatState(Observed, frozen=True, kw_only=True):
    """What a tank, heat pump or thermostat is doing."""

    at: Annotated[Instant, Meta(description="When this message was made.")]
    link: Annotated[bool, Meta(description="The device is reachable.")]
    on: Annotated[bool | None, Meta(description="Whether it heats or cools now.")]
    temperature_c: Annotated[Celsius | None, Meta(description="Measured temperature.")] = None
    sampled_at: Annotated[Instant | None, Meta(description="When temperature and power were measured.")] = (
        None
    )
    target_c: Annotated[Celsius | None, Meta(description="Comfort target in force.")] = None
    storage_c: Annotated[Celsius | None, Meta(description="Storage target in force.")] = None
    offset_k: Annotated[Kelvins | None, Meta(description="Set-point offset in force.")] = None
    sg_state: Annotated[SgReadyState | None, Meta(description="SG Ready state in force.")] = None
    power_w: Annotated[Watts | None, Meta(description="Measured power.")] = None
    energy_wh: Annotated[WattHours | None, Meta(description="The device's own energy register.")] = None
    power_at: Annotated[Instant | None, Meta(description="When the power was measured.")] = None
    energy_at: Annotated[Instant | None, Meta(description="When the energy was read.")] = None
    min_w: Annotated[PositiveWatts, Meta(description="Least power it can run at.")] = 0.0
    max_w: Annotated[PositiveWatts, Meta(description="Most power it can run at.")] = 0.0
    step_w: Annotated[PositiveWatts | None, Meta(description="Step between the two; null: on/off.")] = None
    comfort_demand: Annotated[bool, Meta(description="It needs heat for comfort now, from any source.")] = (
        False
    )
    idle: Annotated[
        bool,
        Meta(
            description="It has not drawn for two minutes: where it may, the sun is free for others until it does."
        ),
    ] = False
    storage_demand: Annotated[bool, Meta(description="It could store more.")] = False
    wanted_wh: Annotated[WattHours | None, Meta(description="Energy it could still take.")] = None
    reach_s: Annotated[
        Seconds | None,
        Meta(description="How long it takes to the storage target at its power; null: unknown."),
    ] = None
    confidence: Annotated[Share | None, Meta(description="How far the thermal model may be believed.")] = None
    may_switch_at: Annotated[Instant | None, Meta(description="Not switched before this; null: now.")] = None
    measures: Annotated[bool, Meta(description="It measures its power.")] = False
    order: Annotated[HeatMode | None, Meta(description="The order in force; null: none.")] = None
    order_until: Annotated[Instant | None, Meta(description="When the order in force ends.")] = None
    issuer: Annotated[str | None, Meta(description="Whose order is in force.")] = None
    problem: Annotated[
        str | None, Meta(description="What is wrong, in plain English; null when nothing is.")
    ] = None
    last_refusal: Annotated[
        str | None, Meta(description="The last order or reading that was refused, and why.")
    ] = None


class HeatOrder(Order, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks a heater to block, behave normally, or store, for the length of the lease."""

    mode: Annotated[HeatMode, Meta(description="Block, normal (comfort only) or boost (store).")]
    power_w: Annotated[
        PositiveWatts | None, Meta(description="For heaters with a range: the power to run at.")
    ] = None


class ManualHeat(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The owner sets an SG Ready heat pump by hand; a block by order still counts more."""

    sg_state: Annotated[
        SgReadyState | None,
        Meta(description="1 block, 2 normal, 3 recommend, 4 force; null: automatic again."),
    ]


class LoadMode(StrEnum):
    """Operating mode of a load. Each kind has its own selection."""

    STANDARD = "standard"
    CONTINUOUS = "continuous"
    SOLAR_PRIORITY = "solar_priority"
    SOLAR_ONLY = "solar_only"
    EXCESS = "excess"
    NORMAL = "normal"
    BOOST = "boost"
    OFF = "off"

    @classmethod
    def _missing_(cls, value: object) -> "LoadMode | None":
        """The same words as people write them, such as Solar Only, are understood when read."""
        word = str(value).strip().lower().replace(" ", "_").replace("-", "_")
        return next((one for one in cls if one.value == word), None)


class LoadSettings(Observed, frozen=True, kw_only=True):
    """What the owner wants of one load."""

    mode: Annotated[LoadMode, Meta(description="Operating mode.")]
    modes: Annotated[tuple[LoadMode, ...], Meta(description="The modes this load has.")]
    priority: Annotated[int, Meta(ge=1, le=10, description="1 comes first.")]
    enabled: Annotated[bool, Meta(description="Off: no grant.")]
    min_a: Annotated[
        Amps | None, Meta(description="Least current per leg; null for loads counted in watts.")
    ] = None
    max_a: Annotated[
        Amps | None, Meta(description="Most current per leg; null for loads counted in watts.")
    ] = None
    grid_price_max: Annotated[
        Price | None,
        Meta(description="At or below this price the load counts as Standard; null: never."),
    ] = None
    session_limit_wh: Annotated[WattHours | None, Meta(description="Ends a session's wish; null: none.")] = (
        None
    )
    soc_limit_percent: Annotated[
        Percent | None, Meta(description="Ends the wish at this charge of the car; null: none.")
    ] = None
    boost: Annotated[bool, Meta(description="Counts as Standard until unplugged or boost_until.")] = False
    boost_until: Annotated[Instant | None, Meta(description="When the boost ends; null: when unplugged.")] = (
        None
    )
    refused: Annotated[
        str, Meta(description="The last change that was refused, and why; empty when none.")
    ] = ""
    at: Annotated[Instant | None, Meta(description="When the settings last changed.")] = None


class LoadSettingsSet(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes what the owner wants of one load. Only what is given changes."""

    mode: Annotated[LoadMode | UnsetType, Meta(description="Operating mode; the load must have it.")] = UNSET
    priority: Annotated[Priority | UnsetType, Meta(description="1 comes first.")] = UNSET
    enabled: Annotated[bool | UnsetType, Meta(description="Off: no grant.")] = UNSET
    min_a: Annotated[
        Amps | UnsetType, Meta(description="Least current per leg, inside the configured bounds.")
    ] = UNSET
    max_a: Annotated[
        Amps | UnsetType, Meta(description="Most current per leg, inside the configured bounds.")
    ] = UNSET
    grid_price_max: Annotated[
        Price | UnsetType | None,
        Meta(description="At or below this price the load counts as Standard; null: never."),
    ] = UNSET
    session_limit_wh: Annotated[
        WattHours | UnsetType | None, Meta(description="Ends a session's wish; null: none.")
    ] = UNSET
    soc_limit_percent: Annotated[
        Percent | UnsetType | None, Meta(description="Ends the wish at this charge of the car; null: none.")
    ] = UNSET
    boost: Annotated[bool | UnsetType, Meta(description="Counts as Standard until unplugged.")] = UNSET
    boost_for_s: Annotated[
        Seconds | UnsetType | None, Meta(description="Boost for so long; null: until unplugged.")
    ] = UNSET
    apply_detection: Annotated[
        bool | UnsetType,
        Meta(
            description="True: count its legs on the detected phases; false: on those of the configuration."
        ),
    ] = UNSET


class Detection(Struct, frozen=True, kw_only=True):
    """What was learned about the wiring of a load, with its confidence."""

    legs: Annotated[tuple[Literal["a", "b", "c"], ...], Meta(description="Site phase of each leg, in order.")]
    confidence: Annotated[float, Meta(ge=0, le=1, description="Probability that this is right.")]
    applied: Annotated[bool, Meta(description="It is in use.")] = False
    advice: Annotated[
        Reason, Meta(description="What to change in the configuration; empty when it agrees.")
    ] = ""
