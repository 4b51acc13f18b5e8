"""The HEMS contract of the Charge Amps scheduler. It is the owner's and wins where it differs.

The payloads a HEMS sends are judged by the service's own rules with their own error codes;
these structs say what a correct one looks like. Unknown fields are ignored everywhere here.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from busbar_contracts.base import Command, Observed
from busbar_contracts.charger import LegSample
from busbar_contracts.units import Amps, Instant, Text64


class SchedulePeriod(Struct, frozen=True, kw_only=True):
    """One charging window, half open."""

    start: Annotated[Instant, Meta(description="ISO 8601 with offset; belongs to the window.")]
    end: Annotated[Instant, Meta(description="ISO 8601 with offset; does not belong to the window.")]
    max_current: Annotated[
        Amps | None, Meta(description="Per phase; overrides the value of the schedule.")
    ] = None


class ScheduleSet(Struct, frozen=True, kw_only=True):
    """Replaces the schedule of one connector."""

    periods: Annotated[tuple[SchedulePeriod, ...], Meta(description="1 to 192 charging windows.")]
    max_current: Annotated[
        Amps | None, Meta(description="Per phase for all periods; default: as configured.")
    ] = None
    expires_at: Annotated[
        Instant | None,
        Meta(description="From here on the schedule is not in force; default: the end of the last period."),
    ] = None
    source: Annotated[Text64 | None, Meta(description="Label of the sender; default hems.")] = None
    command_id: Annotated[str | None, Meta(description="Echoed in the status.")] = None
    issued_at: Annotated[
        Instant | None, Meta(description="Orders replays: older than the last applied one is refused.")
    ] = None


class ScheduleClear(Struct, frozen=True, kw_only=True):
    """No charging from now on. The payload is empty or null and is not interpreted."""


class ScheduleRefresh(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks once to plan anew, to read the cloud and to write it where it differs; the answer appears in the status."""

    id: Annotated[Text64 | None, Meta(description="Echoed in the status as refresh_id.")] = None
    issued_at: Annotated[
        Instant | None, Meta(description="When it was asked; more than a minute ago is refused.")
    ] = None


class CommandError(Struct, frozen=True, kw_only=True):
    """Why a command was refused."""

    code: Annotated[str, Meta(description="Stable code.")]
    path: Annotated[str | None, Meta(description="The field.")] = None
    message: Annotated[str, Meta(description="In plain English.")] = ""


class ChargeAmpsStatus(Observed, frozen=True, kw_only=True):
    """Status of one connector: nine fields of the owner's contract, and additions."""

    state: Annotated[
        Literal["idle", "charging", "plugged_in", "error"], Meta(description="What the connector is doing.")
    ]
    schedule_source: Annotated[
        Literal["standalone", "hems", "none"], Meta(description="Whose plan is in force now.")
    ]
    schedule_active: Annotated[bool, Meta(description="A plan is in force; not: inside a window.")]
    next_period_start: Annotated[Instant | None, Meta(description="Of the running period, else of the next.")]
    next_period_end: Annotated[Instant | None, Meta(description="Of the running period, else of the next.")]
    current_power_kw: Annotated[
        float | None, Meta(description="Measured; null when unknown.", extra_json_schema={"x-unit": "kW"})
    ]
    session_energy_kwh: Annotated[
        float | None, Meta(description="Of the current or last session.", extra_json_schema={"x-unit": "kWh"})
    ]
    ready_for_schedule: Annotated[bool, Meta(description="In hems mode, online, not faulted and logged in.")]
    last_hems_command_at: Annotated[
        Instant | None, Meta(description="Receipt of the last set or clear, accepted or not.")
    ]
    connector_id: Annotated[int, Meta(ge=1, description="The charge point's own number.")] = 1
    operation_mode: Annotated[Literal["standalone", "hems"], Meta(description="Who plans.")] = "standalone"
    in_period: Annotated[bool, Meta(description="Inside a charging window now.")] = False
    last_command_result: Annotated[
        Literal["accepted", "rejected", "ignored", "cleared", "expired", "provider_rejected"] | None,
        Meta(description="What became of the last command."),
    ] = None
    last_command_error: Annotated[CommandError | None, Meta(description="Why it was refused.")] = None
    schedule_hash: Annotated[str | None, Meta(description="Of the normalised schedule in force.")] = None
    schedule_expires_at: Annotated[Instant | None, Meta(description="When the schedule in force ends.")] = (
        None
    )
    applied_max_current: Annotated[
        Amps | None, Meta(description="The current that is applied per phase.")
    ] = None
    sync: Annotated[
        Literal["none", "pending", "synced", "failed"], Meta(description="Whether the provider has it.")
    ] = "none"
    updated_at: Annotated[Instant | None, Meta(description="When this message was made.")] = None
    price_threshold_active: Annotated[
        bool, Meta(description="At least one slot was left out for its price.")
    ] = False
    plan_state: Annotated[
        str | None,
        Meta(
            description="State of the price plan: scheduled, idle, no_eligible_slots, waiting_for_prices, disabled, error."
        ),
    ] = None
    planned_minutes: Annotated[
        float | None,
        Meta(description="Minutes of charging still planned.", extra_json_schema={"x-unit": "min"}),
    ] = None
    planned_kwh: Annotated[
        float | None,
        Meta(description="Energy still planned at the applied current.", extra_json_schema={"x-unit": "kWh"}),
    ] = None
    planned_cost: Annotated[
        float | None,
        Meta(description="Cost of the planned energy.", extra_json_schema={"x-unit": "currency"}),
    ] = None
    periods: Annotated[
        tuple[SchedulePeriod, ...], Meta(description="The windows in force that are not over.")
    ] = ()
    command_id: Annotated[str | None, Meta(description="Of the last command that had one.")] = None
    applied: Annotated[bool, Meta(description="The cloud was read back and holds what is wanted.")] = False
    hems_connected: Annotated[
        bool, Meta(description="A command was received within hems_stale_after_s; default a day.")
    ] = False
    currency: Annotated[str | None, Meta(description="Of planned_cost, where the prices name it.")] = None
    l1: Annotated[LegSample | None, Meta(description="Leg 1 of the charger; null when unknown.")] = None
    l2: Annotated[LegSample | None, Meta(description="Leg 2 of the charger.")] = None
    l3: Annotated[LegSample | None, Meta(description="Leg 3 of the charger.")] = None
    measured_at: Annotated[
        Instant | None,
        Meta(
            description="When the cloud last told power, energy and legs; its own figures may be a minute older."
        ),
    ] = None
    online: Annotated[bool | None, Meta(description="The charge point is connected to the cloud.")] = None
    connector_mode: Annotated[
        str | None, Meta(description="The mode it is in, in the cloud's own words: On, Off, Schedule.")
    ] = None
    connector_status: Annotated[
        str | None, Meta(description="The connector's status in the cloud's own words.")
    ] = None
    error_code: Annotated[str | None, Meta(description="What the charger complains of; null: nothing.")] = (
        None
    )
    refreshed_at: Annotated[
        Instant | None,
        Meta(description="When it was last asked to plan and look anew; null: not since the start."),
    ] = None
    refresh_id: Annotated[str | None, Meta(description="Of the last such request that had one.")] = None
    note: Annotated[str, Meta(description="What is being done or in the way, in plain English.")] = ""
    detail: Annotated[dict[str, Any], Meta(description="For support; may change.")] = {}
