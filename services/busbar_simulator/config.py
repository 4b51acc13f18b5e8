"""What the simulated house must be told: the free tables of [simulator], understood."""

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from busbar_shared.config.load import BadConfig
from busbar_simulator.line import LineFault
from busbar_simulator.plant.appliance import Kind
from busbar_simulator.station.faults import Fault

Phase = Literal["a", "b", "c"]
PersonalityName = Literal["plain", "float", "gen24", "symo_hybrid", "solaredge", "zero_scale", "der"]
T = TypeVar("T", bound=Struct)


class HabitPlan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that is switched on each day."""

    at: Annotated[str, Meta(pattern="^[0-2][0-9]:[0-5][0-9]$", description="Local time, HH:MM.")]
    power_w: Annotated[float, Meta(ge=0, description="Its power.")]
    minutes: Annotated[float, Meta(gt=0, description="How long, by the calendar.")] = 30.0
    phases: Annotated[tuple[Phase, ...], Meta(description="Where it hangs.")] = ("b",)
    circuit: Annotated[str | None, Meta(description="On which circuit; null: the main one.")] = None


class HousePlan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[simulator.house]: the household beside everything managed, and the wires it hangs on."""

    base_w: Annotated[float, Meta(ge=0, description="Mean of the steady load.")] = 400.0
    kettles: Annotated[int, Meta(ge=0, le=100, description="Kettles a day, on phase b.")] = 6
    ovens: Annotated[int, Meta(ge=0, le=20, description="Meals in the oven a day, on phase c.")] = 1
    machines: Annotated[int, Meta(ge=0, le=20, description="Washing or dish washing a day.")] = 1
    shortest_s: Annotated[float, Meta(ge=0, description="No appliance is on for less, in real seconds.")] = (
        15.0
    )
    habits: Annotated[tuple[HabitPlan, ...], Meta(description="What is switched on every day.")] = ()
    volts: Annotated[tuple[float, float, float], Meta(description="Supply without load.")] = (
        231.0,
        230.0,
        232.0,
    )
    ohms: Annotated[float, Meta(ge=0, le=2, description="Of the supply, per phase.")] = 0.05
    mend_s: Annotated[
        float, Meta(gt=0, description="What the promise allows to mend a step of the house.")
    ] = 4.0


class SunPlan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[simulator.sun]: the roof and the sky."""

    peak_w: Annotated[float, Meta(ge=0, description="The roof at its best; 0: none.")] = 9000.0
    cloudiness: Annotated[float, Meta(ge=0, le=1, description="0 clear, 1 overcast.")] = 0.3
    shortest_cloud_s: Annotated[
        float, Meta(ge=0, description="No cloud comes and goes faster, in real seconds, whatever the speed.")
    ] = 45.0
    latitude: Annotated[float, Meta(ge=-66, le=66, description="Of the house.")] = 48.0
    date: Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="First day.")] = (
        "2026-06-21"
    )


class BatteryPlan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[simulator.battery]: the inverter and its battery."""

    capacity_wh: Annotated[
        Annotated[float, Meta(ge=0)] | None,
        Meta(description="0: no battery; null: 10 kWh where the site has a battery, else none."),
    ] = None
    ac_coupled: Annotated[
        bool, Meta(description="It has an inverter of its own, beside that of the roof.")
    ] = False
    charge_w: Annotated[float, Meta(ge=0, description="Most it takes.")] = 5_000.0
    discharge_w: Annotated[float, Meta(ge=0, description="Most it gives.")] = 5_000.0
    soc_percent: Annotated[float, Meta(ge=0, le=100, description="At the start.")] = 40.0
    rating_w: Annotated[float, Meta(gt=0, description="AC rating, where the site names none.")] = 10_000.0
    floor_percent: Annotated[
        float, Meta(ge=0, le=50, description="Where it stops discharging by itself.")
    ] = 5.0
    personality: Annotated[PersonalityName, Meta(description="Whose inverter it plays.")] = "plain"
    meter_personality: Annotated[PersonalityName | None, Meta(description="Whose meter; null: the same.")] = (
        None
    )
    line_faults: Annotated[
        tuple[LineFault, ...], Meta(description="What goes wrong on the Modbus line.")
    ] = ()
    loop_s: Annotated[float, Meta(gt=0, le=60, description="Of its own control.")] = 0.5
    ramp_w_per_s: Annotated[float, Meta(gt=0, description="How fast it moves.")] = 2_500.0
    dead_s: Annotated[float, Meta(ge=0, le=60, description="From an order to its first effect.")] = 0.0
    gain: Annotated[
        float, Meta(ge=0, le=1, description="Part of a grid power its own loop answers; 0: it has no loop.")
    ] = 0.7


class CarPlan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[simulator.cars.<charger>]: a charge point and the car on its cable; `connectors` says what differs."""

    ocpp: Annotated[
        Literal["1.6", "2.0.1", "none"],
        Meta(description="What it speaks; none: it charges and obeys nobody."),
    ] = "1.6"
    vendor: Annotated[str, Meta(description="As it boots.")] = "Busbar"
    model: Annotated[str, Meta(description="As it boots.")] = "Simulated"
    firmware: Annotated[str, Meta(description="As it boots.")] = "1.0.0"
    password: Annotated[str | None, Meta(description="For security profile 1.")] = None
    url: Annotated[str | None, Meta(description="Its central system; null: that of the site.")] = None
    faults: Annotated[tuple[Fault, ...], Meta(description="What it does wrong; see docs/simulator.md.")] = ()
    tag: Annotated[str | None, Meta(description="Card shown after plugging in; null: none is.")] = "OWNER"
    legs: Annotated[tuple[Phase, ...] | None, Meta(description="True wiring; null: as configured.")] = None
    clock_offset_s: Annotated[
        float | None, Meta(description="Of its clock; null: by the seed, up to 90 s.")
    ] = None
    drift_s_per_h: Annotated[float, Meta(description="Of its clock.")] = 0.0
    sample_s: Annotated[float, Meta(ge=0, description="Between two meter samples, until told otherwise.")] = (
        10.0
    )
    answer_s: Annotated[float, Meta(ge=0, description="From a profile to the pilot.")] = 0.5
    starts_with_cable: Annotated[bool, Meta(description="2.0.1: the transaction begins before the card.")] = (
        False
    )
    phase_switching: Annotated[bool, Meta(description="It can charge on one phase.")] = False
    plugged: Annotated[bool, Meta(description="A car hangs on it at the start.")] = True
    arrives_after_s: Annotated[float, Meta(ge=0, description="Real seconds until it is plugged in.")] = 0.0
    leaves_after_s: Annotated[
        float | None, Meta(description="Real seconds until it is gone; null: stays.")
    ] = None
    car_legs: Annotated[int, Meta(ge=1, le=3, description="Phases its charger on board uses.")] = 3
    car_max_a: Annotated[float, Meta(ge=6, le=80, description="Most it takes per leg.")] = 16.0
    battery_wh: Annotated[float, Meta(gt=0, description="Of the car.")] = 60_000.0
    soc_percent: Annotated[float, Meta(ge=0, le=100, description="At the start.")] = 40.0
    full_percent: Annotated[float, Meta(gt=0, le=100, description="Where its owner lets it stop.")] = 100.0
    taper_from_percent: Annotated[float, Meta(ge=0, le=100, description="From here it takes less.")] = 90.0
    dead_s: Annotated[float, Meta(ge=0, le=120, description="From the pilot to the current.")] = 2.0
    ramp_a_per_s: Annotated[float, Meta(gt=0, description="Upwards.")] = 2.0
    ramp_down_a_per_s: Annotated[float, Meta(gt=0, description="Downwards.")] = 8.0
    wake_s: Annotated[float, Meta(ge=0, description="Longer dead time after a pause.")] = 0.0
    pauses_until_sleep: Annotated[int | None, Meta(description="After so many it sleeps; null: never.")] = (
        None
    )
    overdraw_a: Annotated[float, Meta(ge=0, description="What it takes above the pilot.")] = 0.0
    obeys: Annotated[bool, Meta(description="False: it takes its most whatever the pilot says.")] = True
    connectors: Annotated[dict[str, dict[str, Any]], Meta(description="By number: what differs there.")] = (
        field(default_factory=dict)
    )


class PlugPlan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[simulator.plugs.<plug>]: the appliance on a plug, and what the plug is like."""

    kind: Annotated[Kind, Meta(description="plain, fridge or washer.")] = Kind.PLAIN
    power_w: Annotated[
        Annotated[float, Meta(ge=0)] | None, Meta(description="True power; null: as the site says.")
    ] = None
    standby_w: Annotated[float, Meta(ge=0, description="When it is on and does nothing.")] = 0.0
    start_w: Annotated[float, Meta(ge=0, description="For its first second.")] = 0.0
    on_s: Annotated[float, Meta(gt=0, description="Of a fridge, by the calendar.")] = 720.0
    off_s: Annotated[float, Meta(ge=0, description="Of a fridge, by the calendar.")] = 1680.0
    on: Annotated[bool, Meta(description="Switched on at the start.")] = False
    phases: Annotated[tuple[Phase, ...] | None, Meta(description="True wiring; null: as configured.")] = None
    tells_status: Annotated[bool, Meta(description="Shelly: status notifications are switched on.")] = False
    period_s: Annotated[float, Meta(gt=0, description="Tasmota: TelePeriod.")] = 300.0
    pulse_time: Annotated[int, Meta(ge=0, le=64900, description="Tasmota: what its owner has set.")] = 0
    availability: Annotated[bool, Meta(description="Zigbee2MQTT: availability is switched on.")] = False
    on_time: Annotated[bool, Meta(description="Zigbee2MQTT: the plug obeys on_time.")] = True


class HeaterPlan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[simulator.heaters.<heater>]: the water or the rooms behind a heater."""

    power_w: Annotated[
        Annotated[float, Meta(gt=0)] | None, Meta(description="True power; null: as the site says.")
    ] = None
    celsius: Annotated[float | None, Meta(description="At the start; null: 48 in a tank, 20.5 in rooms.")] = (
        None
    )
    litres: Annotated[float, Meta(gt=0, description="Of a tank.")] = 200.0
    showers: Annotated[int, Meta(ge=0, le=50, description="A day.")] = 3
    stops_c: Annotated[float, Meta(description="A tank's own safety thermostat.")] = 80.0
    loss_w_per_k: Annotated[
        Annotated[float, Meta(gt=0)] | None, Meta(description="Null: 2 for a tank, 200 for rooms.")
    ] = None
    wh_per_k: Annotated[float, Meta(gt=0, description="Of rooms.")] = 5000.0
    factor: Annotated[float, Meta(gt=0, description="Heat per electric energy of a heat pump.")] = 3.5
    outside_c: Annotated[float, Meta(description="Mean outside temperature.")] = 5.0
    phases: Annotated[tuple[Phase, ...] | None, Meta(description="True wiring; null: as configured.")] = None


def understood(raw: dict[str, Any], kind: type[T], where: str) -> T:
    """A free table as its struct, or BadConfig that names the key."""
    try:
        return msgspec.convert(raw, kind, strict=True)
    except msgspec.ValidationError as error:
        raise BadConfig(f"{where}: {error}") from error
