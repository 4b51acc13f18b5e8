"""The mixed house of the specification: a tank, a heat pump and a car live on what would be exported."""

import pytest
from desk_table import Table

from busbar_contracts.allocation import Allocation
from busbar_contracts.charger import ChargerState, ConnectorStatus, LegSample, Session
from busbar_contracts.load import HeatMode, HeatState

CONTACTS = {"relay_a": {"command": "a"}, "relay_b": {"command": "b"}}
SITE = {
    "site": {"netting": "sum", "excess_threshold_w": 10_000.0, "excess_uses": "all"},
    "circuits": {"main": {"limit_a": 40.0, "meter": "grid", "assumed_background_a": 20.0}},
    "chargers": {"left": {"mode": "excess", "priority": 3, "max_a": 32.0}},
    "heaters": {
        "tank": {"rating_w": 3500.0, "mode": "excess", "priority": 1, "phases": ["a"]},
        "pump": {
            "kind": "sg_ready", "rating_w": 2000.0, "mode": "excess", "priority": 2, "phases": ["b"], "topics": CONTACTS,
        },
    },
}  # fmt: skip


class House:
    """Everybody does as told a second later, and draws all that it may."""

    def __init__(self, sun_w: float, *, comfort: bool = False) -> None:
        self.table = Table(**SITE)
        self.sun_w, self.comfort, self.plugged = sun_w, comfort, False

    def draws_w(self) -> dict[str, float]:
        told = self.table.told
        tank = told["tank"].mode if "tank" in told else HeatMode.BLOCK
        tank_w = {HeatMode.BLOCK: 0.0, HeatMode.NORMAL: 3500.0 * self.comfort, HeatMode.BOOST: 3500.0}[tank]
        # The house is warm: the compressor runs only when it is asked to store.
        pump_w = 2000.0 if "pump" in told and told["pump"].mode is HeatMode.BOOST else 0.0
        car_a = told["left-1"].limit_a if self.plugged and "left-1" in told else 0.0
        return {"tank": tank_w, "pump": pump_w, "car": car_a * 690}

    def grid_a(self) -> tuple[float, float, float]:
        draws = self.draws_w()
        each = (draws["car"] - self.sun_w) / 3
        return (each + draws["tank"]) / 230, (each + draws["pump"]) / 230, each / 230

    def say(self) -> None:
        table, draws = self.table, self.draws_w()
        for name, most_w in (("tank", 3500.0), ("pump", 2000.0)):
            regulates = name == "pump"
            state = HeatState(
                at=table.wall, link=True, on=draws[name] > 0, power_w=draws[name], power_at=table.wall, measures=True,
                min_w=most_w, max_w=most_w, comfort_demand=regulates or self.comfort, storage_demand=True,
                sg_state=2 if regulates else None, idle=regulates and draws[name] == 0 and table.now > 120,
            )  # fmt: skip
            table.hear(state, heater=name)
        per_leg = draws["car"] / 690
        leg = LegSample(current_a=per_leg)
        status = ConnectorStatus.CHARGING if self.plugged else ConnectorStatus.AVAILABLE
        session = Session(id="1", transaction="1", started_at=table.wall) if self.plugged else None
        car = ChargerState(
            at=table.wall,
            status=status,
            link=True,
            sampled_at=table.wall,
            l1=leg,
            l2=leg,
            l3=leg,
            session=session,
        )
        table.hear(car, charger="left", connector="1")

    def live(self, seconds: int) -> dict[str, float]:
        """What each draws in the end (kW)."""
        for _ in range(seconds):
            self.table.seconds(1, self.grid_a, self.say)
        return {name: round(watts / 1000, 1) for name, watts in self.draws_w().items()}


def test_fifteen_kilowatts_over_a_gate_of_ten_are_the_tanks_the_heat_pumps_and_the_cars() -> None:
    house = House(15_000.0)

    assert house.live(180) == {"tank": 3.5, "pump": 2.0, "car": 0.0}

    house.plugged = True

    assert house.live(180) == {"tank": 3.5, "pump": 2.0, "car": 9.5}
    loads = house.table.last(Allocation).loads
    assert [loads[name].limit_w for name in ("tank/storage", "pump/storage")] == [3500.0, 2000.0]
    assert loads["left-1"].limit_w == pytest.approx(9500, abs=100)


@pytest.mark.parametrize(
    ("sun_w", "draws"),
    [
        pytest.param(9_000.0, {"tank": 0.0, "pump": 0.0, "car": 0.0}, id="below the gate nobody starts"),
        pytest.param(11_000.0, {"tank": 3.5, "pump": 2.0, "car": 5.5}, id="above it all of it is used"),
    ],
)
def test_the_gate(sun_w: float, draws: dict[str, float]) -> None:
    house = House(sun_w)
    house.plugged = True

    assert house.live(300) == draws


def test_without_any_sun_a_cold_tank_is_heated_from_the_grid_and_nothing_is_stored() -> None:
    house = House(0.0, comfort=True)
    house.plugged = True

    assert house.live(300) == {"tank": 3.5, "pump": 0.0, "car": 0.0}
    assert house.table.told["tank"].mode is HeatMode.NORMAL
    assert house.table.told["pump"].mode is HeatMode.NORMAL


def test_when_the_sun_falls_the_car_gives_way_first_and_the_tank_last() -> None:
    house = House(15_000.0)
    house.plugged = True
    house.live(300)
    house.sun_w = 9_800.0

    assert house.live(400) == {"tank": 3.5, "pump": 2.0, "car": pytest.approx(4.3, abs=0.2)}

    house.sun_w = 3_000.0

    assert house.live(900) == {"tank": 0.0, "pump": 0.0, "car": 0.0}
