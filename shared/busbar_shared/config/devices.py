"""[meters.*], [inverters.*], [batteries.*]: what is read, and what may be written."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from busbar_contracts.units import PositiveWatts, Seconds, WattHours
from busbar_shared.config.site import Phase


class ModbusPlace(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a Modbus device is."""

    host: Annotated[str | None, Meta(description="Name or address of the device or gateway.")] = None
    port: Annotated[int, Meta(ge=1, le=65535, description="TCP port.")] = 502
    serial: Annotated[
        str | None, Meta(description="Serial line instead of a host, for example /dev/ttyUSB0.")
    ] = None
    framing: Annotated[
        Literal["tcp", "rtu_over_tcp", "rtu"], Meta(description="tcp, rtu_over_tcp, or rtu on a serial line.")
    ] = "tcp"
    baudrate: Annotated[int, Meta(ge=300, le=921600, description="Of the serial line.")] = 9600
    parity: Annotated[Literal["N", "E", "O"], Meta(description="Of the serial line.")] = "N"
    unit: Annotated[int, Meta(ge=0, le=255, description="Modbus unit id.")] = 1
    base: Annotated[
        int | None, Meta(description="SunSpec base address; null: look at 40000, 0 and 50000.")
    ] = None
    group: Annotated[
        int, Meta(ge=0, le=20, description="Which of several SunSpec devices in one unit, from 0.")
    ] = 0
    pause_s: Annotated[Seconds, Meta(description="Least pause between two requests.")] = 0.02
    timeout_s: Annotated[Seconds, Meta(description="How long to wait for an answer.")] = 2.0


class MqttPlace(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the values of an MQTT device are."""

    kind: Annotated[
        str,
        Meta(
            description="shelly_em, shelly_3em, shelly_pro_3em, tasmota_sml, dsmr, dsmr_topics, tibber, statestream or free."
        ),
    ] = "free"
    topic: Annotated[str | None, Meta(description="Topic or prefix of the device.")] = None
    values: Annotated[
        dict[str, Any],
        Meta(description="For free topics: a value's name to {topic, path, unit, sign}; see docs/meter.md."),
    ] = {}
    unchanged_s: Annotated[
        Annotated[float, Meta(ge=0, le=86_400)] | None,
        Meta(
            description="For sources that publish changes only: how long a figure counts while only others come; null: not."
        ),
    ] = None


class DeviceConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all read devices have in common."""

    driver: Annotated[str, Meta(description="sunspec, map:<name> for a register map, or mqtt.")] = "sunspec"
    modbus: Annotated[ModbusPlace | None, Meta(description="For sunspec and register maps.")] = None
    mqtt: Annotated[MqttPlace | None, Meta(description="For MQTT devices.")] = None
    every_s: Annotated[
        Annotated[float, Meta(ge=0.2, le=3600)], Meta(description="Seconds between two readings.")
    ] = 1.0


class MeterConfig(DeviceConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A meter of the grid connection, of a circuit or of a load."""

    phases: Annotated[
        tuple[Phase, ...] | None,
        Meta(description="Site phase of the device's L1, L2, L3; null: all of the site in order."),
    ] = None
    invert: Annotated[tuple[Phase, ...], Meta(description="Phases whose sign is to be turned.")] = ()
    location: Annotated[
        Literal["direct", "consumption"],
        Meta(
            description="consumption: in the path to the loads, not at the grid, which is then worked out with the inverters."
        ),
    ] = "direct"
    sign: Annotated[
        Literal["auto", "import_positive", "export_positive"],
        Meta(description="What a positive value of the device means; auto: by its manufacturer."),
    ] = "auto"
    assumed_unbalance_a: Annotated[
        float | None, Meta(description="Required for a meter that knows only the total.")
    ] = None
    max_a: Annotated[
        float | None,
        Meta(description="A current beyond this is not believed; null: three times the breaker."),
    ] = None


class InverterConfig(DeviceConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An inverter: sun, or sun and battery."""

    phases: Annotated[
        tuple[Phase, ...] | None,
        Meta(description="Site phase of its L1, L2, L3; null: all of the site in order."),
    ] = None
    rating_w: Annotated[
        PositiveWatts | None, Meta(description="Continuous AC rating; null: as it says itself.")
    ] = None
    rating_per_phase_w: Annotated[
        PositiveWatts | None, Meta(description="Per phase; null: the rating spread evenly.")
    ] = None
    asymmetric: Annotated[bool, Meta(description="It can feed its phases differently.")] = False
    hybrid: Annotated[bool, Meta(description="A battery hangs on its DC side.")] = False
    writable: Annotated[bool, Meta(description="Busbar may limit it.")] = False
    limit_map: Annotated[
        str | None,
        Meta(description="Register map that says how to limit it; null: by SunSpec model 123 or 704."),
    ] = None
    fallback_limit_w: Annotated[
        PositiveWatts | None,
        Meta(description="What a mandatory limit falls to when its orders end; null: it stands as it was."),
    ] = None
    revert_s: Annotated[Seconds, Meta(description="Revert timer in the device for economic limits.")] = 60.0


class BatteryConfig(DeviceConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A battery."""

    phases: Annotated[tuple[Phase, ...] | None, Meta(description="Site phases it acts on; null: all.")] = None
    inverter: Annotated[
        str | None, Meta(description="The hybrid inverter it hangs on; null: coupled on the AC side.")
    ] = None
    circuit: Annotated[str | None, Meta(description="Circuit it hangs on; null: the root.")] = None
    sign: Annotated[
        Literal["auto", "charge_positive", "discharge_positive"],
        Meta(
            description="SunSpec models 714 and 802: what a positive power means; auto: by its manufacturer."
        ),
    ] = "auto"
    capacity_wh: Annotated[WattHours | None, Meta(description="Usable energy; null: as it says itself.")] = (
        None
    )
    charge_limit_w: Annotated[PositiveWatts, Meta(description="Most it may take.")] = 5000.0
    discharge_limit_w: Annotated[PositiveWatts, Meta(description="Most it may give.")] = 5000.0
    soc_min_percent: Annotated[float, Meta(ge=0, le=100, description="At first; see settings.")] = 20.0
    soc_target_percent: Annotated[float, Meta(ge=0, le=100, description="At first; see settings.")] = 80.0
    soc_max_percent: Annotated[float, Meta(ge=0, le=100, description="At first; see settings.")] = 100.0
    soc_hysteresis_percent: Annotated[float, Meta(ge=0, le=50, description="At first; see settings.")] = 5.0
    writable: Annotated[bool, Meta(description="Busbar may steer it.")] = False
    revert_s: Annotated[Seconds, Meta(description="Revert timer in the device.")] = 60.0
    setpoint_issuer: Annotated[str, Meta(description="The one issuer whose set-points count.")] = "battery"
    ramp_w_per_s: Annotated[PositiveWatts | None, Meta(description="Fastest change ordered; null: none.")] = (
        None
    )
