"""How one maker's inverter differs from another's; every difference has its source in sunspec.md."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Personality:
    """Switches of a simulated SunSpec device."""

    maker: str = "Busbar"
    model: str = "Simulated hybrid"
    # 113 and 213 instead of 103 and 203.
    floats: bool = False
    # Scale factors follow the magnitude of the values (SolarEdge, evcc issue 2162).
    moving_scales: bool = False
    # The reference of both 124 percentages; GEN24 shows 12 800 W, which is not the battery's limit.
    reference_w: float | None = None
    # 124 and 123 reversion timers exist; the Symo Hybrid has none.
    timers: bool = True
    # A write anywhere in the point group restarts its timer, or only one to the enabling point.
    timer_restart: str = "group"
    # An impossible window is refused with exception 3 (GEN24) or swallowed (Symo Hybrid).
    bad_window: str = "refuse"
    percent_scale: int = -2
    # Points the JSON calls writable and this device does not.
    read_only: frozenset[str] = frozenset({"WChaMax", "WChaGra", "WDisChaGra"})
    # "Battery charging from DNO grid" in the inverter's own menu, AND-ed with ChaGriSet.
    grid_charge_switch: bool = True
    # +1: import is positive (Fronius, Kostal); -1: export is positive (SolarEdge).
    meter_sign: int = 1
    # Model 1 without its pad register (L = 65).
    short_common: bool = False
    # The 7xx models of IEEE 1547 instead of 10x and 12x.
    der: bool = False
    storage: bool = True
    controls: bool = True


PLAIN = Personality()
PERSONALITIES = {
    "plain": PLAIN,
    # Fronius GEN24 (sunspec.md section 6.4): reference 12 800 W, two decimals of percent, exception 3.
    "gen24": replace(PLAIN, maker="Fronius", model="Symo GEN24 10.0", reference_w=12_800.0),
    # Fronius Symo Hybrid: as GEN24 without timers, bad windows swallowed.
    "symo_hybrid": replace(
        PLAIN, maker="Fronius", model="Symo Hybrid 5.0-3-S", timers=False, bad_window="ignore"
    ),
    # SolarEdge: trailing blank, L = 65, moving scale factors, export-positive meter, no 123/124.
    "solaredge": replace(
        PLAIN, maker="SolarEdge ", model="SE10K", moving_scales=True, meter_sign=-1, short_common=True,
        storage=False, controls=False,
    ),
    "der": replace(PLAIN, model="Simulated DER", der=True),
    "float": replace(PLAIN, floats=True),
    "zero_scale": replace(PLAIN, percent_scale=0),
}  # fmt: skip
