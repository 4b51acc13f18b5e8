"""The outcome of runs for people: a table side by side, and a picture."""

from collections.abc import Callable, Sequence
from html import escape

from busbar_cli.simulate_outcome import Point, Ran

ROWS: tuple[tuple[str, str], ...] = (
    ("over_s", "Seconds above a limit"),
    ("over_a2s", "A²s above a limit"),
    ("longest_over_s", "Longest time above a limit, s"),
    ("promises_broken", "Overloads not mended in time"),
    ("import_kwh", "Import, kWh"),
    ("export_kwh", "Export, kWh"),
    ("sun_kwh", "Sun, kWh"),
    ("used_kwh", "Used, kWh"),
    ("self_consumption", "Self-consumption"),
    ("self_sufficiency", "Self-sufficiency"),
    ("cost", "Cost"),
    ("cars_kwh", "Into cars, kWh"),
    ("things_kwh", "Into plugs and heaters, kWh"),
    ("unmet_kwh", "Unmet, kWh"),
    ("withheld_kwh", "Withheld although the phases allowed it, kWh"),
    ("follower_import_kwh", "Imported by loads that follow the sun, kWh"),
    ("unused_surplus_kwh", "Surplus they could have used, kWh"),
    ("switches", "Contactor switches"),
    ("charger_changes_per_h", "Set-point changes of chargers per hour"),
    ("battery_changes_per_h", "Set-point changes of batteries per hour"),
    ("battery_cycles", "Battery cycles"),
    ("battery_into_cars_kwh", "From the battery into cars, kWh"),
    ("battery_share_of_cars", "Part of the cars' energy from the battery"),
)

LONGEST_NAME = 36
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 380, 64, 20, 48, 34
LINES: tuple[tuple[str, str, Callable[[Point], float]], ...] = (
    ("sun", "#d99a00", lambda one: one.sun),
    ("house", "#555555", lambda one: one.house),
    ("cars", "#2b62b8", lambda one: one.cars),
    ("plugs", "#8a4fb0", lambda one: one.things),
    ("battery (+ charging)", "#1b7f4d", lambda one: one.battery),
    ("grid (+ import)", "#b3323a", lambda one: one.grid),
)


def _short(name: str) -> str:
    """A name that fits a column: of a long one its end, where commands and settings differ."""
    return name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME :]}"


def table(runs: Sequence[tuple[str, Ran]]) -> str:
    """The key figures, one column a run."""
    wide = max(len(text) for _, text in ROWS)
    names = [_short(name) for name, _ in runs]
    column = max(17, *(len(name) + 2 for name in names))
    lines = [" " * wide + "".join(name.rjust(column) for name in names)]
    for key, text in ROWS:
        values = [getattr(ran.figures, key) for _, ran in runs]
        cells = "".join(("-" if one is None else f"{one:g}").rjust(column) for one in values)
        lines.append(text.ljust(wide) + cells)
    for wire in runs[0][1].figures.breakers:
        found = [ran.figures.breakers.get(wire) for _, ran in runs]
        cells = "".join(
            ("-" if b is None else f"{b.over_s:g} s, {b.highest_a:g} A").rjust(column) for b in found
        )
        lines.append(f"  {wire}: above its limit, highest".ljust(wide) + cells)
    return "\n".join(lines)


def drawn(ran: Ran, title: str) -> str:
    """One run as an SVG document."""
    points = ran.points
    shown = [line for line in LINES if any(abs(line[2](one)) > 1 for one in points)] or list(LINES[:1])
    low = min(0.0, *(figure(one) for one in points for _, _, figure in shown)) // 1000 * 1000
    high = -(-max(1000.0, *(figure(one) for one in points for _, _, figure in shown)) // 1000) * 1000
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-size="15" font-weight="bold">{escape(title)}</text>',
    ]
    for number, (name, colour, _) in enumerate(shown):
        x = LEFT + number * 130
        parts.append(f'<line x1="{x}" y1="34" x2="{x + 18}" y2="34" stroke="{colour}" stroke-width="3"/>')
        parts.append(f'<text x="{x + 23}" y="38">{escape(name)}</text>')
    parts += [*_powers(low, high), *_hours(points)]
    for _, colour, figure in shown:
        path = " ".join(f"{_x(one.s, points):.1f},{_y(figure(one), low, high):.1f}" for one in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.4"/>')
    return "\n".join([*parts, "</svg>", ""])


def _x(second: float, points: Sequence[Point]) -> float:
    return LEFT + second / max(points[-1].s, 1.0) * (WIDTH - LEFT - RIGHT)


def _y(watts: float, low: float, high: float) -> float:
    return TOP + (high - watts) / (high - low) * (HEIGHT - TOP - BOTTOM)


def _powers(low: float, high: float) -> list[str]:
    parts = []
    for watts in range(int(low), int(high) + 1, 2000 if high - low > 8000 else 1000):
        y = _y(watts, low, high)
        shade = "#888888" if watts == 0 else "#dddddd"
        parts.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="{shade}"/>'
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{watts / 1000:g} kW</text>'
        )
    return parts


def _hours(points: Sequence[Point]) -> list[str]:
    end = points[-1].s
    part = next(p for p in (300, 900, 1800, 3600, 10_800, 86_400, 864_000, 1e9) if end / p <= 12)
    marks = [part * number for number in range(int(end / part) + 1)]
    return [
        f'<text x="{_x(mark, points):.1f}" y="{HEIGHT - 12}" text-anchor="middle">{mark / 3600:.4g} h</text>'
        for mark in marks
    ]
