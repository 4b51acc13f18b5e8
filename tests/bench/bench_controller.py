"""How long one step of the controller takes, and how much of it is the engine.

    python tests/bench/bench_controller.py

Loads take part and charge, the line is contended, the meter speaks each second and every tenth load samples.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from busbar_allocator import controller
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


def measure(size: int, seconds: int) -> dict[str, float]:
    """Microseconds of one decision that a reading woke, and the engine's part of it."""
    desk, inside = a_desk(size), 0.0
    decide = controller.engine.decide

    def timed(*given: Any, **named: Any) -> Any:
        nonlocal inside
        began = time.perf_counter()
        try:
            return decide(*given, **named)
        finally:
            inside += time.perf_counter() - began

    controller.engine.decide = timed
    spent, best = 0.0, []
    try:
        for second in range(seconds):
            wall = NOON + timedelta(seconds=second)
            for number in range(size):
                if (second + number) % 10 == 0 or second == 0:
                    hear(
                        desk,
                        state(wall, desk, f"c{number}-1"),
                        {"charger": f"c{number}", "connector": "1"},
                        second,
                    )
            hear(desk, reading(wall, desk, size, second), {"meter": "grid"}, second)
            inside = 0.0
            began = time.perf_counter()
            desk.decide(float(second), wall)
            spent = time.perf_counter() - began
            if second >= seconds // 3:
                best.append((spent, inside))
    finally:
        controller.engine.decide = decide
    best.sort()
    spent, inside = best[len(best) // 2]
    return {
        "us": round(spent * 1e6, 1),
        "engine_us": round(inside * 1e6, 1),
        "ratio": round(spent / inside, 2),
    }


def hear(desk: Desk, message: Any, ids: dict[str, str], second: int) -> None:
    """Give the desk a message that came now."""
    desk.hear(Heard(message, ids, "", float(second), False))


def state(at: datetime, desk: Desk, load: str) -> ChargerState:
    """A charger whose car takes what it is granted."""
    amps = LegSample(current_a=desk.state.minds[load].limit_a)
    return ChargerState(
        at=at, status=ConnectorStatus.CHARGING, link=True, lease=LeaseQuality.PROVEN, sampled_at=at,
        session=Session(id="1", transaction="1", started_at=NOON), l1=amps, l2=amps, l3=amps, legs_in_use=3,
    )  # fmt: skip


def reading(at: datetime, desk: Desk, size: int, second: int) -> MeterReading:
    """The cars and a house that never rests."""
    amps = sum(mind.limit_a for mind in desk.state.minds.values()) + size * (0.5 + 0.3 * (second % 7))
    phase = PhaseSample(current_a=amps, power_w=amps * 230, voltage_v=230.0)
    return MeterReading(at=at, power_w=amps * 690, a=phase, b=phase, c=phase)


def all_sizes(quick: bool) -> dict[str, dict[str, float]]:
    """The figures by number of loads."""
    return {str(size): measure(size, 60 if quick or size > 100 else 200) for size in SIZES}


if __name__ == "__main__":
    print(json.dumps(all_sizes(True), indent=1))
