"""The plant's inverter as a SunSpec device: models 1, 103 or 113, 120 to 124, 160."""

from busbar_simulator.plant.inverter import Inverter
from busbar_simulator.plant.phases import Phases

from .block import Block
from .controls import InverterControls
from .definitions import layout
from .device import Device
from .personality import Personality

NOMINAL_V = 230.0
DC_V = 380.0


def common(personality: Personality, serial: str, kind: str = "") -> Block:
    """Model 1."""
    block = Block(layout(1))
    block.put("Mn", personality.maker)
    block.put("Md", kind or personality.model)
    block.put("Vr", "1.0")
    block.put("SN", serial)
    block.put("DA", 1)
    if personality.short_common:
        del block.registers[-1]
        block.put("L", 65)
    return block


def inverter_device(inverter: Inverter, personality: Personality, serial: str, base: int = 40_000) -> Device:
    """A device whose registers `refresh` keeps current."""
    single = len(set(inverter.spec.phases)) == 1
    main = (111 if single else 113) if personality.floats else (101 if single else 103)
    blocks = [common(personality, serial), Block(layout(main)), _nameplate(inverter, personality)]
    blocks += [_settings(inverter), Block(layout(122))]
    if personality.controls:
        blocks.append(_immediate(personality))
    if inverter.storage is not None and personality.storage:
        blocks.append(_storage(inverter, personality))
    blocks.append(Block(layout(160, len(_modules(inverter)))))
    device = Device(blocks, base=base)
    device.controls = InverterControls(device, inverter, personality)
    return device


def refresh(device: Device, inverter: Inverter, personality: Personality, volts: Phases) -> None:
    """Copy the plant's present state into the registers, as the inverter's firmware does each second."""
    main = device.blocks[1]
    power, currents = inverter.ac_w, [w / v for w, v in zip(inverter.ac_phases_w, volts, strict=True)]
    _scales(main, personality, power, max(map(abs, currents)), inverter.generated_wh)
    phases = [p for p in "abc" if p in inverter.spec.phases]
    main.put("A", sum(map(abs, currents)))
    for phase, current, volt in zip("abc", currents, volts, strict=True):
        present = phase in phases
        main.put(f"Aph{phase.upper()}", abs(current) if present else None)
        main.put(f"PhVph{phase.upper()}", volt if present else None)
    for point, value in (("W", power), ("VA", abs(power)), ("VAr", 0.0), ("PF", 100.0), ("Hz", 50.0)):
        main.put(point, value)
    main.put("WH", inverter.generated_wh)
    main.put("DCW", inverter.pv_w - inverter.battery_w)
    main.put("TmpCab", 38.0)
    main.put("St", _state(inverter))
    main.put("Evt1", 0)
    _strings(device.block(160), inverter)
    _status(device.block(122), inverter)
    if inverter.storage is not None and personality.storage:
        _charge(device.block(124), inverter)


def _scales(main: Block, personality: Personality, power: float, current: float, energy: float) -> None:
    if not main.has("W_SF"):
        return
    for factor, exponent in (("V_SF", -1), ("Hz_SF", -2), ("PF_SF", -2), ("VAr_SF", 0), ("Tmp_SF", -1)):
        main.scale(factor, exponent)
    main.scale("WH_SF", 0, energy)
    for factor, largest in (("W_SF", power), ("VA_SF", power), ("DCW_SF", power), ("A_SF", 3 * current)):
        if personality.moving_scales:
            main.finest(factor, largest)
        else:
            main.scale(factor, -2 if factor == "A_SF" else 0, largest)


def _state(inverter: Inverter) -> int:
    """Operating states of 10x: 1 off, 2 sleeping, 4 following the sun, 5 throttled, 7 fault, 8 standby."""
    if inverter.tripped:
        return 7 if inverter.connected else 1
    if inverter.pv_w + 1.0 < inverter.sun_w:
        return 5
    return 4 if abs(inverter.ac_w) > 1.0 else 8 if inverter.storage else 2


def _nameplate(inverter: Inverter, personality: Personality) -> Block:
    block, spec = Block(layout(120)), inverter.spec
    block.put("DERTyp", 82 if spec.storage else 4)
    plate = {"WRtg": spec.rating_w, "VARtg": spec.rating_w, "ARtg": spec.rating_w / NOMINAL_V}
    if spec.storage is not None and personality.storage:
        plate |= {"WHRtg": spec.storage.capacity_wh}
        plate |= {"MaxChaRte": spec.storage.charge_w, "MaxDisChaRte": spec.storage.discharge_w}
    for point, value in plate.items():
        block.scale(f"{point}_SF", 0, value)
        block.put(point, value)
    return block


def _settings(inverter: Inverter) -> Block:
    block = Block(layout(121))
    for point, value in (
        ("WMax", inverter.spec.rating_w),
        ("VAMax", inverter.spec.rating_w),
        ("VRef", NOMINAL_V),
    ):
        block.scale(f"{point}_SF", 0, value)
        block.put(point, value)
    return block


def _immediate(personality: Personality) -> Block:
    timers = frozenset() if personality.timers else frozenset({"WMaxLimPct_RvrtTms", "Conn_RvrtTms"})
    block = Block(layout(123), read_only=timers)
    block.put("WMaxLimPct_SF", personality.percent_scale)
    block.put("OutPFSet_SF", -2)
    block.put("Conn", 1)
    block.put("WMaxLimPct", 100.0)
    for point in ("WMaxLim_Ena", "OutPFSet_Ena", "VArPct_Ena"):
        block.put(point, 0)
    if personality.timers:
        for point in (
            "Conn_WinTms",
            "Conn_RvrtTms",
            "WMaxLimPct_WinTms",
            "WMaxLimPct_RvrtTms",
            "WMaxLimPct_RmpTms",
        ):
            block.put(point, 0)
    return block


def _storage(inverter: Inverter, personality: Personality) -> Block:
    assert inverter.spec.storage is not None
    absent = (
        frozenset()
        if personality.timers
        else frozenset({"InOutWRte_RvrtTms", "InOutWRte_WinTms", "InOutWRte_RmpTms"})
    )
    block = Block(layout(124), read_only=personality.read_only | absent)
    reference = personality.reference_w or inverter.spec.storage.charge_w
    block.scale("WChaMax_SF", 0, reference)
    for factor in ("MinRsvPct_SF", "ChaState_SF", "InOutWRte_SF"):
        block.put(factor, personality.percent_scale)
    block.put("WChaDisChaGra_SF", 0)
    block.put("InBatV_SF", -1)
    values = {"WChaMax": reference, "WChaGra": 100, "WDisChaGra": 100, "StorCtl_Mod": 0}
    values |= {"InWRte": 100.0, "OutWRte": 100.0, "ChaGriSet": 0}
    values["MinRsvPct"] = inverter.spec.storage.floor_percent
    if personality.timers:
        values |= {"InOutWRte_WinTms": 0, "InOutWRte_RvrtTms": 0, "InOutWRte_RmpTms": 0}
    for point, value in values.items():
        block.put(point, value)
    return block


def _charge(block: Block, inverter: Inverter) -> None:
    assert inverter.storage is not None
    soc, power = inverter.storage.soc_percent, inverter.battery_w
    block.put("ChaState", soc)
    block.put("InBatV", DC_V)
    # 2 empty, 3 discharging, 4 charging, 5 full, 6 holding.
    moving = 4 if power > 20 else 3 if power < -20 else 0
    block.put("ChaSt", moving or (5 if soc > 99.5 else 2 if inverter.storage.can_discharge_w < 1 else 6))


def _modules(inverter: Inverter) -> list[tuple[str, float]]:
    """What is on the DC side, named as Fronius names it: charge and discharge are two, neither is negative."""
    strings = (
        [("String 1", inverter.pv_w / 2), ("String 2", inverter.pv_w / 2)] if inverter.spec.has_sun else []
    )
    if inverter.storage is None:
        return strings or [("String 1", 0.0)]
    charge, discharge = max(inverter.battery_w, 0.0), max(-inverter.battery_w, 0.0)
    first = len(strings) + 1
    return [*strings, (f"StCha {first}", charge), (f"StDisCha {first + 1}", discharge)]


def _strings(block: Block, inverter: Inverter) -> None:
    modules = _modules(inverter)
    block.scale("DCW_SF", 0, max(power for _, power in modules))
    block.put("DCA_SF", -2)
    block.put("DCV_SF", -1)
    block.put("N", len(modules))
    for number, (name, power) in enumerate(modules, start=1):
        block.put(f"ID.{number}", number)
        block.put(f"IDStr.{number}", name)
        block.put(f"DCW.{number}", power)
        block.put(f"DCV.{number}", DC_V)
        block.put(f"DCA.{number}", power / DC_V)


def _status(block: Block, inverter: Inverter) -> None:
    connected = 0 if inverter.tripped else 0b0111
    block.put("PVConn", connected)
    block.put("StorConn", connected if inverter.storage else None)
    block.put("ECPConn", 0 if inverter.tripped else 1)
    block.put("ActWh", inverter.generated_wh)
    block.put("StActCtl", 1 if inverter.ac_limit_w is not None else 0)
