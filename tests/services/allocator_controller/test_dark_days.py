"""A tank in Excess while the sun does not shine: the real allocator and the real tank, a family that showers."""

import pytest
from desk_table import Table

from busbar_contracts.load import HeatMode
from busbar_heat.actuator import Switch, Wires
from busbar_heat.memory import HeatLore
from busbar_heat.setup import Sensors, Setup
from busbar_heat.tank import TankRules
from busbar_heat.tank_heater import Tank
from busbar_shared.device_message import Source
from busbar_shared.device_topics import Send
from busbar_shared.moment import Moment

STEP_S = 5.0
HOUR = round(3600 / STEP_S)
SETUP = Setup(
    id="tank", kind="tank", rating_w=3500.0, tank=TankRules(legionella_c=None),
    sensors=Sensors(temperature=Source("tank/temperature"), power=Source("tank/power")),
    wires=Wires(switch=Switch("tank/heater/set")),
)  # fmt: skip


class Cellar:
    """Two hundred litres at 2.5 W per kelvin, an element of 3.5 kW, a house of 2 A per phase, and no sun at all."""

    def __init__(self, celsius: float) -> None:
        self.table = Table(
            chargers={}, site={"excess_threshold_w": 5000.0},
            heaters={"tank": {"rating_w": 3500.0, "mode": "excess", "phases": ["a"]}},
        )  # fmt: skip
        self.tank = Tank(SETUP, self.moment(), None, HeatLore())
        self.celsius, self.on = celsius, False
        self.history: list[float] = []
        self.modes: set[HeatMode] = set()

    def moment(self) -> Moment:
        return Moment(self.table.wall, self.table.now)

    def live(self, hours: float) -> None:
        for _ in range(round(hours * HOUR)):
            self.table.now += STEP_S - 1.0
            self.table.seconds(1, lambda: (2.0 + 3500.0 * self.on / 230, 2.0, 2.0), self.step)

    def step(self) -> None:
        """The water, what the tank says of it, and what it makes of its orders."""
        now, watts = self.moment(), 3500.0 * self.on
        self.celsius += (watts - 2.5 * (self.celsius - 20.0)) / 232.0 * STEP_S / 3600
        if now.s % 21_600 < 900:
            self.celsius -= (self.celsius - 12.0) * 0.0004
        self.history.append(self.celsius)
        self.tank.hear("tank/temperature", f"{self.celsius:.1f}".encode(), now)
        self.tank.hear("tank/power", f"{watts:.0f}".encode(), now)
        if (order := self.table.told.pop("tank", None)) is not None:
            self.modes.add(order.mode)
            self.tank.order(order, now)
        for out in self.tank.tick(now):
            if isinstance(out, Send):
                self.on = out.payload == "ON"
        # Its meter answers in the same moment as its contactor.
        self.tank.hear("tank/power", f"{3500.0 * self.on:.0f}".encode(), now)
        self.table.hear(self.tank.state(now), heater="tank")


@pytest.mark.timeout(480)
def test_a_dark_half_day_in_excess_is_as_warm_as_any_and_nothing_is_stored() -> None:
    cellar = Cellar(celsius=38.0)
    cellar.tank.settings(cellar.table.desk.settings.loads["tank"].mode, True)
    cellar.live(2)
    assert cellar.celsius >= 42.0, "a cold tank is warmed from the grid at once"
    cellar.live(10)

    warm = cellar.history[2 * HOUR :]
    assert min(warm) >= 45.0 - 3.0 - 1.0
    assert max(warm) <= 45.0 + 3.0 + 0.5
    assert cellar.modes == {HeatMode.NORMAL, HeatMode.BLOCK}
