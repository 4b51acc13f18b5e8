"""The words and curves of a soak, for the page docs/reliability.md."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from vitals import Sample, Trend

PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
CURVES = PAGE.with_name("soak.svg")
COLOURS = (
    "#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf",
)  # fmt: skip
WIDTH, HEIGHT, LEFT, GAP = 640, 200, 60, 50


def put(name: str, text: str, page: Path = PAGE) -> None:
    """Replace what stands between the two marks of this name."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, rest = page.read_text(encoding="utf-8").split(begin)
    page.write_text(f"{before}{begin}\n{text}\n\n{end}{rest.split(end)[1]}", encoding="utf-8")


def as_table(trends: Mapping[str, Trend]) -> str:
    """One row per process: how it was after its first minutes, and at its end."""
    rows = [
        f"| {name} | {one.lived_s / 60:.0f} min | {one.memory_mib[0]:.1f} → {one.memory_mib[1]:.1f} MiB "
        f"| {one.handles[0]} → {one.handles[1]} | {one.threads[0]} → {one.threads[1]} | {one.cpu_percent:.1f} % |"
        for name, one in trends.items()
    ]
    head = "| Process | Lived | Memory | File handles | Threads | Processor |\n|---|---|---|---|---|---|"
    return "\n".join((head, *rows))


def as_curves(samples: Mapping[str, Sequence[Sample]]) -> str:
    """Memory and file handles of all processes over the time of the soak, as one picture."""
    last_s = max(one.at_s for some in samples.values() for one in some)
    panels = (
        _panel(samples, 30, last_s, "memory, MiB", lambda one: one.memory_mib),
        _panel(samples, 30 + HEIGHT + GAP, last_s, "file handles", lambda one: float(one.handles)),
    )
    names = "".join(
        f'<text x="{LEFT + WIDTH + 14}" y="{44 + 18 * number}" fill="{COLOURS[number % len(COLOURS)]}">{name}</text>'
        for number, name in enumerate(samples)
    )
    height = 2 * HEIGHT + GAP + 60
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 110} {height}" '
        'font-family="sans-serif" font-size="12">\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n{"".join(panels)}{names}\n</svg>\n'
    )


def _panel(samples, top, last_s, title, value):  # type: ignore[no-untyped-def]
    highest = max(value(one) for some in samples.values() for one in some) * 1.1
    lines = "".join(
        _line(some, top, last_s, highest, value, COLOURS[number % len(COLOURS)])
        for number, some in enumerate(samples.values())
    )
    marks = "".join(
        f'<text x="{LEFT - 8}" y="{top + HEIGHT - HEIGHT * part + 4:.0f}" text-anchor="end">{highest * part:.0f}</text>'
        for part in (0, 0.5, 1)
    )
    return (
        f'<text x="{LEFT}" y="{top - 8}">{title}, over {last_s / 60:.0f} min; a gap is a process that was killed</text>'
        f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>{marks}{lines}\n'
    )


def _line(some, top, last_s, highest, value, colour):  # type: ignore[no-untyped-def]
    drawn, pid = [], None
    for one in some[:: max(len(some) // 120, 1)]:
        x, y = LEFT + WIDTH * one.at_s / last_s, top + HEIGHT - HEIGHT * value(one) / highest
        drawn.append(f"{'L' if one.pid == pid else 'M'}{x:.0f},{y:.1f}")
        pid = one.pid
    return f'<path d="{" ".join(drawn)}" fill="none" stroke="{colour}"/>'
