"""Power limits as registers of models 123 and 704."""

import pytest

from busbar_meter.block import Block
from busbar_meter.definitions import model
from busbar_meter.inverter_limit import Limit, limit_aim
from busbar_meter.quirks import Manner
from busbar_meter.writes import Aim, NotOffered
from services.meter.register_images import block

CONTROLS = {"WMaxLimPct": 10000, "WMaxLimPct_WinTms": 0, "WMaxLimPct_RvrtTms": 0, "WMaxLimPct_RmpTms": 0,
            "WMaxLim_Ena": 0, "WMaxLimPct_SF": -2, "Conn": 1, "OutPFSet_Ena": 0, "VArPct_Ena": 0}  # fmt: skip
CONTROLS_704 = {"WMaxLimPctEna": 0, "WMaxLimPct": 1000, "WMaxLimPctRvrt": 1000, "WMaxLimPctEnaRvrt": 0,
                "WMaxLimPctRvrtTms": 0, "WMaxLimPct_SF": -1}  # fmt: skip

PLAIN = Manner()


def read(*blocks: list[int]) -> dict[int, Block]:
    return {each[0]: Block(model(each[0]), each[1], dict(enumerate(each))) for each in blocks}


def hybrid(**values: int | None) -> dict[int, Block]:
    return read(
        block(121, WMax=8000, WMax_SF=0),
        block(120, WRtg=8200, WRtg_SF=0),
        block(123, **{**CONTROLS, **values}),
    )


def modern(**values: int | None) -> dict[int, Block]:
    return read(block(702, WMax=800, W_SF=1, CtrlModes=1), block(704, **{**CONTROLS_704, **values}))


def aim(
    blocks: dict[int, Block], limit: Limit | None, manner: Manner = PLAIN, **more: float
) -> Aim | NotOffered:
    return limit_aim(blocks, limit, rating_w=None, revert_s=60, manner=manner, **more)


def told(found: Aim) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
    return [(write.points, write.values) for write in found.writes]


FIVE = ("WMaxLimPct", "WMaxLimPct_WinTms", "WMaxLimPct_RvrtTms", "WMaxLimPct_RmpTms", "WMaxLim_Ena")


def test_a_limit_is_one_request_of_five_registers_with_the_timer_and_the_enable_last() -> None:
    assert told(aim(hybrid(), Limit(watts=4000))) == [(FIVE, (5000, 0, 60, 0, 1))]


@pytest.mark.parametrize(
    ("watts", "scale", "raw"),
    [
        pytest.param(1234.5, -2, 1543, id="rounded down in hundredths of a percent"),
        pytest.param(3999, 0, 49, id="rounded down to whole percents: rounding up would break the limit"),
        pytest.param(4000, 0, 50, id="an even half"),
        pytest.param(0, -2, 0, id="zero is a real zero"),
        pytest.param(2400.0000001, -2, 3000, id="no hair is split"),
    ],
)
def test_the_percentage_is_rounded_to_the_safe_side(watts: float, scale: int, raw: int) -> None:
    assert aim(hybrid(WMaxLimPct_SF=scale), Limit(watts=watts)).expect["WMaxLimPct"] == raw


def test_a_maker_that_sleeps_below_one_percent_is_never_told_less() -> None:
    assert aim(hybrid(), Limit(watts=0), Manner(min_limit_percent=1)).expect["WMaxLimPct"] == 100


def test_a_mandatory_limit_has_no_timer_and_clears_one_left_by_others() -> None:
    found = aim(hybrid(WMaxLimPct_RvrtTms=3600), Limit(watts=4000, mandatory=True))

    assert told(found) == [(FIVE, (5000, 0, 0, 0, 1))]
    assert found.revert_s is None


@pytest.mark.parametrize("limit", [None, Limit(watts=8000), Limit(watts=12000)], ids=str)
def test_a_limit_at_or_above_the_rating_is_a_release_not_a_hundred_percent(limit: Limit | None) -> None:
    assert told(aim(hybrid(WMaxLim_Ena=1), limit)) == [(("WMaxLim_Ena",), (0,))]


def test_a_kostal_gets_one_register_at_a_time() -> None:
    found = aim(hybrid(), Limit(watts=4000), Manner(write_with="single"))

    assert [points for points, _ in told(found)] == [(point,) for point in FIVE]


def test_a_point_that_is_not_implemented_in_between_splits_the_request() -> None:
    found = aim(hybrid(WMaxLimPct_RmpTms=None), Limit(watts=4000))

    assert [points for points, _ in told(found)] == [FIVE[:3], FIVE[4:]]


@pytest.mark.parametrize(
    ("blocks", "why"),
    [
        pytest.param(read(block(123)), "WMaxLimPct and WMaxLim_Ena not implemented", id="GoodWe: 123 is there and empty"),
        pytest.param({}, "neither model 123 nor 704", id="SolarEdge: no controls at all"),
        pytest.param(read(block(123, **CONTROLS)), "set rating_w", id="nobody says what a hundred percent is"),
        pytest.param(hybrid(WMaxLimPct_SF=12), "scale factor", id="a scale factor that is nonsense"),
        pytest.param({**hybrid(), **read(block(715, LocRemCtl=1))}, "local control", id="somebody stands at the device"),
        pytest.param(read(block(702, WMax=800, W_SF=1, CtrlModes=2), block(704, **CONTROLS_704)), "not supported",
                     id="702 says a limit is not among its modes"),
    ],
)  # fmt: skip
def test_a_capability_is_never_guessed(blocks: dict[int, Block], why: str) -> None:
    found = aim(blocks, Limit(watts=4000))

    assert isinstance(found, NotOffered)
    assert why in found.why


def test_a_release_needs_to_know_nothing_of_the_percentages() -> None:
    """After a crash the nameplate may not be readable at first; the limit left behind must not wait for it."""
    for blocks in (read(block(123, **CONTROLS)), hybrid(WMaxLimPct_SF=12)):
        assert told(aim(blocks, None)) == [(("WMaxLim_Ena",), (0,))]


def test_model_704_is_told_what_it_reverts_to_and_enabled_last() -> None:
    assert told(aim(modern(), Limit(watts=4000))) == [
        (("WMaxLimPct",), (500,)),
        (("WMaxLimPctEnaRvrt", "WMaxLimPctRvrtTms"), (0, 0, 60)),
        (("WMaxLimPctEna",), (1,)),
    ]


def test_on_model_704_a_mandatory_limit_reverts_to_its_fallback_by_itself() -> None:
    found = aim(modern(), Limit(watts=4000, mandatory=True), fallback_w=2000)

    assert told(found) == [
        (("WMaxLimPct", "WMaxLimPctRvrt", "WMaxLimPctEnaRvrt", "WMaxLimPctRvrtTms"), (500, 250, 1, 0, 60)),
        (("WMaxLimPctEna",), (1,)),
    ]


def test_nothing_but_the_limit_is_ever_written() -> None:
    for blocks in (hybrid(), modern()):
        for limit in (None, Limit(watts=100), Limit(watts=100, mandatory=True)):
            for write in aim(blocks, limit).writes:
                assert all(point.startswith("WMaxLim") for point in write.points)
