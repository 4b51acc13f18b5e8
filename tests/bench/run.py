"""`make bench`: speed on this machine, as a page and as JSON. Figures are of this machine; look at the ratios.

python tests/bench/run.py [--quick] [--only engine bus ...] [--json FILE] [--page docs/benchmarks.md]
"""

import argparse
import asyncio
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
import timeit
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bench_bus
import bench_central
import bench_controller
import bench_engine
import bench_latency
import bench_start
import msgspec
from page import page

from busbar_cli.broker import find_mosquitto
from busbar_cli.simulate import BUSBAR, REFERENCES, simulate
from busbar_cli.simulate_optimum import optimum
from busbar_cli.simulate_scenario import read_scenario
from busbar_contracts.allocation import Distribution
from busbar_contracts.meter import MeterReading

HERE = Path(__file__).resolve().parent
SIZES = (1, 3, 10, 100, 1000)
SCENARIOS = HERE.parent / "scenarios" / "simulate"


def engine(quick: bool) -> dict[str, Any]:
    """Microseconds of one decision by kind of site, mode and number of loads; as a multiple of decoding its input."""
    found: dict[str, Any] = {}
    for kind in bench_engine.KINDS:
        modes: dict[str, Any] = {}
        for mode in Distribution:
            times = {}
            for size in SIZES:
                spent, decode = bench_engine.measure(size, mode, kind, quick)
                times[str(size)] = {"us": round(spent, 1), "x_decode": round(spent / decode, 1)}
            growth = times["1000"]["us"] / times["100"]["us"]
            modes[mode.value] = {"loads": times, "growth_100_to_1000": round(growth, 1)}
        found[kind] = modes
    return found


def codec(_: bool) -> dict[str, Any]:
    """Microseconds to encode and decode one meter reading, beside the json of the standard library."""
    reading = bench_latency.reading(8.0, 6.0)
    raw = msgspec.json.encode(reading)
    plain = json.loads(raw)
    decoder = msgspec.json.Decoder(MeterReading)
    count = 20_000

    def per_call(call: Any) -> float:
        return round(min(timeit.repeat(call, number=count, repeat=3)) / count * 1e6, 2)

    figures = {
        "encode_us": per_call(lambda: msgspec.json.encode(reading)),
        "decode_and_check_us": per_call(lambda: decoder.decode(raw)),
        "json_dumps_us": per_call(lambda: json.dumps(plain)),
        "json_loads_us": per_call(lambda: json.loads(raw)),
    }
    figures["decode_ratio_to_json"] = round(figures["decode_and_check_us"] / figures["json_loads_us"], 2)
    return figures


def brokers() -> list[str]:
    """The brokers of this machine."""
    kinds = ["mosquitto"] if find_mosquitto() else []
    return kinds + (["amqtt"] if importlib.util.find_spec("amqtt") else [])


def bus(_: bool) -> list[dict[str, Any]]:
    """What the bus adds to raw aiomqtt."""
    return [asyncio.run(bench_bus.measure(kind)) for kind in brokers()]


def latency(_: bool) -> list[dict[str, Any]]:
    """The way of an order, with each broker this machine has."""
    found: list[dict[str, Any]] = []
    for kind in brokers():
        try:
            found.append(asyncio.run(bench_latency.measure(kind)))
        except AssertionError as error:
            # A machine that is too busy to bring a car to its current has no latency worth a figure.
            found.append({"broker": kind, "failed": str(error)})
    return found


def start(_: bool) -> dict[str, Any]:
    """From nothing to the first safe limit, and the memory of each service."""
    return asyncio.run(bench_start.measure())


def central(quick: bool) -> dict[str, Any]:
    """Calls a second beside a bare central system."""
    return bench_central.measure(50, 3.0 if quick else 8.0)


def many_chargers(quick: bool) -> list[str]:
    """Charge points on one process."""
    file = HERE.parent / "services" / "ocpp" / "bench_ocpp.py"
    return spoken([str(file), "200" if quick else "1000", "20" if quick else "30"])


def many_meters(quick: bool) -> list[str]:
    """Modbus devices on one process."""
    return spoken([str(HERE / "bench_meter.py"), "--devices", "50", *(["--quick"] if quick else [])])


def spoken(words: list[str]) -> list[str]:
    """The lines another bench prints."""
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, timeout=600)
    return done.stdout.splitlines() if done.returncode == 0 else [f"failed: {done.stderr.strip()[-300:]}"]


def virtual(_: bool) -> dict[str, Any]:
    """How much faster than life `busbar simulate` is, and the figures of the scenario set."""
    found: dict[str, Any] = {}
    spent = lived = 0.0
    for file in sorted(SCENARIOS.glob("*.toml")):
        scenario = read_scenario(file)
        began = time.process_time()
        figures = simulate(scenario).figures
        spent, lived = spent + time.process_time() - began, lived + scenario.run.hours * 3600
        bounds = {
            name: {
                "is": getattr(figures, name),
                "least": one.least,
                "most": one.most,
                "bound": " to ".join(
                    text
                    for text in (
                        "" if one.least is None else f"at least {one.least:g}",
                        "" if one.most is None else f"at most {one.most:g}",
                    )
                    if text
                ),
            }
            for name, one in scenario.run.expect.items()
        }
        found[scenario.run.title] = bounds
    return {"times_faster_than_life": round(lived / spent), "scenarios": found}


COMPARED = (
    "over_s", "longest_over_s", "promises_broken", "cars_kwh", "follower_import_kwh", "unused_surplus_kwh",
    "withheld_kwh", "switches",
)  # fmt: skip


def others(_: bool) -> dict[str, Any]:
    """The scenario set steered by the reference controllers, beside Busbar."""
    found: dict[str, Any] = {}
    for file in sorted(SCENARIOS.glob("*.toml")):
        scenario = read_scenario(file)
        found[scenario.run.title] = {
            name: {key: getattr(figures, key) for key in COMPARED}
            for name in (BUSBAR, *REFERENCES)
            for figures in (simulate(read_scenario(file), controller=name).figures,)
        }
    return found


def perfect(quick: bool) -> dict[str, Any]:
    """The demo's house from midnight to midnight, beside the cheapest way through the same day."""
    if importlib.util.find_spec("scipy") is None:
        return {"skipped": "SciPy is not installed"}
    demo = HERE.parents[1] / "services" / "busbar_cli" / "demo.toml"
    hours = 6.0 if quick else 24.0
    ran = simulate(read_scenario(demo, {"simulator.start": "00:00", "simulate.hours": hours}))
    found = optimum(ran.day)
    return {
        "hours": hours,
        **msgspec.to_builtins(found),
        "figures": {k: getattr(ran.figures, k) for k in DAY},
    }


DAY = ("over_s", "import_kwh", "export_kwh", "sun_kwh", "cars_kwh", "self_consumption", "self_sufficiency")

SECTIONS: dict[str, Callable[[bool], Any]] = {
    "engine": engine, "controller": bench_controller.all_sizes, "codec": codec, "bus": bus, "latency": latency,
    "start": start, "central": central, "many_chargers": many_chargers, "many_meters": many_meters,
    "simulate": virtual, "others": others, "optimum": perfect,
}  # fmt: skip


def main() -> None:
    """Measure, print the page, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--only", nargs="*", choices=list(SECTIONS), help="some sections only")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument(
        "--with", dest="known", type=Path, help="figures of sections measured before, as --json wrote them"
    )
    parser.add_argument("--page", type=Path, help="write the page here, for example docs/benchmarks.md")
    arguments = parser.parse_args()
    report: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, CPython {platform.python_version()}",
        "load_average": round(os.getloadavg()[0], 1),
    }
    known = json.loads(arguments.known.read_text(encoding="utf-8")) if arguments.known else {}
    for name in SECTIONS:
        if arguments.only and name not in arguments.only:
            if name in known:
                report[name] = known[name]
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        report[name] = SECTIONS[name](arguments.quick)
    print(page(report))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if arguments.page:
        arguments.page.write_text(page(report), encoding="utf-8")


if __name__ == "__main__":
    main()
