"""Which registers are read together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from busbar_meter.block import Place
from busbar_meter.definitions import model
from busbar_meter.readplan import Read, Span, narrower, plan, span_of
from busbar_meter.wanted import THROUGH, chosen, trusted


def reads(*places: Place) -> list[tuple[int, int]]:
    spans = [span_of(place, model(place.model), THROUGH.get(place.model)) for place in places]
    return [(read.start, read.count) for read in plan(spans)]


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        pytest.param([Place(103, 40070, 50)], [(40070, 52)], id="an inverter is one read"),
        pytest.param([Place(213, 40070, 124)], [(40070, 70)], id="a float meter is read up to its energies"),
        pytest.param([Place(701, 40070, 153)], [(40070, 123)], id="model 701 is read without its last text"),
        pytest.param(
            [Place(103, 40070, 50), Place(120, 40122, 26), Place(121, 40150, 30)],
            [(40070, 112)],
            id="neighbours share a read",
        ),
        pytest.param(
            [Place(103, 40070, 50), Place(160, 40254, 88), Place(124, 40344, 24)],
            [(40070, 52), (40254, 116)],
            id="a hybrid's power, inputs and battery are two reads",
        ),
        pytest.param(
            [Place(160, 40254, 8 + 20 * 8)],
            [(40254, 124), (40378, 46)],
            id="many inputs are cut between two points",
        ),
    ],
)
def test_fewest_reads(places: list[Place], expected: list[tuple[int, int]]) -> None:
    assert reads(*places) == expected


def test_a_cut_never_tears_a_point() -> None:
    place = Place(160, 0, 8 + 20 * 12)
    edges = {0}
    for base in range(10, 250, 20):
        edges |= {base} | {base + point.end for point in model(160).repeated.values()}

    starts = [start for start, _ in reads(place)]

    assert set(starts) <= edges


def test_a_refused_read_is_narrowed_first_by_block_then_by_halves_at_points() -> None:
    [shared] = plan([span_of(Place(103, 0, 50), model(103)), span_of(Place(120, 52, 26), model(120))])

    first, second = narrower(shared)
    halves = narrower(second)

    assert [(first.start, first.count), (second.start, second.count)] == [(0, 52), (52, 28)]
    assert [(each.start, each.count) for each in halves] == [(52, 14), (66, 14)]


def test_a_single_point_cannot_be_narrowed() -> None:
    assert narrower(Read((Span(10, 2),))) == ()


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 300)), min_size=1, max_size=12))
def test_every_wanted_register_is_read_once_and_no_read_is_too_long(pieces: list[tuple[int, int]]) -> None:
    at, spans = 0, []
    for gap, count in pieces:
        at += gap
        spans.append(Span(at, count, tuple(range(at + 1, at + count))))
        at += count

    planned = plan(spans)

    assert all(read.count <= 125 for read in planned)
    got = [step for read in planned for span in read.spans for step in range(span.start, span.end)]
    assert got == [step for span in spans for step in range(span.start, span.end)]


@pytest.mark.parametrize(
    ("present", "read"),
    [
        pytest.param({103, 113, 203}, {113, 203}, id="of float and integer the float one is read"),
        pytest.param({101, 701}, {101}, id="of the old and the new model the old one"),
        pytest.param({204}, {204}, id="a delta meter"),
    ],
)
def test_of_models_that_measure_the_same_one_is_read(present: set[int], read: set[int]) -> None:
    wanted = frozenset({101, 102, 103, 111, 112, 113, 701, 201, 202, 203, 204, 211, 212, 213, 214})

    assert chosen(wanted, frozenset(present)) == read


@pytest.mark.parametrize(
    ("place", "believed"),
    [
        pytest.param(Place(103, 0, 48), True, id="a short inverter block is decoded as far as it goes"),
        pytest.param(Place(701, 0, 153), True, id="a published 701"),
        pytest.param(Place(701, 0, 140), False, id="a 701 from a draft"),
        pytest.param(Place(714, 0, 18 + 25 * 3), True, id="a 714 with three ports"),
        pytest.param(Place(714, 0, 30), False, id="a 714 with a torn port"),
        pytest.param(Place(64110, 0, 10), False, id="a model nobody defined"),
    ],
)
def test_draft_models_are_not_trusted(place: Place, believed: bool) -> None:
    assert trusted(place) is believed
