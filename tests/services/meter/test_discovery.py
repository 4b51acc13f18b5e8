"""Finding the blocks of a device: a generator is told what the wire answered."""

import pytest

from busbar_meter.block import Place
from busbar_meter.discovery import BASES, Chain, NotSunSpec, Refusal, survey
from services.meter.register_images import block, common, image


def walk(registers: dict[int, int], bases: tuple[int, ...] = BASES) -> tuple[Chain | NotSunSpec, list[int]]:
    search, asked = survey(bases), []
    ask = next(search)
    while True:
        asked.append(ask.start)
        wanted = range(ask.start, ask.start + ask.count)
        known = all(at in registers for at in wanted)
        try:
            ask = search.send(tuple(registers[at] for at in wanted) if known else Refusal(2))
        except StopIteration as done:
            return done.value, asked


INVERTER, METER = block(103, W=100, W_SF=0), block(203, W=-5, W_SF=0)


def models(chain: Chain) -> list[int]:
    return [place.model for place in chain.places]


def test_a_plain_device_is_found_at_40000() -> None:
    chain, asked = walk(image(common(), INVERTER))

    assert chain == Chain(40000, (Place(1, 40002, 66), Place(103, 40070, 50)), "end block")
    assert asked == [40000, 40002, 40070, 40122]


@pytest.mark.parametrize(("base", "asked"), [(0, [40000, 0]), (50000, [40000, 0, 50000])])
def test_other_bases_are_tried_in_turn(base: int, asked: list[int]) -> None:
    chain, all_asked = walk(image(common(), INVERTER, base=base))

    assert chain.base == base
    assert all_asked[: len(asked)] == asked


def test_a_base_may_be_given() -> None:
    chain, asked = walk(image(common(), base=39000), bases=(39000,))

    assert (chain.base, asked[0]) == (39000, 39000)


def test_a_device_without_the_mark_says_what_it_answered() -> None:
    found, _ = walk({40000: 0, 40001: 1})

    assert found == NotSunSpec(
        ("40000: 0x0000 0x0001", "0: exception 2", "50000: exception 2",
         "40001: exception 2", "1: exception 2", "50001: exception 2")
    )  # fmt: skip


@pytest.mark.parametrize("base", [1, 40001, 50001])
def test_a_device_that_counts_from_one_is_found_one_further(base: int) -> None:
    chain, _ = walk(image(common(), INVERTER, base=base))

    assert (chain.base, models(chain)) == (base, [1, 103])


@pytest.mark.parametrize(
    ("registers", "ended"),
    [
        pytest.param(
            image(common(), INVERTER, end=[]),
            "no end block (exception 2 at 40122)",
            id="SMA has no end block",
        ),
        pytest.param(
            image(common(), INVERTER, end=[0xFFFF]), "end block without length", id="the end has no length"
        ),
        pytest.param(
            image(common(), INVERTER, end=[0, 0, 1, 1]),
            "model 0 at 40122 says length 0",
            id="a length of zero would never end",
        ),
        pytest.param(image(common(), INVERTER, [0xFFFF, 7]), "end block", id="the end has a length"),
    ],
)
def test_chains_end_in_many_ways(registers: dict[int, int], ended: str) -> None:
    chain, _ = walk(registers)

    assert (models(chain), chain.ended) == ([1, 103], ended)


def test_a_common_block_of_65_registers_moves_what_follows() -> None:
    chain, _ = walk(image(common(length=65), INVERTER))

    assert chain.places[1] == Place(103, 40069, 50)


def test_unknown_and_odd_blocks_are_stepped_over_by_the_devices_own_length() -> None:
    chain, _ = walk(image(common(), [64999, 3, 1, 2, 3], block(103, length=48), METER))

    assert [(place.model, place.length) for place in chain.places] == [
        (1, 66),
        (64999, 3),
        (103, 48),
        (203, 105),
    ]


def test_two_meters_behind_one_inverter_are_three_devices() -> None:
    chain, _ = walk(
        image(common("SolarEdge"), INVERTER, common("SolarEdge"), METER, common("SolarEdge"), METER)
    )

    assert [[place.model for place in part.blocks] for part in chain.parts] == [[103], [203], [203]]


def test_an_endless_chain_is_cut_off() -> None:
    chain, _ = walk(
        {at: (103 if at % 3 == 2 else 1) for at in range(40002, 41000)} | {40000: 0x5375, 40001: 0x6E53}
    )

    assert chain.ended.startswith("stopped after 100 blocks")
