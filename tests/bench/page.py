"""The report of `make bench` for people: one section a figure, each with its goal where there is one."""

from pathlib import Path
from typing import Any

from goals import goals

FINDINGS = Path(__file__).parent / "findings.md"
"""What profiles showed, and why what is not met is not; written by hand."""

ENGINE_GOALS = "Goals: 3 loads under 100 µs (50 µs but for shared), 100 under 2 ms, 1000 under 40 ms."


def page(report: dict[str, Any]) -> str:
    """The whole page; a section that was not measured is not there."""
    lines = [
        "# Benchmarks",
        "",
        f"Made by `make bench` on {report['at'][:10]}, {report['machine']}, load average {report['load_average']:g}.",
        "Figures are of that machine at that moment; look at the ratios, and measure on yours.",
        "",
    ]
    lines += [*_goals(report), "", FINDINGS.read_text(encoding="utf-8").rstrip(), ""]
    for name, write in SECTIONS:
        if name in report:
            lines += [*write(report[name]), ""]
    return "\n".join(lines).rstrip() + "\n"


def _goals(report: dict[str, Any]) -> list[str]:
    rows = [[name, goal, value, "yes" if met else "**no**"] for name, goal, value, met in goals(report)]
    return ["## The figures of the specification", "", *_table(["Figure", "Goal", "Is", "Met"], rows)]


def _engine(found: dict[str, Any]) -> list[str]:
    lines = ["## Engine: one decision, target and limit together, with reasons, at a contended supply", ""]
    for kind, modes in found.items():
        sizes = list(next(iter(modes.values()))["loads"])
        lines += [
            f"{kind[0].upper()}{kind[1:]}; microseconds, and as a multiple of decoding the same snapshot.",
            "",
        ]
        heads = ["Distribution", *(f"{size} loads" for size in sizes), "100 to 1000 (n log n: 15)"]
        rows = [
            [mode, *(f"{one['us']:g} ({one['x_decode']:g} ×)" for one in figures["loads"].values()),
             f"{figures['growth_100_to_1000']:g} ×"]
            for mode, figures in modes.items()
        ]  # fmt: skip
        lines += [*_table(heads, rows), ""]
    return [*lines, ENGINE_GOALS]


CONTROLLER_GOALS = (
    "Goal: a step at most twice the goals of the engine: "
    "3 loads 100 µs in Priority, 100 loads 4 ms, 1000 loads 80 ms."
)


def _controller(found: dict[str, Any]) -> list[str]:
    rows = [
        [n, f"{one['step_us']:g}", f"{one['engine_us']:g}", f"{one['ratio']:g} ×", f"{one['decision_us']:g}"]
        for n, one in found.items()
    ]
    return [
        "## Controller: one step that a reading woke, from what was heard to the orders",
        "",
        "Priority, a contended line, a house that moves every second: the median second of an evening, the best of several runs.",
        "The last column has the allocation and the orders as messages in it.",
        "",
        *_table(["Loads", "step, µs", "of which the engine", "ratio", "step and messages, µs"], rows),
        "",
        CONTROLLER_GOALS,
    ]


def _codec(found: dict[str, Any]) -> list[str]:
    return ["## Codec: one meter reading", "", *(f"- {n.replace('_', ' ')}: {v:g}" for n, v in found.items())]


def _bus(found: list[dict[str, Any]]) -> list[str]:
    rows = [
        [one["broker"], f"{one['ours_ms']['median']:g}, {one['ours_ms']['p99']:g}",
         f"{one['raw_ms']['median']:g}, {one['raw_ms']['p99']:g}", f"{one['ratio']:g} ×"]
        for one in found
    ]  # fmt: skip
    heads = ["Broker", "Bus: median, 99 %, ms", "Raw aiomqtt, ms", "ratio of the medians"]
    return ["## Bus: from saying to hearing, typed and checked, beside raw aiomqtt", "", *_table(heads, rows)]


def _latency(found: list[dict[str, Any]]) -> list[str]:
    rows = []
    for one in found:
        if "failed" in one:
            rows.append([one["broker"], f"failed: {one['failed']}", "", "0"])
            continue
        limit, profile = one["reading_to_limit_ms"], one["reading_to_profile_ms"]
        rows.append(
            [one["broker"], f"{limit.get('median')}, {limit.get('p99')}",
             f"{profile.get('median')}, {profile.get('p99')}", f"{limit['count']:g}"]
        )  # fmt: skip
    heads = [
        "Broker",
        "To the limit on the bus: median, 99 %, ms",
        "To the profile at the charger, ms",
        "Count",
    ]
    return [
        "## From the word of the meter to the limit and the profile, services as processes",
        "",
        *_table(heads, rows),
        "",
        "Goals with mosquitto: limit 3 ms and 15 ms, profile 30 ms (99 %).",
    ]


def _start(found: dict[str, Any]) -> list[str]:
    firsts = [[name, f"{seconds:g}"] for name, seconds in found["seconds_to_first"].items()]
    memory = [[n, f"{m['resident']:g}", f"{m['private']:g}"] for n, m in found["memory_mib"].items()]
    return [
        "## Start: from nothing to the first safe limit, the demo's house",
        "",
        *_table(["First", "Seconds after the start of all processes"], firsts),
        "",
        "## Memory per service after twenty seconds at work",
        "",
        *_table(["Process", "Resident, MiB", "Private, MiB"], memory),
        "",
        "Goal: under 60 MiB each.",
    ]


def _central(found: dict[str, Any]) -> list[str]:
    rows = [
        [name, f"{one['calls_per_s']:g}", f"{one['cpu_ms_per_call']:g}", f"{one['median_ms']:g}"]
        for name, one in (("Busbar", found["ours"]), ("bare, on the `ocpp` library", found["bare"]))
    ]
    return [
        f"## Central system: {found['charge_points']} charge points that are never tired",
        "",
        *_table(["Central system", "Calls a second", "CPU, ms a call", "Answer, median ms"], rows),
        "",
        f"A call costs Busbar {found['cpu_ratio']:g} times the processor of the bare one, which keeps nothing.",
    ]


def _spoken(title: str) -> Any:
    def write(lines: list[str]) -> list[str]:
        return [f"## {title}", "", "```text", *lines, "```"]

    return write


def _simulate(found: dict[str, Any]) -> list[str]:
    rows = [
        [title if first else "", name.replace("_", " "), f"{one['is']:g}", one["bound"]]
        for title, bounds in found["scenarios"].items()
        for first, (name, one) in ((n == 0, pair) for n, pair in enumerate(bounds.items()))
    ]
    return [
        "## Control quality: the scenario set in virtual time",
        "",
        *_table(["Scenario", "Figure", "Is", "Must be"], rows),
        "",
        f"`busbar simulate` lives {found['times_faster_than_life']:g} times as fast as the house.",
    ]


def _others(found: dict[str, Any]) -> list[str]:
    rows = [
        [title if first else "", name, f"{one['over_s']:g} ({one['longest_over_s']:g})", f"{one['promises_broken']:g}",
         *(f"{one[key]:.3g}" for key in ("cars_kwh", "follower_import_kwh", "unused_surplus_kwh", "withheld_kwh")),
         f"{one['switches']:g}"]
        for title, runs in found.items()
        for first, (name, one) in ((n == 0, pair) for n, pair in enumerate(runs.items()))
    ]  # fmt: skip
    heads = [
        "Scenario", "Controller", "s above a limit (longest)", "not mended in time", "into cars, kWh",
        "import by followers, kWh", "surplus unused, kWh", "withheld, kWh", "switches",
    ]  # fmt: skip
    return [
        "## The same plant and traces, steered by others",
        "",
        "`surplus` and `equal` are reference controllers of our own writing after published rules, every 30 or 10 s "
        "([which](simulate.md#another-controller-in-its-place)); no other product was measured.",
        "They do not steer plugs, heaters and batteries, so rows with those compare the cars and the wires only.",
        "",
        *_table(heads, rows),
    ]


def _optimum(found: dict[str, Any]) -> list[str]:
    head = ["## The demo's day beside the best there could have been", ""]
    if "skipped" in found:
        return [*head, f"Not measured: {found['skipped']}."]
    rows = [[key.replace("_", " "), f"{value:g}"] for key, value in found["figures"].items()]
    return [
        *head,
        f"{found['hours']:g} hours from midnight; `busbar simulate --optimum`.",
        "",
        *_table(["Figure", "Live"], rows),
        "",
        f"Live the day cost {found['live_cost']:g}, with everything known before it would have cost {found['cost']:g}: "
        f"a gap of {found['gap']:g} (import {found['import_kwh']:g} kWh, export {found['export_kwh']:g} kWh in the optimum).",
        "The optimum knows no minimum current, ramp, dead time or smaller circuit, so the gap is an upper bound.",
    ]


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows)]


SECTIONS: tuple[tuple[str, Any], ...] = (
    ("engine", _engine),
    ("controller", _controller),
    ("codec", _codec),
    ("bus", _bus),
    ("latency", _latency),
    ("start", _start),
    ("central", _central),
    ("many_chargers", _spoken("OCPP capacity: charge points on one process")),
    ("many_meters", _spoken("Modbus capacity: meters on one process")),
    ("simulate", _simulate),
    ("others", _others),
    ("optimum", _optimum),
)
