"""An inverter of the 7xx models (IEEE 1547): 1, 701, 702, 704, 713 and 714."""

from busbar_simulator.plant.inverter import Inverter
from busbar_simulator.plant.phases import Phases

from .block import Block
from .definitions import layout
from .device import Device, Refused
from .inverter import DC_V, NOMINAL_V, common
from .personality import Personality

PERCENT_SCALE = -1
# DC port types of model 714.
PV, STORAGE = 0, 1
# 702 CtrlModes: bit 0 the limit (WMaxLimPct) works, bit 1 the set-point (WSet) does.
MAX_W, FIXED_W = 1, 2


def der_device(inverter: Inverter, personality: Personality, serial: str, base: int = 40_000) -> Device:
    """A device whose registers `refresh_der` keeps current."""
    blocks = [common(personality, serial), Block(layout(701)), _capacity(inverter), _controls(inverter)]
    if inverter.storage is not None:
        blocks.append(Block(layout(713)))
    blocks.append(Block(layout(714, len(_ports(inverter)))))
    device = Device(blocks, base=base)
    device.controls = DerControls(device, inverter)
    return device


def refresh_der(device: Device, inverter: Inverter, volts: Phases) -> None:
    """Copy the plant's present state into the registers."""
    block, power = device.block(701), inverter.ac_w
    for factor, exponent in (
        ("W_SF", 0),
        ("VA_SF", 0),
        ("A_SF", -2),
        ("V_SF", -1),
        ("Hz_SF", -3),
        ("TotWh_SF", 0),
    ):
        block.put(factor, exponent)
    single = len(set(inverter.spec.phases)) == 1
    for point, value in (
        ("ACType", 0 if single else 2),
        ("St", 1),
        ("InvSt", _state(inverter)),
        ("W", power),
    ):
        block.put(point, value)
    for point, value in (
        ("VA", abs(power)),
        ("Hz", 50.0),
        ("LNV", volts[0]),
        ("TotWhInj", inverter.generated_wh),
    ):
        block.put(point, value)
    block.put("A", sum(abs(w) / v for w, v in zip(inverter.ac_phases_w, volts, strict=True)))
    for leg, phase in enumerate("abc"):
        here = phase in inverter.spec.phases
        block.put(f"WL{leg + 1}", inverter.ac_phases_w[leg] if here else None)
    _refresh_dc(device, inverter)


def _state(inverter: Inverter) -> int:
    """InvSt counts from 0: 0 off, 3 running, 4 throttled, 6 fault, 7 standby."""
    if inverter.tripped:
        return 6 if inverter.connected else 0
    if inverter.pv_w + 1.0 < inverter.sun_w:
        return 4
    return 3 if abs(inverter.ac_w) > 1.0 else 7


def _refresh_dc(device: Device, inverter: Inverter) -> None:
    block = device.blocks[-1]
    block.put("DCW_SF", 0)
    block.put("DCV_SF", -1)
    block.put("DCA_SF", -2)
    ports = _ports(inverter)
    block.put("NPrt", len(ports))
    for number, (kind, name, power) in enumerate(ports, start=1):
        values: dict[str, float | str] = {
            "PrtTyp": kind,
            "ID": number,
            "IDStr": name,
            "DCW": power,
            "DCV": DC_V,
            "DCA": power / DC_V,
        }
        for point, value in values.items():
            block.put(f"{point}.{number}", value)
    if inverter.storage is not None:
        store, spec = device.block(713), inverter.storage.spec
        store.put("WH_SF", 0)
        store.put("Pct_SF", -1)
        store.put("WHRtg", spec.capacity_wh)
        store.put("WHAvail", spec.capacity_wh * inverter.storage.soc_percent / 100)
        store.put("SoC", inverter.storage.soc_percent)
        store.put("SoH", 100.0)
        store.put("Sta", 0)


def _ports(inverter: Inverter) -> list[tuple[int, str, float]]:
    """Type, name and power of each DC port; positive flows into the DER, so a battery that discharges."""
    ports = [(PV, "PV 1", inverter.pv_w)] if inverter.spec.has_sun else []
    return ports + ([(STORAGE, "Battery", -inverter.battery_w)] if inverter.storage is not None else [])


def _capacity(inverter: Inverter) -> Block:
    block, spec = Block(layout(702)), inverter.spec
    for factor in ("W_SF", "VA_SF", "V_SF"):
        block.put(factor, 0)
    values = {
        "WMaxRtg": spec.rating_w,
        "VAMaxRtg": spec.rating_w,
        "WMax": spec.rating_w,
        "VAMax": spec.rating_w,
    }
    if spec.storage is not None:
        values |= {"WChaRteMaxRtg": spec.storage.charge_w, "WDisChaRteMaxRtg": spec.storage.discharge_w}
        values |= {"WChaRteMax": spec.storage.charge_w, "WDisChaRteMax": spec.storage.discharge_w}
    for point, value in (values | {"VNomRtg": NOMINAL_V}).items():
        block.put(point, value)
    block.put("CtrlModes", MAX_W | (FIXED_W if spec.storage is not None else 0))
    return block


def _controls(inverter: Inverter) -> Block:
    block = Block(layout(704))
    for factor in ("WMaxLimPct_SF", "WSetPct_SF"):
        block.put(factor, PERCENT_SCALE)
    block.put("WSet_SF", 0)
    names = ("WMaxLimPctEna", "WMaxLimPctEnaRvrt", "WMaxLimPctRvrtTms", "WMaxLimPctRvrtRem")
    for point in names:
        block.put(point, 0)
    block.put("WMaxLimPct", 100.0)
    block.put("WMaxLimPctRvrt", 100.0)
    if inverter.storage is not None:
        for point in (
            "WSetEna",
            "WSetEnaRvrt",
            "WSetRvrtTms",
            "WSetRvrtRem",
            "WSet",
            "WSetRvrt",
            "WSetPct",
            "WSetPctRvrt",
        ):
            block.put(point, 0)
        block.put("WSetMod", 1)
    return block


class DerControls:
    """Checks and obeys writes to 704; `tick` counts its timers down and reverts to the reversion values."""

    def __init__(self, device: Device, inverter: Inverter) -> None:
        self.device, self.inverter = device, inverter
        self._ends_s: dict[str, float] = {}

    def check(self, block: Block, points: tuple[str, ...]) -> None:
        """Refused with 3 for values outside the model."""
        if block.layout.model != 704:
            return
        for point, low, high in (
            ("WMaxLimPct", 0.0, 100.0),
            ("WMaxLimPctRvrt", 0.0, 100.0),
            ("WMaxLimPctEna", 0, 1),
        ):
            value = block.value(point)
            if value is None or not low <= value <= high:
                raise Refused(3, f"{point}: {value} is not between {low:g} and {high:g}")
        for point in ("WSetEna", "WSetMod"):
            if point in points and (self.inverter.storage is None or block.value(point) not in (0, 1)):
                raise Refused(3, f"{point}: {block.value(point)}")

    def act(self, block: Block, points: tuple[str, ...], now_s: float) -> None:
        """Follow 704 as it now is."""
        for name in ("WMaxLimPct", "WSet"):
            if any(point.startswith(name) for point in points):
                seconds = block.value(f"{name}RvrtTms")
                if seconds:
                    self._ends_s[name] = now_s + seconds
                else:
                    self._ends_s.pop(name, None)
        self.obey()

    def tick(self, now_s: float) -> None:
        """Count down, and let what has run out revert."""
        self.device.now_s = now_s
        block = self.device.block(704)
        for name, end_s in list(self._ends_s.items()):
            block.put(f"{name}RvrtRem", max(round(end_s - now_s), 0))
            if end_s <= now_s:
                del self._ends_s[name]
                block.put(name, block.value(f"{name}Rvrt"))
                block.put(f"{name}Ena", block.value(f"{name}EnaRvrt") or 0)
                self.obey()

    def obey(self) -> None:
        """Set the plant by the registers."""
        block, rated = self.device.block(704), self.device.block(702).value("WMax") or 0.0
        limited = block.value("WMaxLimPctEna") == 1
        self.inverter.ac_limit_w = (block.value("WMaxLimPct") or 0.0) / 100 * rated if limited else None
        if self.inverter.storage is None:
            return
        if block.value("WSetEna") != 1:
            self.inverter.ac_set_w = None
        elif block.value("WSetMod") == 1:
            self.inverter.ac_set_w = block.value("WSet")
        else:
            part = (block.value("WSetPct") or 0.0) / 100
            charge = self.device.block(702).value("WChaRteMax") or 0.0
            self.inverter.ac_set_w = part * (rated if part >= 0 else charge)
