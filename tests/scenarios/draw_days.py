"""Draws the pictures of `docs/modes.md`: the engine on a day of the simulator's sun and household.

    python tests/scenarios/draw_days.py          writes docs/modes-day.svg and docs/distribution-day.svg

Every five minutes the engine decides and the cars obey at once: what differs is the decision alone.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
sys.path[:0] = [
    str(ROOT / part) for part in ("contracts", "shared", "services") if str(ROOT / part) not in sys.path
]

from busbar_allocator.allocate import decide  # noqa: E402
from busbar_allocator.site_model import SiteModel  # noqa: E402
from busbar_allocator.snapshot import (  # noqa: E402
    Battery,
    BatteryNow,
    Circuit,
    Inverter,
    InverterNow,
    Load,
    LoadNow,
    Now,
    PerPhase,
    Settings,
    Site,
)
from busbar_contracts.allocation import Distribution  # noqa: E402
from busbar_contracts.load import LoadMode  # noqa: E402
from busbar_simulator.plant.household import Household  # noqa: E402
from busbar_simulator.plant.sky import Sky  # noqa: E402

DOCS = ROOT / "docs"
SEED, DAY = 7, 130
"""The tenth of May of one household."""
STEP_S = 300
VOLT = 230.0
SKY = Sky(seed=SEED, peak_w=10_000, cloudiness=0.35)
HOME = Household(seed=SEED)
WIDTH, PANEL, LEFT, TOP = 860, 150, 56, 40
COLOURS = {"sun": "#d99a00", "house": "#888888", "car": "#1f5fa8", "van": "#b3323a"}
MODES = (LoadMode.STANDARD, LoadMode.SOLAR_PRIORITY, LoadMode.SOLAR_ONLY, LoadMode.EXCESS)


class Moment(NamedTuple):
    """One instant of the day: watts."""

    hour: float
    sun: float
    house: tuple[float, float, float]
    loads: dict[str, float]


def a_day(
    site: Site, seen: Callable[[float, tuple[float, ...]], dict[str, Any]] | None = None, most: float = 1e9
) -> Iterator[Moment]:
    """The day of a site whose loads obey at once; `seen` adds what else is measured, `most` caps the sun."""
    model = SiteModel(site)
    for second in range(0, 86_400, STEP_S):
        at = DAY * 86_400 + second
        sun, house = min(most, SKY.power_w(at)), HOME.power_w(at)
        background = PerPhase(*((watts - sun / 3) / VOLT for watts in house))
        now = Now(
            grid_a=background,
            loads={name: LoadNow() for name in site.loads},
            **(seen(sun, house) if seen is not None else {}),
        )
        grants = decide(model, now).loads
        yield Moment(
            second / 3600,
            sun,
            house,
            {name: one.limit_a * len(one.legs) * VOLT for name, one in grants.items()},
        )


def one_car(mode: LoadMode) -> Site:
    """A three-phase car of one mode, the main breaker of 25 A, and a threshold that this roof can reach."""
    return Site(
        circuits={"main": Circuit(limit_a=25)},
        loads={"car": Load(mode=mode)},
        settings=Settings(excess_threshold_w=2000, netting="sum"),
    )


def two_cars(distribution: Distribution) -> Site:
    """Two three-phase cars in Standard behind a breaker that does not bear both."""
    return Site(
        circuits={"main": Circuit(limit_a=20)},
        loads={"car": Load(), "van": Load(priority=2)},
        settings=Settings(distribution=distribution),
    )


def energy(day: list[Moment], load: str) -> float:
    """What a load took that day (kWh)."""
    return sum(moment.loads[load] for moment in day) * STEP_S / 3.6e6


def imported(day: list[Moment], load: str) -> float:
    """What of it came from the grid, the meter netting all phases (kWh)."""
    missing = (
        min(m.loads[load], max(0.0, sum(m.house) + m.loads[load] - m.sun)) for m in day if m.loads[load] > 0
    )
    return sum(missing) * STEP_S / 3.6e6


def drawn(title: str, panels: list[tuple[str, list[Moment]]], names: tuple[str, ...]) -> str:
    """Panels below each other, one per mode."""
    height = TOP + len(panels) * PANEL + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="18" font-size="15" font-weight="bold">{title}</text>',
    ]
    for place, name in enumerate(("sun", "house", *names)):
        x = LEFT + 130 * place
        parts.append(
            f'<line x1="{x}" y1="30" x2="{x + 22}" y2="30" stroke="{COLOURS[name]}" stroke-width="3"/>'
        )
        parts.append(f'<text x="{x + 28}" y="34">{name}</text>')
    top = max(max(m.sun, sum(m.house), sum(m.loads.values())) for _, day in panels for m in day)
    for place, (caption, day) in enumerate(panels):
        parts += panel(caption, day, names, TOP + place * PANEL, -(-top // 2000) * 2000)
    for hour in range(0, 25, 3):
        parts.append(f'<text x="{x_of(hour):.0f}" y="{height - 8}" text-anchor="middle">{hour}:00</text>')
    return "\n".join([*parts, "</svg>", ""])


def panel(caption: str, day: list[Moment], names: tuple[str, ...], at: float, top: float) -> list[str]:
    """One mode: sun and house behind, the loads as steps in front."""
    high = PANEL - 30

    def y_of(watts: float) -> float:
        return at + 22 + (1 - watts / top) * high

    parts = [f'<text x="{LEFT + 6}" y="{at + 16}" font-weight="bold">{caption}</text>']
    for watts in range(0, int(top) + 1, 4000):
        y = y_of(watts)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - 20}" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{watts // 1000} kW</text>')
    parts.append(line([(m.hour, y_of(m.sun)) for m in day], COLOURS["sun"], 1.5))
    parts.append(line([(m.hour, y_of(sum(m.house))) for m in day], COLOURS["house"], 1))
    for name in names:
        parts.append(line([(m.hour, y_of(m.loads[name])) for m in day], COLOURS[name], 2))
    return parts


def line(points: list[tuple[float, float]], colour: str, width: float) -> str:
    """A polyline over the hours of the day."""
    path = " ".join(f"{x_of(hour):.1f},{y:.1f}" for hour, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def x_of(hour: float) -> float:
    """Hours from left to right."""
    return LEFT + hour / 24 * (WIDTH - LEFT - 20)


def pictures() -> dict[str, str]:
    """Every picture by its file name."""
    modes = [(mode.value.replace("_", " ").title(), list(a_day(one_car(mode)))) for mode in MODES]
    shares = [(one.value.title(), list(a_day(two_cars(one)))) for one in Distribution]
    return {
        "modes-day.svg": drawn("One car, four modes (10 May, threshold of Excess 2 kW)", modes, ("car",)),
        "distribution-day.svg": drawn(
            "Two cars behind 20 A, four distribution modes", shares, ("car", "van")
        ),
    }


def mode_table() -> list[str]:
    """What each mode took, and what of it came from the grid."""
    rows = []
    for mode in MODES:
        day = list(a_day(one_car(mode)))
        rows.append(f"| {mode.value} | {energy(day, 'car'):.1f} | {imported(day, 'car'):.1f} |")
    return rows


def source_table() -> list[str]:
    """What it costs not to know what the inverter puts out: amps promised that it cannot deliver."""
    site = Site(
        circuits={"main": Circuit(limit_a=25)},
        inverters={"roof": Inverter(rating_w=6000)},
        batteries={"house": Battery(inverter="roof")},
        loads={"car": Load(mode=LoadMode.SOLAR_ONLY, phases=("a", "b", "c"))},
        settings=Settings(netting="sum"),
    )
    battery = {"house": BatteryNow(power_w=0, soc_percent=90)}

    def outputs(sun: float, house: tuple[float, ...]) -> dict[str, Any]:
        amps = PerPhase(*[sun / 3 / VOLT] * 3)
        return {"batteries": battery, "inverters": {"roof": InverterNow(output_a=amps)}}

    def sensor(sun: float, house: tuple[float, ...]) -> dict[str, Any]:
        return {"batteries": battery, "solar_w": sun}

    def meter(sun: float, house: tuple[float, ...]) -> dict[str, Any]:
        return {"batteries": battery}

    rows = []
    for name, seen in (("three outputs", outputs), ("one sensor", sensor), ("the meter alone", meter)):
        day = list(a_day(site, seen, 6000))
        beyond = [max(0.0, m.loads["car"] + sum(m.house) - 6000) for m in day]
        amps = sum(m.loads["car"] for m in day) / len(day) / VOLT / 3
        most = max(beyond) / VOLT / 3
        rows.append(f"| {name} | {amps:.1f} | {most:.1f} | {sum(beyond) * STEP_S / 3.6e6:.1f} |")
    return rows


def main() -> None:
    """Write the pictures and print the tables."""
    for name, text in pictures().items():
        (DOCS / name).write_text(text)
    print("\n".join([*mode_table(), "", *source_table()]))


if __name__ == "__main__":
    main()
