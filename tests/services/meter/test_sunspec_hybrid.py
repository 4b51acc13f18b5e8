"""Inverters and batteries as the house sees them."""

from datetime import UTC, datetime

import msgspec
import pytest

from busbar_contracts.battery import BatteryState
from busbar_contracts.meter import InverterState
from busbar_meter.block import Block
from busbar_meter.config import lines_of
from busbar_meter.definitions import model
from busbar_meter.quirks import Manner, manner_of
from busbar_meter.samples import Leg
from busbar_meter.sunspec_battery import battery_sample
from busbar_meter.sunspec_inverter import inverter_sample
from busbar_meter.sunspec_station import SunSpecStation
from busbar_shared.clock import VirtualClock
from services.meter.meter_house import house
from services.meter.register_images import PaperWire, block, common, image

NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)
SCALES = {"A_SF": -2, "V_SF": -1, "W_SF": -1, "Hz_SF": -2, "WH_SF": 0, "DCW_SF": -1}


def read(*blocks: list[int]) -> dict[int, Block]:
    return {each[0]: Block(model(each[0]), each[1], dict(enumerate(each))) for each in blocks}


def inputs(*modules: tuple[str, int | None]) -> list[int]:
    return block(
        160, DCW_SF=0, N=len(modules), inputs=[{"IDStr": name, "DCW": watts} for name, watts in modules]
    )


def storage(**values: float) -> list[int]:
    return block(
        124, **{"WChaMax": 1280, "WChaMax_SF": 1, "ChaState_SF": -2, "ChaState": 6500, "ChaSt": 4, **values}
    )


INVERTER = block(103, W=13950, AphA=606, AphB=606, AphC=606, PhVphA=2300, PhVphB=2300, PhVphC=2300, St=4, WH=500,
                 DCW=14500, **SCALES)  # fmt: skip


def test_a_three_phase_inverter() -> None:
    blocks = read(INVERTER, block(120, WRtg=8200, WRtg_SF=0))

    sample = inverter_sample(blocks[103], blocks, NOON)

    assert (sample.power_w, sample.solar_w, sample.rating_w, sample.energy_wh) == (1395.0, 1450.0, 8200, 500)
    assert sample.state is InverterState.RUNNING
    assert sample.legs["b"] == Leg(6.06, None, 230.0)


def test_on_a_hybrid_the_modules_are_the_inputs_that_are_not_the_battery() -> None:
    blocks = read(
        INVERTER, storage(), inputs(("MPPT 1", 2000), ("MPPT 2", 900), ("StCha 3", 1400), ("StDisCha 4", 0))
    )

    assert inverter_sample(blocks[103], blocks, NOON).solar_w == 2900


def test_on_a_hybrid_without_inputs_the_modules_are_unknown() -> None:
    blocks = read(INVERTER, storage())

    assert inverter_sample(blocks[103], blocks, NOON).solar_w is None


def test_at_night_an_inverter_draws_a_little_and_its_current_points_backwards() -> None:
    blocks = read(block(103, W=-120, AphA=5, St=2, **SCALES))

    sample = inverter_sample(blocks[103], blocks, NOON)

    assert (sample.power_w, sample.legs["a"].current_a, sample.state) == (
        -12.0,
        -0.05,
        InverterState.SLEEPING,
    )
    assert sample.solar_w == 0.0


def test_a_single_phase_inverter_on_phase_b() -> None:
    blocks = read(block(101, W=4600, A=200, St=4, **{**SCALES, "W_SF": -1}))

    assert inverter_sample(blocks[101], blocks, NOON, ("b",)).legs == {"b": Leg(2.0, 460.0, None)}


@pytest.mark.parametrize(
    ("registers", "state"),
    [
        pytest.param(block(103, St=5), InverterState.THROTTLED, id="models 10x count from one"),
        pytest.param(block(701, InvSt=4), InverterState.THROTTLED, id="model 701 counts from zero"),
        pytest.param(block(701, InvSt=0), InverterState.OFF, id="zero is off there"),
        pytest.param(block(103, St=0), InverterState.UNKNOWN, id="zero is nothing here"),
        pytest.param(block(103, St=99), InverterState.UNKNOWN, id="a vendor's own number is unknown"),
    ],
)
def test_states(registers: list[int], state: InverterState) -> None:
    blocks = read(registers)

    assert inverter_sample(blocks[registers[0]], blocks, NOON).state is state


def test_model_701_with_phases() -> None:
    blocks = read(block(701, ACType=2, InvSt=3, W=-3000, WL1=-1000, WL2=-1000, WL3=-1000, AL1=43, AL2=43, AL3=43,
                        VL1=2300, W_SF=0, A_SF=-1, V_SF=-1), block(713, SoC=500, Pct_SF=-1))  # fmt: skip

    sample = inverter_sample(blocks[701], blocks, NOON)

    assert (sample.power_w, sample.legs["a"]) == (-3000, Leg(-4.3, -1000, 230.0))


@pytest.mark.parametrize(
    ("modules", "power", "estimated"),
    [
        pytest.param([("StCha 3", 1400), ("StDisCha 4", 0)], 1400, False, id="charging"),
        pytest.param([("StCha 3", 0), ("StDisCha 4", 800)], -800, False, id="discharging"),
        pytest.param([("STCHA 3 ", 0), ("stdischa 4", 800)], -800, False, id="names in another case"),
        pytest.param([("StCha 3", None), ("StDisCha 4", 800)], -800, False, id="the resting side is blanked"),
        pytest.param([("MPPT 1", 2000)], 605.0, True, id="without storage inputs what is left of the sun"),
    ],
)
def test_battery_power_from_the_inputs(modules: list, power: float, estimated: bool) -> None:
    blocks = read(INVERTER, storage(), inputs(*modules))

    sample = battery_sample(blocks, NOON, Manner())

    assert (sample.power_w, sample.estimated) == (power, estimated)


def test_a_battery_nobody_says_is_online_has_no_power() -> None:
    blocks = read(storage(ChaState=None, ChaSt=None), inputs(("StCha 3", None), ("StDisCha 4", None)))

    assert battery_sample(blocks, NOON, Manner()).power_w is None


def test_the_battery_takes_what_the_nameplate_says_not_what_the_inverter_could() -> None:
    blocks = read(storage(), block(120, MaxChaRte=5000, MaxChaRte_SF=0, MaxDisChaRte=480, MaxDisChaRte_SF=1,
                                   WHRtg=10240, WHRtg_SF=0))  # fmt: skip

    sample = battery_sample(blocks, NOON, Manner())

    assert (sample.soc_percent, sample.state) == (65.0, BatteryState.CHARGING)
    assert (sample.charge_max_w, sample.discharge_max_w, sample.capacity_wh) == (5000, 4800, 10240)


@pytest.mark.parametrize(("raw", "soc"), [(0xFFFF, None), (65534, None), (10000, 100.0), (0, 0.0)])
def test_a_state_of_charge_beyond_a_hundred_is_unknown(raw: int, soc: float | None) -> None:
    assert battery_sample(read(storage(ChaState=raw)), NOON, Manner()).soc_percent == soc


@pytest.mark.parametrize(
    ("state", "sign", "power"),
    [
        pytest.param(4, None, 1200, id="the state says it charges"),
        pytest.param(3, None, -1200, id="the state says it discharges"),
        pytest.param(6, None, None, id="nobody says which way"),
        pytest.param(6, -1, -1200, id="the maker is known to count discharge as positive"),
    ],
)
def test_model_802_does_not_say_which_way_its_power_goes(
    state: int, sign: int | None, power: float | None
) -> None:
    blocks = read(block(802, W=120, W_SF=1, SoC=80, SoC_SF=0, ChaSt=state))

    assert battery_sample(blocks, NOON, Manner(battery_sign=sign)).power_w == power


@pytest.mark.parametrize(
    ("sign", "power"),
    [("auto", None), ("charge_positive", 1200), ("discharge_positive", -1200)],
)
async def test_the_owner_may_say_which_way_the_power_of_a_battery_goes(
    sign: str, power: float | None
) -> None:
    wire = PaperWire(
        unit1=image(common("Nobody"), block(802, W=120, W_SF=1, SoC=80, SoC_SF=0, WHRtg=10, WHRtg_SF=3))
    )
    site = house(502, meters={}, inverters={}, circuits={})
    battery = msgspec.structs.replace(site.batteries["cellar"], sign=sign, inverter=None)
    site = msgspec.structs.replace(site, batteries={"cellar": battery})
    station = SunSpecStation(lines_of(site)[0].stations[0], VirtualClock(NOON))

    [(_, outcome)] = await station.visit(wire)

    assert outcome.message.power_w == power
    assert outcome.message.detail == ("" if power else "which way its power goes is not known: set sign")


def test_storage_ports_of_model_714() -> None:
    ports = [{"PrtTyp": 0, "DCW": 3000}, {"PrtTyp": 1, "DCW": -1500}]
    blocks = read(
        block(714, DCW_SF=0, NPrt=2, inputs=ports), block(713, SoC=420, WHRtg=100, WH_SF=2, Pct_SF=-1)
    )

    sample = battery_sample(blocks, NOON, Manner())

    assert (sample.power_w, sample.estimated, sample.soc_percent, sample.capacity_wh) == (
        1500,
        True,
        42.0,
        10000,
    )


@pytest.mark.parametrize(
    ("maker", "sign", "write_with"),
    [
        ("Fronius", 1, "multiple"),
        ("SolarEdge ", -1, "multiple"),
        ("KOSTAL", 1, "single"),
        ("Nobody", 1, "multiple"),
        (None, 1, "multiple"),
    ],
)
def test_makers_have_manners(maker: str | None, sign: int, write_with: str) -> None:
    manner = manner_of(maker, "anything")

    assert (manner.meter_sign, manner.write_with) == (sign, write_with)


@pytest.mark.parametrize(
    ("seconds", "doubts"),
    [
        pytest.param(835358400, (), id="a clock that is right"),
        pytest.param(
            835358400 - 3600, ("its clock is -3600 s off",), id="a clock that was not set to summer"
        ),
        pytest.param(None, (), id="a device without a clock"),
    ],
)
def test_a_wrong_device_clock_is_told_and_not_used(seconds: int | None, doubts: tuple[str, ...]) -> None:
    blocks = read(INVERTER, block(122, Tms=seconds))

    sample = inverter_sample(blocks[103], blocks, NOON)

    assert (sample.doubts, sample.at) == (doubts, NOON)
