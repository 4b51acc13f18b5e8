"""A meter in the path to the loads: the grid is consumption minus generation, and unknown when something stores unseen."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from busbar_contracts.battery import BatteryReading
from busbar_contracts.meter import InverterReading, MeterReading, PhaseSample, Quality
from busbar_meter.checks import problems_of
from busbar_meter.consumption import Producers
from busbar_meter.samples import GridSample, Leg
from busbar_shared.config.root import Site
from services.meter.meter_house import event, house, running, said
from services.meter.modbus_servers import CrookedServer
from services.meter.register_images import block, common, image

NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)
HERE = {"host": "h"}


def site(**more: Any) -> Site:
    return msgspec.convert(
        {
            "circuits": {"main": {"limit_a": 25, "meter": "grid"}},
            "meters": {"grid": {"modbus": {**HERE, "unit": 200}, "location": "consumption"}},
            "inverters": {"roof": {"modbus": {**HERE, "unit": 1}}},
            **more,
        },
        Site,
    )


HYBRID = {"inverters": {"roof": {"modbus": HERE, "hybrid": True}}}
AC_BATTERY = {"batteries": {"cellar": {"modbus": {**HERE, "unit": 9}}}}
ONE_PHASE = {"inverters": {"roof": {"modbus": HERE, "phases": ["b"]}}}
# Its battery is read from the inverter's own unit, whatever the configuration forgot to say.
SAME_UNIT = {"batteries": {"cellar": {"modbus": {**HERE, "unit": 1}}}}


def loads(a: float, b: float, c: float) -> GridSample:
    watts = {"a": a, "b": b, "c": c}
    legs = {phase: Leg(power / 230, power, 230.0) for phase, power in watts.items()}
    return GridSample(at=NOON, legs=legs, power_w=a + b + c, import_wh=5, export_wh=6)


def roof(power: float | None, *amps: float, quality: Quality = Quality.GOOD) -> InverterReading:
    legs = {
        phase: PhaseSample(current_a=current, voltage_v=230)
        for phase, current in zip("abc", amps, strict=False)
    }
    return InverterReading(at=NOON, power_w=power, quality=quality, **legs)


def cellar(power: float | None) -> BatteryReading:
    return BatteryReading(at=NOON, power_w=power, soc_percent=50)


@pytest.mark.parametrize(
    ("more", "heard", "after_s", "powers", "total"),
    [
        pytest.param(
            {},
            [roof(3000, 4.35, 4.35, 4.35)],
            0,
            {"a": 0, "b": -500, "c": 1000},
            500,
            id="the sun feeds the house",
        ),
        pytest.param(
            {},
            [roof(3000)],
            0,
            {"a": 0, "b": -500, "c": 1000},
            500,
            id="an inverter that knows its total is spread",
        ),
        pytest.param(
            ONE_PHASE,
            [roof(2000)],
            0,
            {"a": 1000, "b": -1500, "c": 2000},
            1500,
            id="or stands on its one phase",
        ),
        pytest.param(
            {}, [roof(0)], 0, {"a": 1000, "b": 500, "c": 2000}, 3500, id="at night the grid feeds all"
        ),
        pytest.param(
            {}, [], 0, {"a": 1000, "b": 500, "c": 2000}, 3500, id="an inverter never heard makes nothing"
        ),
        pytest.param(
            {},
            [roof(3000)],
            2.9,
            {"a": 0, "b": -500, "c": 1000},
            500,
            id="its last word counts for three seconds",
        ),
        pytest.param(
            {},
            [roof(3000)],
            3.1,
            {"a": 1000, "b": 500, "c": 2000},
            3500,
            id="and then for nothing: more import, never less",
        ),
        pytest.param(
            {},
            [roof(3000), roof(None)],
            1,
            {"a": 0, "b": -500, "c": 1000},
            500,
            id="a reading of nothing takes nothing back",
        ),
        pytest.param(
            HYBRID,
            [roof(-1500)],
            0,
            {"a": 1500, "b": 1000, "c": 2500},
            5000,
            id="a hybrid that charges from the grid",
        ),
        pytest.param(
            AC_BATTERY,
            [roof(3000), cellar(900)],
            0,
            {"a": 300, "b": -200, "c": 1300},
            1400,
            id="a battery on the AC side charges",
        ),
        pytest.param(
            AC_BATTERY, [roof(0), cellar(-1500)], 0, {"a": 500, "b": 0, "c": 1500}, 2000, id="or gives"
        ),
        pytest.param(
            SAME_UNIT,
            [roof(3000), cellar(900)],
            0,
            {"a": 0, "b": -500, "c": 1000},
            500,
            id="a battery behind the inverter is in its power",
        ),
    ],
)
def test_the_grid_is_worked_out(
    more: dict, heard: list, after_s: float, powers: dict[str, float], total: float
) -> None:
    producers = Producers(site(**more))
    for reading in heard:
        producers.heard("roof" if isinstance(reading, InverterReading) else "cellar", reading, 100.0)

    grid = producers.grid(loads(1000, 500, 2000), 100.0 + after_s)

    assert isinstance(grid, GridSample)
    assert {phase: round(leg.power_w, -1) for phase, leg in grid.legs.items()} == powers
    assert {phase: round(leg.current_a * 23) * 10 for phase, leg in grid.legs.items()} == pytest.approx(
        powers, abs=10
    )
    assert (grid.power_w, grid.worked_out) == (total, True)
    assert (grid.import_wh, grid.export_wh) == (None, None), "the energies of loads are not the grid's"


@pytest.mark.parametrize(
    ("more", "heard", "says"),
    [
        pytest.param(HYBRID, [], "inverter roof is not known", id="a hybrid that is not heard may charge"),
        pytest.param(HYBRID, [roof(None)], "inverter roof is not known", id="a hybrid that does not know"),
        pytest.param(HYBRID, [roof(5, quality=Quality.UNKNOWN)], "inverter roof is not known", id="nor one of unknown quality"),
        pytest.param(AC_BATTERY, [roof(0)], "battery cellar is not known", id="a battery that is not heard"),
        pytest.param(AC_BATTERY, [roof(0), cellar(None)], "battery cellar is not known", id="a battery without a power"),
        pytest.param(SAME_UNIT, [], "inverter roof is not known", id="a battery in the unit makes a hybrid"),
    ],
)  # fmt: skip
def test_what_stores_and_is_not_known_makes_the_grid_unknown(more: dict, heard: list, says: str) -> None:
    producers = Producers(site(**more))
    for reading in heard:
        producers.heard("roof" if isinstance(reading, InverterReading) else "cellar", reading, 100.0)

    grid = producers.grid(loads(1000, 500, 2000), 100.0)

    assert isinstance(grid, str)
    assert grid.startswith(says)


def test_loads_that_feed_in_are_a_wrong_sign_and_no_reading() -> None:
    grid = Producers(site()).grid(loads(-400, -300, -300), 100.0)

    assert grid == "loads cannot feed in 1000 W: the meter counts the other way, set its sign"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        pytest.param({"inverters": {}}, "meters.grid.location: there is no [inverters.*]", id="nothing to subtract"),
        pytest.param({"circuits": {"main": {"limit_a": 25, "meter": "top"},
                                   "sub": {"limit_a": 16, "meter": "grid", "parent": "main"}},
                      "meters": {"top": {"modbus": HERE}, "grid": {"modbus": HERE, "location": "consumption"}}},
                     "meters.grid.location: only the meter of the connection", id="a meter of a smaller circuit"),
    ],
)  # fmt: skip
def test_a_configuration_that_cannot_be_meant(changes: dict, problem: str) -> None:
    [found] = problems_of(site(**changes))

    assert found.startswith(problem)


SCALES = {"A_SF": -2, "V_SF": -1, "W_SF": 0}
SUN = image(
    common(),
    block(103, W=3000, St=4, AphA=435, AphB=435, AphC=435, PhVphA=2300, PhVphB=2300, PhVphC=2300, **SCALES),
)


def meter_of(*watts: int) -> dict[int, int]:
    powers = dict(zip(("WphA", "WphB", "WphC"), watts, strict=True))
    volts = dict.fromkeys(("PhVphA", "PhVphB", "PhVphC"), 2300)
    amps = {f"Aph{leg}": round(abs(power) / 2.3) for leg, power in zip("ABC", watts, strict=True)}
    return image(common(), block(203, W=sum(watts), **powers, **volts, **amps, **SCALES))


def consumption_house(port: int, **grid: Any) -> Site:
    plain = house(port, batteries={})
    meter = msgspec.structs.replace(plain.meters["grid"], location="consumption", **grid)
    pv = msgspec.structs.replace(plain.inverters["roof"], hybrid=False)
    return msgspec.structs.replace(plain, meters={"grid": meter}, inverters={"roof": pv})


@pytest.mark.parametrize(
    ("watts", "config"),
    [
        pytest.param((-1000, -500, -2000), {}, id="Fronius counts consumption as negative"),
        pytest.param(
            (1000, 500, 2000), {"sign": "import_positive"}, id="another is told to count it positive"
        ),
    ],
)
async def test_the_service_says_the_grid(watts: tuple[int, int, int], config: dict, tmp_path: Path) -> None:
    async with (
        CrookedServer(unit1=SUN, unit200=meter_of(*watts)) as server,
        running(consumption_house(server.port, **config), tmp_path) as bus,
    ):
        grid = await said(bus, MeterReading, lambda each: each.power_w == 500)

    assert (grid.quality, grid.a.power_w, grid.b.power_w, grid.c.power_w) == (
        "estimated", pytest.approx(0, abs=1), pytest.approx(-500, abs=1), pytest.approx(1000, abs=1),
    )  # fmt: skip
    assert (grid.a.current_a, grid.b.current_a) == (
        pytest.approx(0, abs=0.02),
        pytest.approx(-2.18, abs=0.02),
    )
    assert (grid.import_wh, grid.phases_estimated) == (None, False)


async def test_a_wrong_sign_is_told_and_nothing_is_said(tmp_path: Path) -> None:
    async with (
        CrookedServer(unit1=SUN, unit200=meter_of(1000, 500, 2000)) as server,
        running(consumption_house(server.port), tmp_path) as bus,
    ):
        text = await event(bus, "reading_doubtful")

    assert text == ("meter grid: loads cannot feed in 3500 W: the meter counts the other way, set its sign")
    assert not [message for _, message in bus.said if isinstance(message, MeterReading)]


async def test_a_sleeping_inverter_leaves_the_consumption_as_the_import(tmp_path: Path) -> None:
    async with (
        CrookedServer(unit200=meter_of(-1000, -500, -2000)) as server,
        running(consumption_house(server.port), tmp_path) as bus,
    ):
        grid = await said(bus, MeterReading)

    assert (grid.power_w, grid.detail) == (3500, "inverter roof is not known and counts as making nothing")
