"""What MQTT meters say where: one table of values for each kind of device.

A pick names a value, the topic it comes on, the path inside its JSON and its unit. Several picks of
one value are added up, so that "import minus export" is two picks. Every kind is only such a table,
and the owner's own topics (`free`, `statestream`) are written as one.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from busbar_meter.config import BadMeterConfig
from busbar_meter.registermap import POINTS
from busbar_shared.config.devices import MqttPlace

# To the units of the point names.
UNITS = {
    "W": 1.0,
    "kW": 1000.0,
    "A": 1.0,
    "mA": 0.001,
    "V": 1.0,
    "mV": 0.001,
    "Wh": 1.0,
    "kWh": 1000.0,
    "Wmin": 1 / 60,
    "Hz": 1.0,
    "%": 1.0,
}
OF_POINT = {
    "w": ("W", "kW"),
    "a": ("A", "mA"),
    "v": ("V", "mV"),
    "wh": ("Wh", "kWh", "Wmin"),
    "hz": ("Hz",),
    "percent": ("%",),
}


class Pick(Struct, frozen=True, kw_only=True):
    """One value of one topic."""

    point: str
    topic: str
    path: tuple[str, ...] = ()
    scale: float = 1.0
    # What an absent or null field of an understood message means; None: unknown.
    absent: float | None = None


class PickConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the owner's own values."""

    topic: Annotated[str, Meta(min_length=1, description="Full topic.")]
    path: Annotated[
        str,
        Meta(
            description="Place inside the JSON, for example em.a_power or list[0].w; empty: the payload itself."
        ),
    ] = ""
    unit: Annotated[str, Meta(description="W, kW, A, mA, V, mV, Wh, kWh, Hz or %.")] = ""
    sign: Annotated[Literal[1, -1], Meta(description="-1 turns the sign.")] = 1


def picks_for(kind: str, place: MqttPlace, path: str) -> tuple[Pick, ...]:
    """The picks of a device, or BadMeterConfig naming the field."""
    own = _own(kind, place.values, path)
    if place.kind in ("free", "statestream"):
        if not own:
            raise BadMeterConfig(f"{path}.mqtt.values: kind {place.kind!r} needs at least one value")
        return own
    if place.kind not in KINDS:
        known = ", ".join(sorted((*KINDS, "free", "statestream")))
        raise BadMeterConfig(f"{path}.mqtt.kind: {place.kind!r} is none of {known}")
    if place.topic is None:
        raise BadMeterConfig(f"{path}.mqtt.topic: kind {place.kind!r} needs the topic of the device")
    chosen = {pick.point for pick in own}
    return (*own, *(pick for pick in KINDS[place.kind](place.topic.rstrip("/")) if pick.point not in chosen))


def _own(kind: str, values: Mapping[str, Any], path: str) -> tuple[Pick, ...]:
    picks = []
    for point, raw in values.items():
        here = f"{path}.mqtt.values.{point}"
        if point not in POINTS[kind]:
            raise BadMeterConfig(f"{here}: is none of {', '.join(POINTS[kind])}")
        for each in raw if isinstance(raw, list) else [raw]:
            try:
                config = msgspec.convert(each, PickConfig)
            except msgspec.ValidationError as error:
                raise BadMeterConfig(f"{here}: {error}") from error
            units = OF_POINT[point.rsplit("_", 1)[-1]]
            unit = config.unit or units[0]
            if unit not in units:
                raise BadMeterConfig(f"{here}.unit: {unit!r} is none of {', '.join(units)}")
            scale = UNITS[unit] * config.sign
            picks.append(Pick(point=point, topic=config.topic, path=split_path(config.path), scale=scale))
    return tuple(picks)


STEP = re.compile(r"""\['([^']*)'\]|\["([^"]*)"\]|\[(\d+)\]|([^.\[\]]+)""")


def split_path(path: str) -> tuple[str, ...]:
    """`a.b[0].c` as its steps; a name with dots stands in quotes, `data['1-0:1.7.0']`."""
    return tuple(next(part for part in found if part) for found in STEP.findall(path) if any(found))


def shelly_gen1(prefix: str, channels: str) -> tuple[Pick, ...]:
    """Shelly EM and 3EM: one topic for each figure, `<prefix>/emeter/<channel>/<figure>` (Shelly Gen1 API, MQTT).

    `total` counts watt-hours; `power` is negative when energy is returned.
    """
    figures = {"power_w": "power", "current_a": "current", "voltage_v": "voltage"}
    picks = [
        Pick(point=f"{leg}.{point}", topic=f"{prefix}/emeter/{number}/{figure}")
        for number, leg in enumerate(channels)
        for point, figure in figures.items()
        # The EM of the first generation says no current.
        if not (point == "current_a" and len(channels) < 3)
    ]
    for point, figure in (("import_wh", "total"), ("export_wh", "total_returned")):
        picks += [
            Pick(point=point, topic=f"{prefix}/emeter/{number}/{figure}") for number in range(len(channels))
        ]
    return tuple(picks)


def shelly_pro_3em(prefix: str) -> tuple[Pick, ...]:
    """Shelly Pro 3EM and 3EM Gen3 in the triphase profile: `<prefix>/status/em:0` and `emdata:0`.

    Shelly Gen2 API, components EM and EMData, status. Energies are watt-hours.
    """
    em, data = f"{prefix}/status/em:0", f"{prefix}/status/emdata:0"
    figures = {"power_w": "act_power", "current_a": "current", "voltage_v": "voltage"}
    return (
        *(
            Pick(point=f"{leg}.{point}", topic=em, path=(f"{leg}_{figure}",))
            for leg in "abc"
            for point, figure in figures.items()
        ),
        Pick(point="power_w", topic=em, path=("total_act_power",)),
        Pick(point="frequency_hz", topic=em, path=("a_freq",)),
        Pick(point="import_wh", topic=data, path=("total_act",)),
        Pick(point="export_wh", topic=data, path=("total_act_ret",)),
    )


def tasmota_sml(topic: str) -> tuple[Pick, ...]:
    """Tasmota with an SML reading head whose script uses these names (evcc documentation, Tasmota SML).

    Other names of a script are given in `values`, for example path = "MT175.P".
    """
    figures = {"power_w": "power", "voltage_v": "voltage", "current_a": "current"}
    return (
        Pick(point="power_w", topic=topic, path=("SML", "Power_curr")),
        Pick(point="import_wh", topic=topic, path=("SML", "Total_in"), scale=1000.0),
        Pick(point="export_wh", topic=topic, path=("SML", "Total_out"), scale=1000.0),
        *(
            Pick(point=f"{leg}.{point}", topic=topic, path=("SML", f"{figure}_l{number}"))
            for number, leg in enumerate("abc", start=1)
            for point, figure in figures.items()
        ),
    )


def dsmr(topic: str) -> tuple[Pick, ...]:
    """A P1 telegram as one JSON message with the field names of DSMR-reader (its MQTT telegram fields).

    Powers are kW, delivered to the house minus returned by it; `phase_power_current` is whole amperes
    and too coarse near the limit, so currents are worked out from power.
    """
    return tuple(
        Pick(point=point, topic=topic, path=(field,), scale=scale) for point, field, scale in _dsmr_fields()
    )


def dsmr_topics(prefix: str) -> tuple[Pick, ...]:
    """The same with each field on a topic of its own, `<prefix>/<field>`: DSMR-reader's `dsmr/reading`."""
    return tuple(
        Pick(point=point, topic=f"{prefix}/{field}", scale=scale) for point, field, scale in _dsmr_fields()
    )


def _dsmr_fields() -> list[tuple[str, str, float]]:
    legs = [("", ""), *((f"{leg}.", f"_l{number}") for number, leg in enumerate("abc", start=1))]
    fields = []
    for leg, ending in legs:
        field = "phase_currently" if leg else "electricity_currently"
        for way, scale in (("delivered", 1000.0), ("returned", -1000.0)):
            fields.append((f"{leg}power_w", f"{field}_{way}{ending}", scale))
        if leg:
            fields.append((f"{leg}voltage_v", f"phase_voltage{ending}", 1.0))
    for point, way in (("import_wh", "delivered"), ("export_wh", "returned")):
        fields += [(point, f"electricity_{way}_{tariff}", 1000.0) for tariff in (1, 2)]
    return fields


def tibber(topic: str) -> tuple[Pick, ...]:
    """Messages with the fields of Tibber's liveMeasurement (Tibber API): watts, volts and amperes."""
    return (
        Pick(point="power_w", topic=topic, path=("power",)),
        Pick(point="power_w", topic=topic, path=("powerProduction",), scale=-1.0, absent=0.0),
        Pick(point="import_wh", topic=topic, path=("lastMeterConsumption",), scale=1000.0),
        Pick(point="export_wh", topic=topic, path=("lastMeterProduction",), scale=1000.0),
        *(
            Pick(point=f"{leg}.{point}", topic=topic, path=(f"{field}{number}",))
            for number, leg in enumerate("abc", start=1)
            for point, field in (("current_a", "currentL"), ("voltage_v", "voltagePhase"))
        ),
    )


KINDS = {
    "shelly_em": lambda prefix: shelly_gen1(prefix, "a"),
    "shelly_3em": lambda prefix: shelly_gen1(prefix, "abc"),
    "shelly_pro_3em": shelly_pro_3em,
    "tasmota_sml": tasmota_sml,
    "dsmr": dsmr,
    "dsmr_topics": dsmr_topics,
    "tibber": tibber,
}
