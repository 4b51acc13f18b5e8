"""Battery orders as registers of model 124: the window, the order of writes, and what is never written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from busbar_meter.block import Block
from busbar_meter.definitions import model
from busbar_meter.quirks import Manner
from busbar_meter.storage_window import Most, NotOffered, Window, rates_of, window_aim
from busbar_meter.writes import Aim
from services.meter.register_images import block

FREE = {
    "WChaMax": 1280, "WChaMax_SF": 1, "WChaGra": 100, "WDisChaGra": 100, "StorCtl_Mod": 0, "MinRsvPct": 500,
    "ChaState": 5000, "ChaSt": 6, "OutWRte": 10000, "InWRte": 10000, "InOutWRte_RvrtTms": 0, "InOutWRte_WinTms": 0,
    "ChaGriSet": 0, "WChaDisChaGra_SF": 0, "MinRsvPct_SF": -2, "ChaState_SF": -2, "InOutWRte_SF": -2,
}  # fmt: skip
# A GEN24: 12.8 kW is the inverter's reference, 5 kW is what the battery takes and gives.
MOST = Most(charge_w=5000, discharge_w=5000, device_charge_w=5000, device_discharge_w=5000)

PLAIN = Manner()


def storage(**values: int | None) -> dict[int, Block]:
    registers = block(124, **{**FREE, **values})
    return {124: Block(model(124), registers[1], dict(enumerate(registers)))}


def aim(window: Window | None, manner: Manner = PLAIN, supervised: bool = True, **values: int | None):
    return window_aim(
        storage(**values),
        window,
        most=MOST,
        revert_s=60,
        manner=manner,
        supervised=supervised,
        original_grid=0,
    )


def window(low: float | None, high: float | None, grid: bool = False) -> Window:
    return Window(min_w=low, max_w=high, grid_charging=grid)


def told(found: Aim) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
    return [(write.points, write.values) for write in found.writes]


@pytest.mark.parametrize(
    ("wanted", "mode", "charge", "discharge"),
    [
        pytest.param(window(0, 0), 3, 0, 0, id="hold at zero"),
        pytest.param(window(0, 5000), 2, 10000, 0, id="no discharge, charge freely"),
        pytest.param(window(-5000, 0), 1, 0, 10000, id="no charge, discharge freely"),
        pytest.param(window(0, 2560), 3, 2000, 0, id="charge up to a fifth from the surplus, no discharge"),
        pytest.param(window(2560, 2560, True), 3, 2000, -2000, id="charge exactly a fifth"),
        pytest.param(window(2560, None, True), 2, 10000, -2000, id="charge at least a fifth"),
        pytest.param(window(-1280, 0), 3, 0, 1000, id="discharge up to a tenth for the house, no charge"),
        pytest.param(window(-1280, -1280), 3, -1000, 1000, id="force a tenth out"),
        pytest.param(
            window(9000, 9000, True), 2, 10000, -3906, id="more than the battery takes is all it takes"
        ),
        pytest.param(
            window(-5000, 5000), 0, 10000, 10000, id="a window as wide as the battery limits nothing"
        ),
    ],
)
def test_a_window_becomes_rates(wanted: Window, mode: int, charge: int, discharge: int) -> None:
    found = rates_of(storage()[124], wanted, MOST)

    assert (found.mode, found.charge, found.discharge) == (mode, charge, discharge)


def test_a_configured_limit_below_the_batterys_own_is_always_told() -> None:
    most = Most(charge_w=3000, discharge_w=5000, device_charge_w=5000, device_discharge_w=5000)

    found = rates_of(storage()[124], window(0, None), most)

    assert (found.mode, found.charge) == (3, 2344)


def test_the_window_goes_out_as_one_request_and_the_mode_last() -> None:
    assert told(aim(window(2560, 2560, True))) == [
        (("ChaGriSet",), (1,)),
        (("InOutWRte_RvrtTms",), (60,)),
        (("OutWRte", "InWRte"), (0x10000 - 2000, 2000)),
        (("StorCtl_Mod",), (3,)),
    ]


def test_the_grid_permission_is_withdrawn_only_after_the_window_stopped_forcing() -> None:
    assert told(aim(window(0, 2560), ChaGriSet=1))[-1] == (("ChaGriSet",), (0,))


def test_a_release_clears_the_mode_and_puts_the_grid_permission_back() -> None:
    assert told(aim(None, StorCtl_Mod=3, ChaGriSet=1)) == [(("StorCtl_Mod",), (0,)), (("ChaGriSet",), (0,))]
    assert told(aim(window(None, None), StorCtl_Mod=3))[0] == (("StorCtl_Mod",), (0,))


@pytest.mark.parametrize(
    ("now", "wanted", "first"),
    [
        pytest.param((2000, 2000), window(-128, 5000 * 0.9), "InWRte", id="charge widens, discharge narrows"),
        pytest.param((2000, 2000), window(-4480, 128), "OutWRte", id="discharge widens, charge narrows"),
        pytest.param(
            (-1000, 1000), window(1280, 1280, True), "InWRte", id="from forced export to forced charge"
        ),
    ],
)
def test_one_register_at_a_time_widens_before_it_narrows(now: tuple, wanted: Window, first: str) -> None:
    found = aim(wanted, Manner(write_with="single"), StorCtl_Mod=3, InWRte=now[0], OutWRte=now[1])

    rates = [points[0] for points, _ in told(found) if points[0] in ("InWRte", "OutWRte")]
    assert rates[0] == first
    assert all(len(write.values) == 1 for write in found.writes)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        pytest.param({"InWRte": None}, "InWRte not implemented", id="no rate to write"),
        pytest.param({"StorCtl_Mod": None}, "StorCtl_Mod", id="no mode to write"),
        pytest.param({"WChaMax": None}, "WChaMax", id="no reference"),
        pytest.param({"WChaMax": 0}, "WChaMax", id="a reference of zero"),
        pytest.param({"InOutWRte_SF": 20}, "scale factor", id="a scale factor that is nonsense"),
        pytest.param({"ChaSt": 7}, "calibrating", id="the battery calibrates itself"),
    ],
)
def test_what_the_device_does_not_offer_is_not_written(values: dict, why: str) -> None:
    found = aim(window(0, 0), **values)

    assert isinstance(found, NotOffered)
    assert why in found.why


@pytest.mark.parametrize(
    ("values", "released"),
    [
        pytest.param({"InWRte": None, "OutWRte": None}, True, id="rates that are blank"),
        pytest.param({"WChaMax": None}, True, id="no reference"),
        pytest.param({"InOutWRte_SF": 20}, True, id="a scale factor that is nonsense"),
        pytest.param({"ChaSt": 7}, True, id="in the middle of a calibration"),
        pytest.param({"StorCtl_Mod": None}, False, id="no mode to write"),
    ],
)
def test_giving_it_back_needs_less_than_steering_it(values: dict, released: bool) -> None:
    found = aim(window(None, None), **{"StorCtl_Mod": 3, **values})

    assert isinstance(found, Aim) is released


def test_forcing_without_a_revert_timer_needs_a_supervisor() -> None:
    forced, bounded = window(2560, 2560, True), window(0, 2560)

    assert isinstance(aim(forced, supervised=False, InOutWRte_RvrtTms=None), NotOffered)
    assert isinstance(aim(forced, supervised=True, InOutWRte_RvrtTms=None), Aim)
    assert isinstance(aim(bounded, supervised=False, InOutWRte_RvrtTms=None), Aim)


def test_a_symo_hybrid_without_timers_is_told_no_timer() -> None:
    found = aim(window(0, 0), InOutWRte_RvrtTms=None, InOutWRte_WinTms=None)

    assert [points for points, _ in told(found)] == [("OutWRte", "InWRte"), ("StorCtl_Mod",)]
    assert found.revert_s is None


NEVER = {"WChaMax", "WChaGra", "WDisChaGra", "VAChaMax", "MinRsvPct", "ID", "L"}
ENDS = st.one_of(st.none(), st.floats(-20_000, 20_000))


@given(ENDS, ENDS, st.booleans(), st.sampled_from([0, 1, 2, 3]), st.integers(-3, 0), st.sampled_from(["single", "multiple"]),
       st.integers(-100, 100), st.integers(0, 100))  # fmt: skip
def test_whatever_is_ordered_the_window_is_valid_at_every_moment(
    low: float | None, high: float | None, grid: bool, mode: int, scale: int, how: str, charge: int, more: int
) -> None:
    unit = round(10**-scale)
    discharge = max(-charge, -100) + more
    before = {"StorCtl_Mod": mode, "InWRte": charge * unit, "OutWRte": min(discharge, 100) * unit}
    blocks = storage(**before, InOutWRte_SF=scale)
    if scale == -3:
        blocks = storage(**{**before, "InWRte": 0, "OutWRte": 0}, InOutWRte_SF=-2)
    found = window_aim(blocks, window(low, high, grid), most=MOST, revert_s=60, manner=Manner(write_with=how),
                       supervised=True, original_grid=None)  # fmt: skip

    if isinstance(found, NotOffered):
        return
    now = {"InWRte": blocks[124].whole("InWRte"), "OutWRte": blocks[124].whole("OutWRte")}
    for write in found.writes:
        assert not NEVER & set(write.points)
        assert not any(point.endswith("_SF") for point in write.points)
        for point, raw in zip(write.points, write.values, strict=True):
            assert raw not in (0x8000, 0xFFFF) or point in ("InWRte", "OutWRte")
            if point in now:
                now[point] = raw - 0x10000 if raw > 0x7FFF else raw
                assert raw != 0x8000
        assert now["InWRte"] + now["OutWRte"] >= 0
