"""The figures of the specification beside what was measured: met, or by how much not."""

from typing import Any

Row = tuple[str, str, str, bool]
"""What, the goal, what it is, whether it is met."""

LEAN = ("priority", "optimized", "strict")
ANSWERING = "a battery that will still give"


def goals(report: dict[str, Any]) -> list[Row]:
    """Every figure that this report can judge."""
    rows: list[Row] = []
    if "engine" in report:
        rows += _engine(report["engine"])
    if "controller" in report:
        rows += _controller(report["controller"])
    for one in report.get("latency", []):
        if one["broker"] == "mosquitto" and "failed" not in one:
            rows += _latency(one)
    if "start" in report:
        most = max(one["resident"] for one in report["start"]["memory_mib"].values())
        rows.append(_below("memory of the largest process", most, 60, "MiB"))
    if "simulate" in report:
        rows += _quality(report["simulate"]["scenarios"])
    return rows


def _engine(found: dict[str, Any]) -> list[Row]:
    rows = []
    for kind, modes in found.items():
        name = "engine, a battery answering" if kind.startswith(ANSWERING) else f"engine, {kind}"
        lean = max(modes[mode]["loads"]["3"]["us"] for mode in LEAN)
        rows.append(_below(f"{name}: 3 loads, all modes but Shared", lean, 50, "µs"))
        rows.append(_below(f"{name}: 3 loads, Shared", modes["shared"]["loads"]["3"]["us"], 100, "µs"))
        for size, most in (("100", 2_000), ("1000", 40_000)):
            worst = max(figures["loads"][size]["us"] for figures in modes.values())
            rows.append(_below(f"{name}: {size} loads, the slowest mode", worst, most, "µs"))
        growth = max(figures["growth_100_to_1000"] for figures in modes.values())
        rows.append(_below(f"{name}: growth from 100 to 1000 loads", growth, 15, "×"))
    return rows


def _controller(found: dict[str, Any]) -> list[Row]:
    rows = [
        _below(f"controller step, {size} loads, Priority", found[size]["step_us"], most, "µs")
        for size, most in (("3", 100), ("100", 4_000), ("1000", 80_000))
    ]
    worst = max(one["ratio"] for one in found.values())
    return [*rows, _below("controller step beside the engine inside it, at worst", worst, 2, "×")]


def _latency(found: dict[str, Any]) -> list[Row]:
    limit, profile = found["reading_to_limit_ms"], found["reading_to_profile_ms"]
    return [
        _below("meter to limit, median", limit["median"], 3, "ms"),
        _below("meter to limit, 99 %", limit["p99"], 15, "ms"),
        _below("meter to profile on the wire, 99 %", profile["p99"], 30, "ms"),
    ]


def _quality(found: dict[str, Any]) -> list[Row]:
    step, sun = found["an overload step on each phase"], found["moving sun"]
    kept = sum(_within(one) for bounds in found.values() for one in bounds.values())
    count = sum(len(bounds) for bounds in found.values())
    return [
        _below("overload step, 33 A on 25 A", step["longest_over_s"]["is"], 4, "s"),
        _below("moving sun, import", sun["follower_import_kwh"]["is"], 0.05, "kWh"),
        _below("moving sun, unused surplus", sun["unused_surplus_kwh"]["is"], 0.15, "kWh"),
        ("scenario set, bounds kept", f"all {count}", f"{kept}", kept == count),
    ]


def _within(one: dict[str, Any]) -> bool:
    least, most = one.get("least"), one.get("most")
    return (least is None or one["is"] >= least) and (most is None or one["is"] <= most)


def _below(name: str, value: float, most: float, unit: str) -> Row:
    return name, f"at most {most:g} {unit}", f"{value:g} {unit}", value <= most
