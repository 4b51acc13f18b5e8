"""How long the engine takes: per distribution mode for 1 to 1000 loads, and how it grows.

    python tests/bench/bench_engine.py [--quick]

Supply is contended, inputs vary between calls, the static part is compiled once, reasons are included.
"""

import argparse
import gc
import math
import random
import time
from collections.abc import Callable

import msgspec

from busbar_allocator.allocate import decide
from busbar_allocator.site_model import SiteModel
from busbar_allocator.snapshot import (
    Battery,
    BatteryNow,
    Circuit,
    Load,
    LoadNow,
    Now,
    PerPhase,
    Settings,
    Site,
    Snapshot,
)
from busbar_contracts.allocation import Distribution
from busbar_contracts.load import LoadMode

SIZES = (1, 3, 10, 100, 1000)
GOALS_US = {3: 100.0, 100: 2000.0, 1000: 40_000.0}
LEAN_GOAL_US = 50.0
LONG = 50
"""So many loads make a call long."""

LEGS = (("a", "b", "c"), ("b", "c", "a"), ("a",), ("b",), ("c",))
KINDS = (
    "three-phase cars, all Standard",
    "mixed modes, legs and steps",
    "a battery that will still give: target and limit are worked out apart",
)
MODES = (LoadMode.STANDARD, LoadMode.STANDARD, LoadMode.SOLAR_PRIORITY, LoadMode.SOLAR_ONLY)


def a_site(size: int, distribution: Distribution, mixed: bool, battery: bool = False) -> Site:
    """Cars on one main breaker, ten to a circuit, with about half of what they would like."""
    dice = random.Random(size)
    main = max(25.0, size * 6.0)
    circuits = {"main": Circuit(limit_a=main)}
    if size >= 10:
        for n in range(size // 10):
            circuits[f"row-{n}"] = Circuit(
                limit_a=60.0 + dice.randrange(0, 30), parent="main", background_a=0.0
            )
    loads = {}
    for n in range(size):
        loads[f"car-{n}"] = Load(
            phases=LEGS[dice.randrange(len(LEGS))] if mixed else LEGS[0],
            priority=dice.randrange(1, 11),
            mode=MODES[dice.randrange(4)] if mixed else LoadMode.STANDARD,
            min_a=6.0,
            max_a=float(dice.choice((16, 32))),
            circuit=f"row-{n % (size // 10)}" if size >= 10 else None,
            step_a=1.0 if mixed and n % 3 == 0 else None,
        )
    batteries = {"bat": Battery(discharge_limit_w=500.0 * size)} if battery else {}
    return Site(
        circuits=circuits, loads=loads, batteries=batteries, settings=Settings(distribution=distribution)
    )


def instants(site: Site, count: int) -> list[Now]:
    """Moments of the same site that differ in every figure."""
    dice = random.Random(1)
    size = len(site.loads)
    return [
        Now(
            grid_a=PerPhase(*(dice.uniform(-3, 3) * size for _ in range(3))),
            loads={
                name: LoadNow(status="Charging", draw_a=dice.uniform(0, 6), limit_given_a=6.0)
                for name in site.loads
            },
            batteries={
                name: BatteryNow(power_w=dice.uniform(-9, 9), soc_percent=60) for name in site.batteries
            },
        )
        for _ in range(count)
    ]


def timed(work: Callable[[Now], object], moments: list[Now], repeats: int) -> float:
    """Microseconds of one call: for each moment the least of several, the mean of those.

    The moments follow one another, so no call sees the input of the one before; the least of several is what a
    call takes, whatever else the machine does.
    """
    best = [math.inf] * len(moments)
    # A call that is longer than the machine's own slices is never left alone: its processor time counts.
    clock = time.perf_counter if len(moments[0].loads) < LONG else time.process_time
    gc.collect()
    for _ in range(repeats):
        for place, now in enumerate(moments):
            began = clock()
            work(now)
            best[place] = min(best[place], clock() - began)
    return sum(best) / len(best) * 1e6


def measure(size: int, distribution: Distribution, kind: str, quick: bool) -> tuple[float, float]:
    """Engine time and decoding time of the same snapshot, in microseconds."""
    site = a_site(size, distribution, kind == KINDS[1], kind == KINDS[2])
    model = SiteModel(site)
    moments = instants(site, 10)
    text = msgspec.json.encode(Snapshot(site=site, now=moments[0]))
    decoder = msgspec.json.Decoder(Snapshot)
    repeats = max(3 if quick else 10, (60 if quick else 600) // size)
    return (
        timed(lambda now: decide(model, now), moments, repeats),
        timed(lambda _: decoder.decode(text), moments, repeats),
    )


def table(kind: str, quick: bool) -> bool:
    """Print one table; True when every goal is met."""
    met = True
    print(kind)
    print(
        f"{'mode':10} " + " ".join(f"{size:>6} loads (x decode)" for size in SIZES) + "   growth 100 to 1000"
    )
    for distribution in Distribution:
        times = {}
        cells = []
        for size in SIZES:
            engine, decode = measure(size, distribution, kind, quick)
            times[size] = engine
            goal = GOALS_US.get(size, math.inf)
            if size == 3 and distribution is not Distribution.SHARED:
                goal = LEAN_GOAL_US
            met = met and engine < goal
            mark = " " if engine < goal else "!"
            cells.append(f"{engine:9.1f} us{mark} ({engine / decode:4.1f})")
        growth = times[1000] / times[100]
        print(f"{distribution.value:10} " + " ".join(cells) + f"   {growth:.1f} (n log n: 15.0)")
    return met


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    quick = parser.parse_args().quick
    met = [table(kind, quick) for kind in KINDS]
    print("goals met" if all(met) else "a goal is missed (!)")


if __name__ == "__main__":
    main()
