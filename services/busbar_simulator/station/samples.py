"""What a charge point's meter says, in neutral words: measurand, value, phase, unit."""

from dataclasses import dataclass

from busbar_simulator.plant.phases import Phases, index
from busbar_simulator.plant.socket import Socket

from .faults import Fault

LEGS = ("L1", "L2", "L3")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One value; `phase` is one of the charger's own legs, None is the sum or the whole."""

    measurand: str
    value: float
    unit: str
    phase: str | None = None


SUPPORTED = (
    "Energy.Active.Import.Register",
    "Power.Active.Import",
    "Current.Import",
    "Voltage",
    "Current.Offered",
    "SoC",
)


def measure(
    socket: Socket, volts: Phases, wanted: tuple[str, ...], offered_a: float, faults: frozenset[Fault]
) -> tuple[Measured, ...]:
    """All wanted measurands of this moment, with the faults of this charge point."""
    values: list[Measured] = []
    for name in wanted:
        values += _VALUES[name](socket, volts, offered_a, faults) if name in _VALUES else []
    return tuple(_mislabelled(value, faults) for value in values)


def _energy(socket: Socket, volts: Phases, offered_a: float, faults: frozenset[Fault]) -> list[Measured]:
    return [Measured(measurand="Energy.Active.Import.Register", value=round(socket.energy_wh), unit="Wh")]


def _power(socket: Socket, volts: Phases, offered_a: float, faults: frozenset[Fault]) -> list[Measured]:
    if Fault.ZERO_POWER in faults:
        return [Measured(measurand="Power.Active.Import", value=0.0, unit="W")]
    total = Measured(measurand="Power.Active.Import", value=round(socket.power_w(volts)), unit="W")
    if Fault.SUM_AND_PHASES not in faults:
        return [total]
    legs = [
        Measured(measurand="Power.Active.Import", value=round(a * volts[index(p)]), unit="W", phase=leg)
        for leg, a, p in zip(LEGS, socket.legs_a, socket.spec.legs, strict=False)
    ]
    return [total, *legs]


def _current(socket: Socket, volts: Phases, offered_a: float, faults: frozenset[Fault]) -> list[Measured]:
    total = Measured(measurand="Current.Import", value=round(sum(socket.legs_a), 1), unit="A")
    if Fault.SUM_ONLY in faults:
        return [total]
    legs = [
        Measured(measurand="Current.Import", value=round(a, 1), unit="A", phase=leg)
        for leg, a, _ in zip(LEGS, socket.legs_a, socket.spec.legs, strict=False)
    ]
    return [total, *legs] if Fault.SUM_AND_PHASES in faults else legs


def _voltage(socket: Socket, volts: Phases, offered_a: float, faults: frozenset[Fault]) -> list[Measured]:
    return [
        Measured(measurand="Voltage", value=round(volts[index(p)], 1), unit="V", phase=f"{leg}-N")
        for leg, p in zip(LEGS, socket.spec.legs, strict=False)
    ]


def _offered(socket: Socket, volts: Phases, offered_a: float, faults: frozenset[Fault]) -> list[Measured]:
    if Fault.NO_OFFERED in faults:
        return []
    return [Measured(measurand="Current.Offered", value=round(offered_a, 1), unit="A")]


def _soc(socket: Socket, volts: Phases, offered_a: float, faults: frozenset[Fault]) -> list[Measured]:
    # Over an AC cable no charger learns it; a few get it from the maker's cloud. Only then is it asked for.
    return (
        []
        if socket.car is None
        else [Measured(measurand="SoC", value=round(socket.car.soc_percent), unit="Percent")]
    )


_VALUES = {
    "Energy.Active.Import.Register": _energy,
    "Power.Active.Import": _power,
    "Current.Import": _current,
    "Voltage": _voltage,
    "Current.Offered": _offered,
    "SoC": _soc,
}


def _mislabelled(measured: Measured, faults: frozenset[Fault]) -> Measured:
    value, unit = measured.value, measured.unit
    if measured.measurand.startswith("Energy"):
        if Fault.KWH_CALLED_WH in faults:
            value = round(value / 1000, 3)
        if Fault.WH_CALLED_KWH in faults:
            unit = "kWh"
    return Measured(
        measurand=measured.measurand,
        value=value,
        unit="" if Fault.NO_UNIT in faults else unit,
        phase=measured.phase,
    )
