"""A battery: what it holds, and what it can take or give now."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class StorageSpec:
    """The plate of a battery. `floor_percent` is where it stops discharging by itself."""

    capacity_wh: float = 10_000.0
    charge_w: float = 5_000.0
    discharge_w: float = 5_000.0
    floor_percent: float = 5.0
    efficiency: float = 0.96


class Storage:
    """A battery with its state of charge in percent."""

    def __init__(self, spec: StorageSpec, soc_percent: float) -> None:
        self.spec = spec
        self.soc_percent = min(max(soc_percent, 0.0), 100.0)
        # Set from outside (SunSpec 124 MinRsvPct); the cells' own floor stays below it.
        self.reserve_percent = 0.0

    @property
    def can_charge_w(self) -> float:
        """Cells take less and less above 97 %, and nothing when full."""
        return self.spec.charge_w * min(max((100.0 - self.soc_percent) / 3.0, 0.0), 1.0)

    @property
    def can_discharge_w(self) -> float:
        """Nothing at the floor or the reserve, less in the last percent above it."""
        floor = max(self.spec.floor_percent, self.reserve_percent)
        return self.spec.discharge_w * min(max(self.soc_percent - floor, 0.0), 1.0)

    def flow(self, power_w: float, calendar_s: float) -> None:
        """Move energy for that much calendar time: positive charges. Losses are paid in both directions."""
        stored = power_w * self.spec.efficiency if power_w > 0 else power_w / self.spec.efficiency
        moved_percent = 100.0 * stored * calendar_s / 3600.0 / self.spec.capacity_wh
        self.soc_percent = min(max(self.soc_percent + moved_percent, 0.0), 100.0)
