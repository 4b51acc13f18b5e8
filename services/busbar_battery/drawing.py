"""A day as a picture: plain SVG, readable on light and dark paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from busbar_battery.day import Minute

WIDTH, HEIGHT = 860, 430
LEFT, RIGHT, TOP = 64, 20, 44
POWER_H, SOC_H, GAP = 240, 80, 22

# Name, colour, figure of a minute.
LINES: tuple[tuple[str, str, Callable[[Minute], float]], ...] = (
    ("sun", "#d99a00", lambda one: one.pv),
    ("house", "#555555", lambda one: one.load),
    ("battery (+ charging)", "#1b7f4d", lambda one: one.battery),
    ("grid (+ import)", "#b3323a", lambda one: one.grid),
)


def drawn(minutes: Sequence[Minute], title: str, export_limit: float | None = None) -> str:
    """The day as one SVG document."""
    low, high = _bounds(minutes)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-size="15" font-weight="bold">{escape(title)}</text>',
        *_legend(),
        *_power_axis(low, high),
        *_soc_axis(),
    ]
    if export_limit is not None and low <= -export_limit:
        y = _power_y(-export_limit, low, high)
        parts.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" '
            'stroke="#b3323a" stroke-dasharray="5 4"/>'
            f'<text x="{LEFT + 6}" y="{y - 4:.1f}" fill="#b3323a">export limit</text>'
        )
    for _, colour, figure in LINES:
        parts.append(_line([(one.hour, _power_y(figure(one), low, high)) for one in minutes], colour))
    parts.append(_line([(one.hour, _soc_y(one.soc)) for one in minutes], "#1b7f4d"))
    return "\n".join([*parts, "</svg>", ""])


def _bounds(minutes: Sequence[Minute]) -> tuple[float, float]:
    figures = [figure(one) for one in minutes for _, _, figure in LINES]
    return min(0.0, min(figures) // 1000 * 1000), -(-max(figures) // 1000) * 1000


def _x(hour: float) -> float:
    return LEFT + hour / 24 * (WIDTH - LEFT - RIGHT)


def _power_y(watts: float, low: float, high: float) -> float:
    return TOP + (high - watts) / (high - low) * POWER_H


def _soc_y(percent: float) -> float:
    return TOP + POWER_H + GAP + (100 - percent) / 100 * SOC_H


def _line(points: Sequence[tuple[float, float]], colour: str) -> str:
    # Every third minute is enough for the eye and keeps the file small.
    path = " ".join(f"{_x(hour):.1f},{y:.1f}" for hour, y in points[::3])
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>'


def _legend() -> list[str]:
    parts = []
    for number, (name, colour, _) in enumerate(LINES):
        x = LEFT + 190 * number
        parts.append(f'<line x1="{x}" y1="34" x2="{x + 22}" y2="34" stroke="{colour}" stroke-width="3"/>')
        parts.append(f'<text x="{x + 28}" y="38">{escape(name)}</text>')
    return parts


def _power_axis(low: float, high: float) -> list[str]:
    parts = []
    for watts in range(int(low), int(high) + 1, 2000 if high - low > 8000 else 1000):
        y = _power_y(watts, low, high)
        shade = "#888888" if watts == 0 else "#dddddd"
        parts.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="{shade}"/>'
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{watts / 1000:g} kW</text>'
        )
    return parts


def _soc_axis() -> list[str]:
    parts = []
    for percent in (0, 50, 100):
        y = _soc_y(percent)
        parts.append(
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#dddddd"/>'
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{percent} %</text>'
        )
    for hour in range(0, 25, 3):
        parts.append(f'<text x="{_x(hour):.1f}" y="{HEIGHT - 12}" text-anchor="middle">{hour:02d}:00</text>')
    return parts
