"""How the work of a decision grows with the number of loads: lines of Python counted, never time.

Work inside C (a sum, a sort) is not counted; `make bench` shows it as time.
"""

import sys
from collections.abc import Callable
from math import log
from types import FrameType
from typing import Any

import pytest

from bench.bench_controller import a_desk, lived, second_of
from bench.bench_engine import KINDS, a_site, instants
from busbar_allocator.allocate import decide
from busbar_allocator.controller import step
from busbar_allocator.site_model import SiteModel
from busbar_contracts.allocation import Distribution

FEW, MANY = 50, 400
N_LOG_N = MANY * log(MANY) / (FEW * log(FEW))
"""12.3: so much more may be done for eight times as many loads."""

LINES_AT_100 = {
    Distribution.SHARED: 47_000,
    Distribution.PRIORITY: 33_000,
    Distribution.OPTIMIZED: 33_000,
    Distribution.STRICT: 18_500,
}
"""About a seventh above what it took in November 2026: 40,812, 28,595, 28,668 and 15,984."""


def lines_of(work: Callable[[], Any]) -> int:
    """How many lines of Python this executes."""
    count = 0

    def trace(_: FrameType, event: str, __: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def lines_of_engine(size: int, mode: Distribution, kind: str) -> int:
    """One decision on a contended site."""
    site = a_site(size, mode, kind == KINDS[1], kind == KINDS[2])
    model, moment = SiteModel(site), instants(site, 1)[0]
    return lines_of(lambda: decide(model, moment))


@pytest.mark.parametrize("mode", Distribution)
@pytest.mark.parametrize("kind", KINDS)
def test_the_engine_grows_no_faster_than_n_log_n(kind: str, mode: Distribution) -> None:
    few, many = (lines_of_engine(size, mode, kind) for size in (FEW, MANY))

    assert many / few <= N_LOG_N, f"{few} lines for {FEW} loads, {many} for {MANY}"


@pytest.mark.parametrize("mode", Distribution)
def test_the_engine_does_no_more_for_a_hundred_loads_than_it_did(mode: Distribution) -> None:
    assert lines_of_engine(100, mode, KINDS[0]) <= LINES_AT_100[mode]


def lines_of_controller(size: int) -> int:
    """A decision in the middle of a contended evening, woken by a reading."""
    desk, counted = a_desk(size), 0
    for second in range(13):
        wall = second_of(desk, size, second)
        if second == 12:
            counted = lines_of(lambda: desk.decide(12.0, wall))  # noqa: B023 -- called at once
        else:
            desk.decide(float(second), wall)
    return counted


def test_the_controller_grows_no_faster_than_n_log_n() -> None:
    few, many = lines_of_controller(FEW), lines_of_controller(MANY)

    assert many / few <= N_LOG_N, f"{few} lines for {FEW} loads, {many} for {MANY}"


STEP_BESIDE_ENGINE = {3: 2.5, 100: 2.1}
"""In November 2026 a step took 2.16 and 1.83 times the lines of the engine inside it."""


def lines_of_steps(size: int) -> tuple[int, int]:
    """Lines of ten steps in the middle of an evening, and how many of them are the engine's."""
    steps, _ = lived(size, 30)
    total = engine = inside = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal total, engine, inside
        if frame.f_code is decide.__code__ and event in ("call", "return"):
            inside += 1 if event == "call" else -1
        elif event == "line":
            total += 1
            engine += inside > 0
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        for given in steps[-10:]:
            step(*given)
    finally:
        sys.settrace(before)
    return total, engine


@pytest.mark.parametrize("size", STEP_BESIDE_ENGINE)
def test_a_step_does_little_more_than_the_engine_inside_it(size: int) -> None:
    total, engine = lines_of_steps(size)

    assert total / engine <= STEP_BESIDE_ENGINE[size], f"{total} lines, {engine} of them the engine's"
