"""What batteries say, what they are told, and what the battery service decides."""

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from busbar_contracts.base import Command, Observed, Order
from busbar_contracts.meter import Control, Quality
from busbar_contracts.units import Instant, Percent, PositiveWatts, Reason, Seconds, WattHours, Watts


class BatteryState(StrEnum):
    """What a battery is doing, in the words of SunSpec model 124 ChaSt."""

    OFF = "off"
    EMPTY = "empty"
    DISCHARGING = "discharging"
    CHARGING = "charging"
    FULL = "full"
    HOLDING = "holding"
    TESTING = "testing"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "BatteryState":
        return cls.UNKNOWN


class BatteryReading(Observed, frozen=True, kw_only=True):
    """One sample of a battery."""

    at: Annotated[
        Instant, Meta(description="When the device measured, by the clock of the service that read it.")
    ]
    power_w: Annotated[Watts | None, Meta(description="Charging is positive, discharging is negative.")]
    soc_percent: Annotated[Percent | None, Meta(description="State of charge; null when unknown.")]
    charge_limit_w: Annotated[PositiveWatts | None, Meta(description="Most it can take now.")] = None
    discharge_limit_w: Annotated[PositiveWatts | None, Meta(description="Most it can give now.")] = None
    capacity_wh: Annotated[WattHours | None, Meta(description="Usable energy when full.")] = None
    state: Annotated[BatteryState, Meta(description="What it is doing.")] = BatteryState.UNKNOWN
    power_estimated: Annotated[
        bool, Meta(description="The power was worked out from other figures, not measured.")
    ] = False
    window_min_w: Annotated[
        Watts | None, Meta(description="Lower end of the window in force by our order.")
    ] = None
    window_max_w: Annotated[
        Watts | None, Meta(description="Upper end of the window in force by our order.")
    ] = None
    control: Annotated[Control, Meta(description="Who steers it.")] = Control.UNAVAILABLE
    period_s: Annotated[Seconds, Meta(description="How often this battery is read.")] = 1.0
    quality: Annotated[Quality, Meta(description="How far the sample may be believed.")] = Quality.GOOD
    detail: Annotated[str, Meta(description="What is doubtful or refused, for a person.")] = ""


class BatterySetpoint(Order, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks a battery to keep its power inside a window; inside it the device follows its own logic.

    Both ends null gives the battery back to its own control. Equal ends are an exact set-point.
    """

    min_w: Annotated[
        Watts | None,
        Meta(
            description="Least power; charging is positive, so -2000 allows 2 kW of discharge. Null: release."
        ),
    ]
    max_w: Annotated[Watts | None, Meta(description="Most power; charging is positive. Null: release.")]
    grid_charging: Annotated[
        bool, Meta(description="Whether energy from the grid may go into the battery.")
    ] = False


PriorityMode = Literal["battery_first", "export_first"]


class BatterySettings(Observed, frozen=True, kw_only=True):
    """What the owner wants of a battery."""

    soc_min_percent: Annotated[Percent, Meta(description="Below this it is not discharged.")] = 20.0
    soc_target_percent: Annotated[Percent, Meta(description="Up to here it goes before others.")] = 80.0
    soc_max_percent: Annotated[Percent, Meta(description="Above this it is not charged.")] = 100.0
    soc_hysteresis_percent: Annotated[
        Percent, Meta(description="How far the charge must move back before a threshold counts again.")
    ] = 5.0
    mode: Annotated[PriorityMode, Meta(description="Who gets the surplus first.")] = "battery_first"
    grid_charging: Annotated[bool, Meta(description="Whether the battery may be charged from the grid.")] = (
        False
    )
    grid_charging_max_w: Annotated[
        PositiveWatts | None, Meta(description="Most grid power into the battery; null: not bounded by this.")
    ] = None
    import_target_w: Annotated[
        PositiveWatts | None, Meta(description="Site import wanted while charging from the grid; null: none.")
    ] = None
    export_target_w: Annotated[PositiveWatts | None, Meta(description="Site export wanted; null: none.")] = (
        None
    )
    charge_max_w: Annotated[
        PositiveWatts | None,
        Meta(description="Most it may charge; null: as configured and as it says itself."),
    ] = None
    discharge_max_w: Annotated[
        PositiveWatts | None,
        Meta(description="Most it may discharge; null: as configured and as it says itself."),
    ] = None
    refused: Annotated[
        str, Meta(description="The last change that was refused, and why; empty when none.")
    ] = ""
    at: Annotated[Instant | None, Meta(description="When the settings last changed.")] = None


class BatterySettingsSet(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes what the owner wants of a battery. Only what is given changes."""

    soc_min_percent: Annotated[Percent | UnsetType, Meta(description="Below this it is not discharged.")] = (
        UNSET
    )
    soc_target_percent: Annotated[
        Percent | UnsetType, Meta(description="Up to here it goes before others.")
    ] = UNSET
    soc_max_percent: Annotated[Percent | UnsetType, Meta(description="Above this it is not charged.")] = UNSET
    soc_hysteresis_percent: Annotated[
        Percent | UnsetType, Meta(description="Hysteresis of the thresholds.")
    ] = UNSET
    mode: Annotated[PriorityMode | UnsetType, Meta(description="Who gets the surplus first.")] = UNSET
    grid_charging: Annotated[
        bool | UnsetType, Meta(description="Whether the battery may be charged from the grid.")
    ] = UNSET
    grid_charging_max_w: Annotated[
        PositiveWatts | UnsetType | None,
        Meta(description="Most grid power into the battery; null: not bounded."),
    ] = UNSET
    import_target_w: Annotated[
        PositiveWatts | UnsetType | None,
        Meta(description="Site import wanted while charging from the grid; null: none."),
    ] = UNSET
    export_target_w: Annotated[
        PositiveWatts | UnsetType | None, Meta(description="Site export wanted; null: none.")
    ] = UNSET
    charge_max_w: Annotated[
        PositiveWatts | UnsetType | None, Meta(description="Most it may charge; null: as configured.")
    ] = UNSET
    discharge_max_w: Annotated[
        PositiveWatts | UnsetType | None, Meta(description="Most it may discharge; null: as configured.")
    ] = UNSET


class BatteryShare(Observed, frozen=True, kw_only=True):
    """What one of several batteries is told."""

    power_w: Annotated[Watts | None, Meta(description="Wanted power, charging positive; null: released.")] = (
        None
    )
    min_w: Annotated[Watts | None, Meta(description="Lower end of the window ordered.")] = None
    max_w: Annotated[Watts | None, Meta(description="Upper end of the window ordered.")] = None


class BatteryDecision(Observed, frozen=True, kw_only=True):
    """What the battery service decided, and why."""

    at: Annotated[Instant, Meta(description="When it was decided.")]
    control: Annotated[
        Literal["apply", "release"],
        Meta(description="Whether the battery is steered or given back to itself."),
    ]
    battery_w: Annotated[Watts, Meta(description="Wanted battery power, charging positive.")]
    mode: Annotated[Literal["charge", "discharge", "idle"], Meta(description="By the sign of the power.")]
    export_w: Annotated[PositiveWatts | None, Meta(description="Expected site export after the action.")]
    import_w: Annotated[PositiveWatts | None, Meta(description="Expected site import after the action.")]
    pv_w: Annotated[PositiveWatts | None, Meta(description="Expected generation after curtailment.")]
    solar_limit_w: Annotated[
        PositiveWatts | None, Meta(description="Cap for an AC-coupled solar inverter; null: none.")
    ]
    ac_limit_w: Annotated[
        PositiveWatts | None, Meta(description="Cap for the AC terminal of a hybrid; null: none.")
    ]
    flags: Annotated[tuple[str, ...], Meta(description="What others should know, as short codes.")]
    reason: Annotated[Reason, Meta(description="Why, in plain English.")]
    dry_run: Annotated[bool, Meta(description="Nothing is ordered; this is what would be.")]
    batteries: Annotated[
        dict[str, BatteryShare], Meta(description="The share of each battery, by its id.")
    ] = {}
