"""One unit: found, verified, read; and what it does when the device changes under it."""

from datetime import UTC, datetime

import pytest

from busbar_meter.answers import ChainMoved, DeviceRefused, DeviceSilent
from busbar_meter.unit import NotADevice, Unit
from busbar_shared.clock import VirtualClock
from services.meter.register_images import PaperWire, block, common, image

NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)
FAST, SLOW = frozenset({103, 113, 160, 203, 213, 124}), frozenset({120, 121})
INVERTER = block(103, W=4200, W_SF=0, St=4)
METER = block(203, W=-3000, W_SF=0)


def a_unit(clock: VirtualClock | None = None) -> Unit:
    unit = Unit(1, clock or VirtualClock(NOON))
    unit.want(FAST, SLOW)
    return unit


def powers(parts) -> list[tuple[int, float | None]]:
    return [
        (number, part.blocks[number].number("W"))
        for part in parts
        for number in sorted(part.times)
        if number > 100
    ]


async def test_the_first_reading_surveys_and_later_ones_only_read() -> None:
    wire, unit = PaperWire(unit1=image(common(), INVERTER, METER)), a_unit()

    assert powers(await unit.read(wire)) == [(103, 4200), (203, -3000)]
    wire.asked.clear()
    await unit.read(wire)

    assert wire.asked == [(1, 40070, 52), (1, 40122, 107)]


async def test_settings_are_read_once_a_minute() -> None:
    clock = VirtualClock(NOON)
    wire, unit = PaperWire(unit1=image(common(), INVERTER, block(120, WRtg=8200, WRtg_SF=0))), a_unit(clock)
    await unit.read(wire)
    wire.asked.clear()

    for _ in range(61):
        await clock.advance(1.0)
        await unit.read(wire)

    assert wire.asked.count((1, 40122, 28)) == 1


async def test_value_and_scale_factor_come_from_one_read_so_a_flip_between_reads_changes_nothing() -> None:
    registers = image(common(), block(103, W=13950, W_SF=-1))
    wire, unit = PaperWire(unit1=registers), a_unit()
    before = powers(await unit.read(wire))
    registers.update({40070 + 14: 8632, 40070 + 15: 0})

    assert [before, powers(await unit.read(wire))] == [[(103, 1395.0)], [(103, 8632.0)]]


async def test_a_device_switched_to_floats_is_searched_again() -> None:
    wire, unit = PaperWire(unit1=image(common(), INVERTER, METER)), a_unit()
    await unit.read(wire)
    wire.images[1] = image(common(), block(113, W=4200.5), block(213, W=-3000.5))

    with pytest.raises(ChainMoved):
        await unit.read(wire)

    assert powers(await unit.read(wire)) == [(113, 4200.5), (213, -3000.5)]


async def test_another_device_behind_the_same_address_is_noticed_after_a_silence() -> None:
    wire, unit = PaperWire(unit1=image(common(serial="1"), INVERTER)), a_unit()
    await unit.read(wire)
    wire.images[1] = image(common(serial="2"), INVERTER)
    unit.doubt()

    with pytest.raises(ChainMoved, match="another device"):
        await unit.read(wire)


async def test_silence_is_no_proof_of_absence() -> None:
    wire, unit = PaperWire(unit1=image(common(), INVERTER)), a_unit()
    wire.silent = True
    with pytest.raises(DeviceSilent):
        await unit.read(wire)
    wire.silent = False

    assert powers(await unit.read(wire)) == [(103, 4200)]


async def test_what_is_no_sunspec_device_says_so() -> None:
    with pytest.raises(NotADevice, match="40000: 0x0000 0x0000"):
        await a_unit().read(PaperWire(unit1={40000: 0, 40001: 0}))


async def test_a_refused_whole_read_is_asked_in_smaller_pieces_and_remembered() -> None:
    blocks = image(common(), INVERTER, block(120, WRtg=8200, WRtg_SF=0), block(121, WMax=8000, WMax_SF=0))
    wire, unit = PaperWire(unit1=blocks), a_unit()
    wire.refuse[40122, 60] = 2
    await unit.read(wire)
    assert (1, 40122, 28) in wire.asked
    assert (1, 40150, 32) in wire.asked

    [part] = await unit.read(wire)

    assert part.blocks[121].number("WMax") == 8000


@pytest.mark.parametrize("code", [1, 2, 3, 7, 8, 9])
async def test_a_refusal_that_passes_costs_no_reading_and_leaves_no_trace(code: int) -> None:
    clock = VirtualClock(NOON)
    wire, unit = PaperWire(unit1=image(common(), INVERTER, METER)), a_unit(clock)
    await unit.read(wire)
    for request in ((40070, 52), (40122, 107)):
        wire.refuse[request] = code
        assert powers(await unit.read(wire)) == [(103, 4200), (203, -3000)]
        wire.refuse.clear()
        await clock.advance(20)
    for _ in range(6):
        await clock.advance(60)
        assert powers(await unit.read(wire)) == [(103, 4200), (203, -3000)]

    wire.asked.clear()
    await unit.read(wire)

    assert wire.asked == [(1, 40070, 52), (1, 40122, 107)]


async def test_after_a_refusal_the_chain_is_searched_again_because_lengths_change() -> None:
    clock = VirtualClock(NOON)
    wire, unit = PaperWire(unit1=image(common(), INVERTER)), a_unit(clock)
    wire.refuse[40070, 52] = 2
    await unit.read(wire)
    wire.refuse.clear()
    wire.asked.clear()
    await clock.advance(61)

    await unit.read(wire)

    assert wire.asked[0] == (1, 40000, 2)


async def test_a_block_that_is_refused_altogether_is_unknown_not_old() -> None:
    wire, unit = PaperWire(unit1=image(common(), INVERTER, METER)), a_unit()
    await unit.read(wire)
    for at in range(40070, 40122):
        del wire.images[1][at]

    [part] = await unit.read(wire)

    assert (103 in part.blocks, part.blocks[203].number("W")) == (False, -3000)


async def test_two_meters_in_one_unit_are_two_parts() -> None:
    chain = image(
        common("SolarEdge"),
        INVERTER,
        common("SolarEdge"),
        METER,
        common("SolarEdge"),
        block(203, W=5, W_SF=0),
    )

    parts = await a_unit().read(PaperWire(unit1=chain))

    assert powers(parts) == [(103, 4200), (203, -3000), (203, 5)]


async def test_holes_inside_a_block_are_found_and_read_around_with_few_requests() -> None:
    """A public capture of an SMA Sunny Boy 3.6 (nielsbasjes/sunspec-device) has unreadable names in model 160."""
    inputs = [{"DCW": 100 * number} for number in range(1, 4)]
    wire, unit = (
        PaperWire(unit1=image(common("SMA"), INVERTER, block(160, DCW_SF=0, N=3, inputs=inputs))),
        a_unit(),
    )
    first = 40122 + 10
    for module in range(3):
        for at in range(first + 20 * module, first + 20 * module + 9):
            del wire.images[1][at]

    for _ in range(8):
        wire.asked.clear()
        [part] = await unit.read(wire)

    assert [module.number("DCW") for module in part.blocks[160].repetitions()] == [100, 200, 300]
    assert wire.asked == [(1, 40070, 62), (1, 40141, 11), (1, 40161, 11), (1, 40181, 11)]


async def test_a_later_search_that_finds_the_same_chain_keeps_what_was_learned_of_its_holes() -> None:
    clock = VirtualClock(NOON)
    wire, unit = PaperWire(unit1=image(common(), block(160, DCW_SF=0, inputs=[{"DCW": 5}]))), a_unit(clock)
    for at in range(40080, 40089):
        del wire.images[1][at]
    for _ in range(8):
        await unit.read(wire)
    await clock.advance(61)
    wire.asked.clear()

    await unit.read(wire)

    assert wire.asked[-2:] == [(1, 40070, 10), (1, 40089, 11)]


async def test_a_point_that_is_refused_by_night_is_read_again_in_the_morning() -> None:
    clock = VirtualClock(NOON)
    wire, unit = PaperWire(unit1=image(common(), INVERTER)), a_unit(clock)
    power = 40070 + 14
    del wire.images[1][power]
    for _ in range(8):
        await unit.read(wire)
    assert powers(await unit.read(wire)) == [(103, None)]

    wire.images[1][power] = 4200
    await clock.advance(300)
    await unit.read(wire)

    assert powers(await unit.read(wire)) == [(103, 4200)]
    wire.asked.clear()
    await unit.read(wire)
    assert wire.asked == [(1, 40070, 52)]


async def test_points_a_device_never_has_cost_one_request_a_minute() -> None:
    clock = VirtualClock(NOON)
    wire, unit = PaperWire(unit1=image(common(), block(160, DCW_SF=0, inputs=[{"DCW": 5}]))), a_unit(clock)
    for at in range(40080, 40089):
        del wire.images[1][at]
    for _ in range(10):
        await unit.read(wire)
        await clock.advance(1.0)
    await clock.advance(600)
    await unit.read(wire)
    wire.asked.clear()

    for _ in range(120):
        await unit.read(wire)
        await clock.advance(1.0)

    missing = [at for _, at, count in wire.asked if any(40080 <= at + step < 40089 for step in range(count))]
    assert 1 <= len(missing) <= 3


async def test_a_header_torn_during_the_search_does_not_hide_a_block_for_long() -> None:
    clock = VirtualClock(NOON)
    good = image(common(), INVERTER, METER)
    wire, unit = PaperWire(unit1={**good, 40122: 0xFFFF}), a_unit(clock)
    assert powers(await unit.read(wire)) == [(103, 4200)]
    unit.search_soon()
    wire.images[1] = good
    await clock.advance(61)

    assert powers(await unit.read(wire)) == [(103, 4200), (203, -3000)]


class OnceRefusing(PaperWire):
    """A device that refuses one header as long as it is told to."""

    refused_at: int | None = None

    async def read(self, unit: int, start: int, count: int, *, function: int = 3) -> tuple[int, ...]:
        if start == self.refused_at:
            raise DeviceRefused(2, f"register {start}")
        return await super().read(unit, start, count, function=function)


async def test_what_is_missing_because_a_header_was_refused_is_searched_again_in_seconds() -> None:
    clock = VirtualClock(NOON)
    wire, unit = OnceRefusing(unit1=image(common(), INVERTER, METER)), a_unit(clock)
    wire.refused_at = 40070
    seen = []
    for second in range(30):
        wire.refused_at = 40070 if second < 12 else None
        seen.append(powers(await unit.read(wire)))
        if not seen[-1]:
            unit.missing()
        await clock.advance(1.0)

    assert seen[11] == []
    assert seen[15] == [(103, 4200), (203, -3000)]


async def test_a_unit_that_never_has_what_is_wanted_is_searched_more_and_more_rarely() -> None:
    clock = VirtualClock(NOON)
    wire, unit = PaperWire(unit1=image(common(), [64001, 2, 0, 0])), a_unit(clock)
    for _ in range(600):
        await unit.read(wire)
        unit.missing()
        await clock.advance(1.0)

    surveys = wire.asked.count((1, 40000, 2))
    assert 10 <= surveys <= 14


async def test_blocks_behind_a_header_that_was_refused_once_are_found_within_a_minute() -> None:
    clock = VirtualClock(NOON)
    wire, unit = OnceRefusing(unit1=image(common(), INVERTER, METER)), a_unit(clock)
    wire.refused_at = 40122
    assert powers(await unit.read(wire)) == [(103, 4200)]
    wire.refused_at = None
    await clock.advance(61)

    assert powers(await unit.read(wire)) == [(103, 4200), (203, -3000)]
