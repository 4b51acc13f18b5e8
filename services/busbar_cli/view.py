"""The scene drawn for a terminal, as one line for a log, or as JSON."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from rich.console import Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from busbar_cli.scene import Scene
from busbar_contracts.chargeamps import ChargeAmpsStatus
from busbar_shared.command_line import console, plain

BAR = 28


@contextmanager
def live_view(scene: Scene) -> Iterator["View"]:
    """A view in the terminal that is drawn anew at each refresh."""
    with Live(console=console(), auto_refresh=False, screen=False) as live:
        yield View(scene, live)


class View:
    """The live view."""

    def __init__(self, scene: Scene, live: Live) -> None:
        self._scene, self._live = scene, live

    def refresh(self) -> None:
        """Draw what is known now."""
        self._live.update(picture(self._scene), refresh=True)


def picture(scene: Scene) -> Panel:
    """The house on one screen."""
    if scene.truth is None:
        return Panel(
            f"starting: {', '.join(scene.services) or 'waiting for the broker'} ...", title="Busbar demo"
        )
    at = scene.truth.house_time.astimezone(scene.zone).strftime("%A %H:%M")
    return Panel(
        Group(_phases(scene), _sources(scene), _loads(scene), _events(scene)),
        title=Text(f"{plain(scene.site.site.name)}, {at}"),
        subtitle="ctrl-c ends",
    )


def _phases(scene: Scene) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in ("Phase", "True current against the breaker", "", "Metered"):
        table.add_column(head)
    for name, phase in scene.phases():
        share = min(abs(phase.current_a) / phase.limit_a, 1.2)
        colour = "red" if share > 1 else "yellow" if share > 0.9 else "green"
        filled = round(min(share, 1.0) * BAR)
        bar = Text("█" * filled, style=colour) + Text("░" * (BAR - filled), style="dim")
        metered = getattr(scene.reading, name, None) if scene.reading is not None else None
        seen = "" if metered is None or metered.current_a is None else f"{metered.current_a:6.1f} A"
        table.add_row(name, bar, f"{phase.current_a:6.1f} of {phase.limit_a:g} A", seen)
    return table


def _sources(scene: Scene) -> Text:
    truth = scene.truth
    assert truth is not None
    soc = "" if truth.battery_soc_percent is None else f" at {truth.battery_soc_percent:.0f} %"
    way = "charging" if truth.battery_w >= 0 else "giving"
    grid = "import" if truth.grid_w >= 0 else "export"
    return Text(
        f"\nsun {truth.solar_w / 1000:.1f} kW   house {truth.house_w / 1000:.1f} kW   "
        f"battery {way} {abs(truth.battery_w) / 1000:.1f} kW{soc}   {grid} {abs(truth.grid_w) / 1000:.1f} kW\n"
    )


def _loads(scene: Scene) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in ("Load", "Status", "Draws", "Limit", "Why"):
        table.add_column(head, overflow="fold")
    for name in scene.load_ids():
        grant = scene.allocation.loads.get(name) if scene.allocation is not None else None
        drawn = scene.truth.loads.get(name) if scene.truth is not None else None
        table.add_row(
            name,
            _status(scene, name),
            "" if drawn is None else f"{drawn:.1f} A",
            "" if grant is None or name in scene.scheduled else f"{grant.limit_a:.1f} A",
            "" if grant is None else plain(grant.reason),
        )
    return table


def _status(scene: Scene, name: str) -> str:
    if name in scene.chargers:
        state = scene.chargers[name]
        return state.status.value if state.link else "no link"
    if name in scene.scheduled:
        return _window(scene.scheduled[name], scene)
    if name in scene.plugs:
        return {True: "on", False: "off", None: "unknown"}[scene.plugs[name].on]
    if name in scene.heaters:
        heater = scene.heaters[name]
        return "" if heater.temperature_c is None else f"{heater.temperature_c:.1f} °C"
    return ""


def _window(status: ChargeAmpsStatus, scene: Scene) -> str:
    """What it does, and how long until its window opens or ends."""
    edge, what = status.next_period_start, "opens"
    if status.in_period:
        edge, what = status.next_period_end, "ends"
    if edge is None or scene.truth is None:
        return status.state
    return f"{status.state}, window {what} in {max(round((edge - scene.truth.at).total_seconds()), 0)} s"


def _events(scene: Scene) -> Text:
    return Text(
        "\n".join(["", *(f"{plain(one.service)}: {plain(one.text[:110])}" for one in scene.events[-3:])]),
        style="dim",
    )


def headless_line(scene: Scene) -> str:
    """One second of the house in one line."""
    truth = scene.truth
    if truth is None:
        return "starting"
    phases = " ".join(f"{name}={phase.current_a:.1f}/{phase.limit_a:g}A" for name, phase in scene.phases())
    grants = scene.allocation.loads if scene.allocation is not None else {}
    loads = " ".join(
        f"{name}={truth.loads.get(name, 0.0):.1f}A"
        + ("" if name in scene.scheduled or name not in grants else f" of {grants[name].limit_a:.1f}A")
        + (f" ({plain(grants[name].reason)})" if name in grants else "")
        for name in scene.load_ids()
    )
    soc = "" if truth.battery_soc_percent is None else f" soc={truth.battery_soc_percent:.0f}%"
    return (
        f"{truth.house_time.astimezone(scene.zone):%H:%M} {phases} sun={truth.solar_w:.0f}W house={truth.house_w:.0f}W "
        f"battery={truth.battery_w:.0f}W{soc} grid={truth.grid_w:.0f}W {loads} {truth.verdict}"
    )


def json_line(scene: Scene) -> str:
    """The same for programs."""
    allocation = scene.allocation
    return msgspec.json.encode(
        {"truth": scene.truth, "loads": allocation.loads if allocation is not None else {}}
    ).decode()
