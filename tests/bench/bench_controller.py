"""How long one step of the controller takes, and how much of it is the engine.

    python tests/bench/bench_controller.py

Loads take part and charge, the line is contended, the meter speaks each second and every tenth load samples.
A step is a pure function, so each is lived once in its evening, kept, and then repeated: the least of its times
is what it takes, whatever else the machine does.
"""

import gc
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from busbar_allocator import controller, desk
from busbar_allocator.desk import Desk
from busbar_allocator.plan import plan_of
from busbar_contracts.charger import ChargerState, ConnectorStatus, LeaseQuality, LegSample, Session
from busbar_contracts.meter import MeterReading, PhaseSample
from busbar_shared.bus import Heard
from busbar_shared.config.root import Site

SIZES = (1, 3, 10, 100, 1000)
NOON = datetime(2026, 6, 21, 12, 0, tzinfo=UTC)


def a_desk(size: int) -> Desk:
    """The allocator of a site with so many chargers behind one breaker."""
    config = {
        "circuits": {"main": {"limit_a": max(25.0, size * 9.0), "meter": "grid", "assumed_background_a": 1}},
        "meters": {"grid": {"driver": "sunspec"}},
        "chargers": {f"c{n}": {"fallback_a": 0, "priority": 1 + n % 10} for n in range(size)},
        "ocpp": {},
    }
    return Desk(plan_of(msgspec.convert(config, Site)), None, 0.0, "bench")


def second_of(one: Desk, size: int, second: int) -> datetime:
    """Let the house speak for this second; the calendar."""
    wall = NOON + timedelta(seconds=second)
    for number in range(size):
        if (second + number) % 10 == 0 or second == 0:
            ids = {"charger": f"c{number}", "connector": "1"}
            hear(one, state(wall, one, f"c{number}-1"), ids, second)
    hear(one, reading(wall, one, size, second), {"meter": "grid"}, second)
    return wall


def lived(size: int, seconds: int) -> tuple[list[Any], list[float]]:
    """The steps of the last two thirds of an evening, and what each whole decision took (s)."""
    one, kept, spent = a_desk(size), [], []
    step = desk.step

    def keeping(setup: Any, before: Any, said: Any, *rest: Any) -> Any:
        kept.append((setup, before, list(said), *rest))
        return step(setup, before, kept[-1][2], *rest)

    desk.step = keeping
    try:
        for second in range(seconds):
            wall = second_of(one, size, second)
            began = time.perf_counter()
            one.decide(float(second), wall)
            spent.append(time.perf_counter() - began)
    finally:
        desk.step = step
    return kept[seconds // 3 :], spent[seconds // 3 :]


def measure(size: int, seconds: int, repeats: int) -> dict[str, float]:
    """Microseconds of the median step, the engine's part of it, and of a whole decision with its messages."""
    steps, decisions = lived(size, seconds)
    inside = 0.0
    decide = controller.engine.decide

    def timed(*given: Any) -> Any:
        nonlocal inside
        began = time.perf_counter()
        try:
            return decide(*given)
        finally:
            inside = time.perf_counter() - began

    found = []
    controller.engine.decide = timed
    gc.disable()
    try:
        for given in steps:
            found.append(min(_once(given, lambda: inside) for _ in range(repeats)))
    finally:
        controller.engine.decide = decide
        gc.enable()
    whole, engine = sorted(found)[len(found) // 2]
    return {
        "step_us": round(whole * 1e6, 1),
        "engine_us": round(engine * 1e6, 1),
        "ratio": round(whole / engine, 2),
        "decision_us": round(sorted(decisions)[len(decisions) // 2] * 1e6, 1),
    }


def _once(given: Any, part: Callable[[], float]) -> tuple[float, float]:
    began = time.perf_counter()
    controller.step(*given)
    return time.perf_counter() - began, part()


def hear(one: Desk, message: Any, ids: dict[str, str], second: int) -> None:
    """Give the desk a message that came now."""
    one.hear(Heard(message, ids, "", float(second), False))


def state(at: datetime, one: Desk, load: str) -> ChargerState:
    """A charger whose car takes what it is granted."""
    amps = LegSample(current_a=one.state.minds[load].limit_a)
    return ChargerState(
        at=at, status=ConnectorStatus.CHARGING, link=True, lease=LeaseQuality.PROVEN, sampled_at=at,
        session=Session(id="1", transaction="1", started_at=NOON), l1=amps, l2=amps, l3=amps, legs_in_use=3,
    )  # fmt: skip


def reading(at: datetime, one: Desk, size: int, second: int) -> MeterReading:
    """The cars and a house that never rests."""
    amps = sum(mind.limit_a for mind in one.state.minds.values()) + size * (0.5 + 0.3 * (second % 7))
    phase = PhaseSample(current_a=amps, power_w=amps * 230, voltage_v=230.0)
    return MeterReading(at=at, power_w=amps * 690, a=phase, b=phase, c=phase)


def all_sizes(quick: bool) -> dict[str, dict[str, float]]:
    """The figures by number of loads."""
    return {
        str(size): measure(size, 60 if quick or size > 100 else 180, 3 if quick or size > 100 else 20)
        for size in SIZES
    }


if __name__ == "__main__":
    print(json.dumps(all_sizes(True), indent=1))
