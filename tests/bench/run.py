"""`make bench`: speed on this machine, as a page and as JSON. Figures are of this machine; look at the ratios.

Sections: the engine, the codec, and the way from the meter's word to the limit and the profile.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import timeit
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import bench_engine
import bench_latency
import msgspec

from busbar_cli.broker import find_mosquitto
from busbar_contracts.allocation import Distribution
from busbar_contracts.meter import MeterReading

SIZES = (1, 3, 10, 100, 1000)


def engine(quick: bool) -> dict[str, Any]:
    """Microseconds of one decision by distribution mode and number of loads, and as a multiple of decoding its input."""
    found: dict[str, Any] = {}
    for mode in Distribution:
        times = {}
        for size in SIZES:
            spent, decode = bench_engine.measure(size, mode, mixed=True, quick=quick)
            times[str(size)] = {"us": round(spent, 1), "x_decode": round(spent / decode, 1)}
        growth = times["1000"]["us"] / times["100"]["us"]
        found[mode.value] = {"loads": times, "growth_100_to_1000": round(growth, 1)}
    return found


def codec() -> dict[str, Any]:
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


def latency() -> list[dict[str, Any]]:
    """The way of an order, with each broker this machine has."""
    import importlib.util

    kinds = ["mosquitto"] if find_mosquitto() else []
    kinds += ["amqtt"] if importlib.util.find_spec("amqtt") else []
    return [asyncio.run(bench_latency.measure(kind)) for kind in kinds]


def page(report: dict[str, Any]) -> str:
    """The report for people."""
    lines = [
        "# Benchmarks",
        "",
        f"Made by `make bench` on {report['at'][:10]}, {report['machine']}. Figures are of that machine; look at the ratios.",
        "",
        "## Engine: one decision, target and limit together, with reasons (mixed modes, contended supply)",
        "",
        "| Distribution | "
        + " | ".join(f"{size} loads" for size in SIZES)
        + " | Growth 100 to 1000 (n log n: 15) |",
        "|---" * (len(SIZES) + 2) + "|",
    ]
    for mode, figures in report["engine"].items():
        cells = [f"{one['us']:g} µs ({one['x_decode']:g} × decoding)" for one in figures["loads"].values()]
        lines.append(f"| {mode} | " + " | ".join(cells) + f" | {figures['growth_100_to_1000']:g} |")
    lines += ["", "Goals: 3 loads under 100 µs (50 µs but for Shared), 100 under 2 ms, 1000 under 40 ms.", ""]
    lines += ["## From the word of the meter to the limit and the profile", ""]
    lines += [
        "| Broker | To the limit on the bus: median, 99 % | To the profile at the charger: median, 99 % | Count |",
        "|---|---|---|---|",
    ]
    for one in report["latency"]:
        limit, profile = one["reading_to_limit_ms"], one["reading_to_profile_ms"]
        lines.append(
            f"| {one['broker']} | {limit.get('median')} ms, {limit.get('p99')} ms "
            f"| {profile.get('median')} ms, {profile.get('p99')} ms | {limit['count']:g} |"
        )
    lines += [
        "",
        "Goals with mosquitto: limit 3 ms and 15 ms, profile 30 ms (99 %).",
        "",
        "## Codec: one meter reading",
        "",
    ]
    lines += [f"- {name.replace('_', ' ')}: {value:g}" for name, value in report["codec"].items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print the page, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--page", type=Path, help="write the page here, for example docs/benchmarks.md")
    arguments = parser.parse_args()
    report = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, CPython {platform.python_version()}",
        "engine": engine(arguments.quick),
        "codec": codec(),
        "latency": latency(),
    }
    print(page(report))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    if arguments.page:
        arguments.page.write_text(page(report), encoding="utf-8")


if __name__ == "__main__":
    main()
