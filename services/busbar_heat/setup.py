"""One heater as the service needs it, free of how it was configured."""

from dataclasses import dataclass, field
from typing import Literal

from busbar_contracts.load import LoadMode
from busbar_heat.actuator import Wires
from busbar_heat.setpoint import SetpointRules
from busbar_heat.sgready import SgRules
from busbar_heat.tank import TankRules
from busbar_shared.device_message import Source
from busbar_shared.device_topics import topics_of


@dataclass(frozen=True, slots=True)
class Sensors:
    """Where a heater's values are."""

    temperature: Source | None = None
    power: Source | None = None
    energy: Source | None = None
    around: Source | None = None
    on: Source | None = None
    target: Source | None = None
    mode: Source | None = None
    presence: Source | None = None
    present: str = "online"
    absent: str = "offline"

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic a value is read from, once."""
        return topics_of(
            (
                self.temperature,
                self.power,
                self.energy,
                self.around,
                self.on,
                self.target,
                self.mode,
                self.presence,
            )
        )


@dataclass(frozen=True, slots=True)
class Setup:
    """What one heater is."""

    id: str
    kind: Literal["tank", "setpoint", "sg_ready"]
    sensors: Sensors
    wires: Wires
    rating_w: float
    min_w: float | None = None
    step_w: float | None = None
    mode: LoadMode = LoadMode.NORMAL
    season: Literal["heating", "cooling", "device"] = "heating"
    comfort_c: float = 45.0
    storage_c: float = 70.0
    around_c: float = 20.0
    max_age_s: float = 900.0
    min_on_s: float = 120.0
    min_off_s: float = 120.0
    block_max_s: float = 7200.0
    legionella_days: float = 7.0
    capacity_wh_per_k: float | None = None
    loss_w_per_k: float | None = None
    time_constant_s: float | None = None
    tank: TankRules = field(default_factory=TankRules)
    setpoint: SetpointRules = field(default_factory=SetpointRules)
    sg: SgRules = field(default_factory=SgRules)
    lease_s: float = 30.0
    issuer: str = "allocator"
    phase_is_unknown: bool = False
    """Its owner did not write down its phase, and the site has several."""
