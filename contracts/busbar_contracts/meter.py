"""What meters and inverters say: one message per sample, with one time."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from busbar_contracts.base import Observed, Order
from busbar_contracts.units import Instant, PositiveWatts, Seconds, SignedAmps, Volts, WattHours, Watts


class Quality(StrEnum):
    """How far a reading may be believed."""

    GOOD = "good"
    ESTIMATED = "estimated"
    DOUBTFUL = "doubtful"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "Quality":
        return cls.UNKNOWN


class Control(StrEnum):
    """Who steers a device at the moment, as far as its registers tell."""

    RELEASED = "released"
    OURS = "ours"
    CONTENDED = "contended"
    REJECTED = "rejected"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "Control":
        return cls.UNKNOWN


class PhaseSample(Struct, frozen=True, kw_only=True):
    """One phase of the site at one instant."""

    current_a: Annotated[
        SignedAmps | None, Meta(description="Meter: import is positive. Inverter: generation is positive.")
    ] = None
    power_w: Annotated[Watts | None, Meta(description="Signed like the current.")] = None
    voltage_v: Annotated[Volts | None, Meta(description="Between the phase and neutral.")] = None


class MeterReading(Observed, frozen=True, kw_only=True):
    """One sample of a meter: of the connection to the grid, of a circuit, or of a load."""

    at: Annotated[
        Instant, Meta(description="When the device measured, by the clock of the service that read it.")
    ]
    power_w: Annotated[
        Watts | None, Meta(description="All phases together. Import is positive, export is negative.")
    ]
    a: Annotated[
        PhaseSample | None, Meta(description="Phase a of the site; null when the meter does not see it.")
    ] = None
    b: Annotated[
        PhaseSample | None, Meta(description="Phase b of the site; null when the meter does not see it.")
    ] = None
    c: Annotated[
        PhaseSample | None, Meta(description="Phase c of the site; null when the meter does not see it.")
    ] = None
    import_wh: Annotated[
        WattHours | None, Meta(description="Energy taken from the grid since the meter was made.")
    ] = None
    export_wh: Annotated[
        WattHours | None, Meta(description="Energy given to the grid since the meter was made.")
    ] = None
    period_s: Annotated[
        Seconds, Meta(description="How often this meter is read; after three of these it is stale.")
    ] = 1.0
    phases_estimated: Annotated[
        bool, Meta(description="The meter knows only the total: its phases are not protected.")
    ] = False
    quality: Annotated[Quality, Meta(description="How far the sample may be believed.")] = Quality.GOOD
    detail: Annotated[
        str, Meta(description="What is doubtful about it, for a person; empty when nothing is.")
    ] = ""


class InverterState(StrEnum):
    """What an inverter is doing."""

    OFF = "off"
    SLEEPING = "sleeping"
    STARTING = "starting"
    RUNNING = "running"
    THROTTLED = "throttled"
    STOPPING = "stopping"
    FAULT = "fault"
    STANDBY = "standby"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "InverterState":
        return cls.UNKNOWN


class InverterReading(Observed, frozen=True, kw_only=True):
    """One sample of an inverter."""

    at: Annotated[
        Instant, Meta(description="When the device measured, by the clock of the service that read it.")
    ]
    power_w: Annotated[
        Watts | None,
        Meta(
            description="At the AC terminals. Generation is positive; a hybrid that charges from the grid is negative."
        ),
    ]
    pv_power_w: Annotated[
        PositiveWatts | None, Meta(description="What the modules give, on the DC side where it is known.")
    ] = None
    a: Annotated[PhaseSample | None, Meta(description="Output on phase a of the site.")] = None
    b: Annotated[PhaseSample | None, Meta(description="Output on phase b of the site.")] = None
    c: Annotated[PhaseSample | None, Meta(description="Output on phase c of the site.")] = None
    rating_w: Annotated[PositiveWatts | None, Meta(description="Continuous AC rating.")] = None
    energy_wh: Annotated[WattHours | None, Meta(description="AC energy since the inverter was made.")] = None
    state: Annotated[InverterState, Meta(description="What it is doing.")] = InverterState.UNKNOWN
    limit_w: Annotated[
        PositiveWatts | None, Meta(description="The power limit in force by our order; null when none.")
    ] = None
    limit_issuer: Annotated[str | None, Meta(description="Whose limit is in force.")] = None
    control: Annotated[Control, Meta(description="Who steers its power limit.")] = Control.UNAVAILABLE
    period_s: Annotated[Seconds, Meta(description="How often this inverter is read.")] = 1.0
    quality: Annotated[Quality, Meta(description="How far the sample may be believed.")] = Quality.GOOD
    detail: Annotated[str, Meta(description="What is doubtful or refused, for a person.")] = ""


class InverterLimit(Order, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asks an inverter to give no more than this at its AC terminals."""

    limit_w: Annotated[PositiveWatts, Meta(description="Largest AC output; 0 is a real zero.")]
    mandatory: Annotated[
        bool,
        Meta(
            description="A limit that law or contract demands: it stands when Busbar dies, and falls to the configured fallback_limit_w instead of being released."
        ),
    ] = False
