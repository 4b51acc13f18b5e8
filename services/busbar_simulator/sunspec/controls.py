"""What the inverter does with writes to 123 and 124: windows, limits, and timers that end them.

The meaning of 124 is that of Fronius' register map: the two percentages lay a window around the battery
power, the bits say which bound is active, negative percentages force the other direction.
"""

from busbar_simulator.plant.inverter import Inverter, Window

from .block import Block
from .device import Device, Refused
from .personality import Personality

LIMIT = ("WMaxLimPct", "WMaxLimPct_WinTms", "WMaxLimPct_RvrtTms", "WMaxLimPct_RmpTms", "WMaxLim_Ena")
RATES = ("OutWRte", "InWRte", "InOutWRte_WinTms", "InOutWRte_RvrtTms", "InOutWRte_RmpTms", "StorCtl_Mod")


class InverterControls:
    """Checks and obeys writes; `tick` runs the reversion timers."""

    def __init__(self, device: Device, inverter: Inverter, personality: Personality) -> None:
        self.device, self.inverter, self.personality = device, inverter, personality
        self._reverts_at: dict[str, float] = {}

    def check(self, block: Block, points: tuple[str, ...]) -> None:
        """Refused with 3 for values no device of this kind takes."""
        if block.layout.model == 123:
            _between(block, "WMaxLimPct", 0.0, 100.0)
            _between(block, "WMaxLim_Ena", 0, 1)
            _between(block, "Conn", 0, 1)
        if block.layout.model == 124:
            for point in ("InWRte", "OutWRte"):
                _between(block, point, -100.0, 100.0)
            _between(block, "StorCtl_Mod", 0, 3)
            _between(block, "ChaGriSet", 0, 1)
            _between(block, "MinRsvPct", 0.0, 100.0)
            if _impossible(block) and self.personality.bad_window == "refuse":
                raise Refused(3, "both bounds active and InWRte + OutWRte below zero")

    def act(self, block: Block, points: tuple[str, ...], now_s: float) -> None:
        """Follow the block as it now is."""
        if block.layout.model == 123:
            self._restart("limit", block.value("WMaxLimPct_RvrtTms"), points, LIMIT, "WMaxLim_Ena", now_s)
            self._restart(
                "conn", block.value("Conn_RvrtTms"), points, ("Conn", "Conn_RvrtTms"), "Conn", now_s
            )
        if block.layout.model == 124:
            self._restart("rates", block.value("InOutWRte_RvrtTms"), points, RATES, "StorCtl_Mod", now_s)
        self.obey()

    def tick(self, now_s: float) -> None:
        """Let what has run out revert."""
        self.device.now_s = now_s
        ended = [timer for timer, at in self._reverts_at.items() if at <= now_s]
        for timer in ended:
            del self._reverts_at[timer]
            if timer == "limit":
                self.device.block(123).put("WMaxLim_Ena", 0)
            elif timer == "conn":
                self.device.block(123).put("Conn", 1)
            else:
                self.device.block(124).put("StorCtl_Mod", 0)
        if ended:
            self.obey()

    def obey(self) -> None:
        """Set the plant by the registers."""
        for block in self.device.blocks:
            if block.layout.model == 123:
                limit = (
                    (block.value("WMaxLimPct") or 0.0) / 100 * (self.device.block(121).value("WMax") or 0.0)
                )
                self.inverter.ac_limit_w = limit if block.value("WMaxLim_Ena") == 1 else None
                self.inverter.connected = block.value("Conn") != 0
            if block.layout.model == 124:
                self._lay_window(block)

    def _lay_window(self, block: Block) -> None:
        if _impossible(block):
            # The Symo Hybrid takes the registers and keeps doing what it did.
            return
        active, reference = int(block.value("StorCtl_Mod") or 0), block.value("WChaMax") or 0.0
        charge = (block.value("InWRte") or 0.0) / 100 * reference
        discharge = (block.value("OutWRte") or 0.0) / 100 * reference
        grid = block.value("ChaGriSet") == 1 and self.personality.grid_charge_switch
        if self.inverter.storage is not None:
            self.inverter.storage.reserve_percent = block.value("MinRsvPct") or 0.0
        low, high = (-discharge if active & 2 else None), (charge if active & 1 else None)
        self.inverter.window = Window(low_w=low, high_w=high, grid_charge=grid)

    def _restart(
        self, timer: str, seconds: float | None, points: tuple[str, ...], group: tuple[str, ...],
        enable: str, now_s: float,
    ) -> None:  # fmt: skip
        touched = set(points) & set(group)
        if not touched or (self.personality.timer_restart == "enable" and enable not in points):
            return
        if seconds:
            self._reverts_at[timer] = now_s + seconds
        else:
            self._reverts_at.pop(timer, None)


def _between(block: Block, point: str, low: float, high: float) -> None:
    value = block.value(point)
    # The pattern of "not implemented" is no legal command either.
    if value is None or not low - 1e-9 <= value <= high + 1e-9:
        raise Refused(3, f"{point}: {value} is not between {low:g} and {high:g}")


def _impossible(block: Block) -> bool:
    both = int(block.value("StorCtl_Mod") or 0) == 3
    return both and (block.value("InWRte") or 0.0) + (block.value("OutWRte") or 0.0) < -1e-9
