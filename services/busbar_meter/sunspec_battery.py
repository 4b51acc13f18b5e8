"""A SunSpec battery (124, 802, 713/714, with 120/702 and 160) as a sample."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from busbar_contracts.battery import BatteryState
from busbar_meter.block import Block
from busbar_meter.dc_inputs import battery_power_160, battery_power_714, solar_power, storage_there
from busbar_meter.quirks import Manner
from busbar_meter.samples import BatterySample
from busbar_meter.sunspec_inverter import INVERTER_MODELS

BATTERY_MODELS = (124, 802, 713)
# ChaSt of models 124 and 802 count alike.
STATES = dict(enumerate(list(BatteryState)[:7], start=1))
AT_WORK = (
    BatteryState.DISCHARGING,
    BatteryState.CHARGING,
    BatteryState.FULL,
    BatteryState.EMPTY,
    BatteryState.HOLDING,
)


class Power(NamedTuple):
    """Battery power with charging positive, and whether it was worked out instead of measured."""

    watts: float | None
    estimated: bool = False
    doubt: str = ""


def battery_sample(blocks: Mapping[int, Block], at: datetime, manner: Manner) -> BatterySample:
    """The sample from all blocks of one logical device by model."""
    state = _state(blocks)
    soc, doubts = _soc(blocks)
    power = Power(None, doubt="its battery models are blank")
    if storage_there(blocks):
        power = _power(blocks, state, soc, manner)
    return BatterySample(
        at=at,
        power_w=power.watts,
        estimated=power.estimated,
        soc_percent=soc,
        capacity_wh=_first(blocks, ((713, "WHRtg"), (802, "WHRtg"), (120, "WHRtg"))),
        charge_max_w=charge_max(blocks),
        discharge_max_w=discharge_max(blocks),
        state=state,
        doubts=(*doubts, *([power.doubt] if power.doubt else [])),
    )


def charge_max(blocks: Mapping[int, Block]) -> float | None:
    """Most the battery takes. WChaMax of model 124 is the inverter's figure, so it comes last.

    A GEN24 says 12.8 or 35.8 kW there whatever battery hangs on it (evcc issue 32865).
    """
    return _first(blocks, ((120, "MaxChaRte"), (702, "WChaRteMaxRtg"), (802, "WChaRteMax"), (124, "WChaMax")))


def discharge_max(blocks: Mapping[int, Block]) -> float | None:
    """Most the battery gives."""
    return _first(
        blocks, ((120, "MaxDisChaRte"), (702, "WDisChaRteMaxRtg"), (802, "WDisChaRteMax"), (124, "WChaMax"))
    )


def _state(blocks: Mapping[int, Block]) -> BatteryState:
    for model in (124, 802):
        raw = blocks[model].whole("ChaSt") if model in blocks else None
        if raw in STATES:
            return STATES[raw]
    return BatteryState.UNKNOWN


def _soc(blocks: Mapping[int, Block]) -> tuple[float | None, list[str]]:
    for model, point in ((124, "ChaState"), (713, "SoC"), (802, "SoC")):
        soc = blocks[model].number(point) if model in blocks else None
        if soc is not None:
            if 0 <= soc <= 100:
                return soc, []
            return None, [f"state of charge of {soc:g} % refused"]
    return None, []


def _power(blocks: Mapping[int, Block], state: BatteryState, soc: float | None, manner: Manner) -> Power:
    online = soc is not None or state in AT_WORK
    if 160 in blocks:
        watts = battery_power_160(blocks[160], online=online)
        if watts is not None:
            return Power(watts)
    if 714 in blocks:
        # Without a word from the maker the energies' names decide: injected (discharged) is positive.
        watts = battery_power_714(blocks[714], manner.battery_sign or -1)
        if watts is not None:
            return Power(watts, estimated=manner.battery_sign is None)
    if 802 in blocks:
        power = _power_802(blocks[802], state, manner)
        if power.watts is not None:
            return power
        balance = _balance(blocks, manner)
        return power if balance.watts is None else balance
    return _balance(blocks, manner)


def _power_802(block: Block, state: BatteryState, manner: Manner) -> Power:
    watts = block.number("W")
    if watts is None or watts == 0:
        return Power(watts)
    if manner.battery_sign is not None:
        return Power(watts * manner.battery_sign)
    # The model does not define the sign of W, but its state says which way the power goes.
    if state is BatteryState.CHARGING:
        return Power(abs(watts), estimated=True)
    if state is BatteryState.DISCHARGING:
        return Power(-abs(watts), estimated=True)
    return Power(None, doubt="which way its power goes is not known: set sign")


def _balance(blocks: Mapping[int, Block], manner: Manner) -> Power:
    """What the modules give and the inverter does not pass on goes into the battery, losses aside."""
    solar = solar_power(blocks, manner.battery_inputs)
    output = next((blocks[model].number("W") for model in INVERTER_MODELS if model in blocks), None)
    if solar is None or output is None:
        return Power(None)
    return Power(solar - output, estimated=True)


def _first(blocks: Mapping[int, Block], points: tuple[tuple[int, str], ...]) -> float | None:
    for model, point in points:
        value = blocks[model].number(point) if model in blocks else None
        if value:
            return value
    return None
