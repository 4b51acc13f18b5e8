"""Command groups that are imported only when they are used, so that a service stays small and starts fast.

The table of contents is written here: in which panel a command stands, and in which order.
"""

import importlib
from typing import Any

import typer
from typer.core import TyperGroup

GROUPS: dict[str, tuple[str, str]] = {
    "config": ("busbar_cli.config_commands", "Check, describe or make a configuration."),
    "contract": ("busbar_cli.contract_commands", "Export the contract, compare it, or check live traffic."),
    "discovery": ("busbar_cli.discovery_commands", "What Home Assistant is shown: list it, remove it."),
    "meter": ("busbar_meter.commands", "Scan, read and dump meters and inverters."),
    "ocpp": ("busbar_ocpp.commands", "Chargers: list, start, stop, verify, sessions."),
    "plug": ("busbar_plugs.commands", "Plugs: list, show, switch, detect."),
    "heat": ("busbar_heat.commands", "Heaters: list, show."),
    "battery": ("busbar_cli.battery_commands", "Batteries: explain, set, simulate, reserve."),
    "chargeamps": ("busbar_chargeamps.commands", "Charge Amps: plan, check, send a schedule."),
    "simulator": ("busbar_simulator.commands", "Parts of the simulated house for a test bench."),
    "prices": ("busbar_prices.commands", "Prices: fetch and show."),
}
"""Name of a group to the module with its `app`, and the line in the table of contents."""

SINGLE: dict[str, tuple[str, str, str]] = {
    "record": ("busbar_cli.record_commands", "record", "Record the traffic of a site, without its secrets."),
    "replay": ("busbar_cli.record_commands", "replay", "Play a recording, and say where decisions differ."),
    "simulate": ("busbar_cli.simulate_command", "simulate", "A day of a site in virtual time, in figures."),
    "detect": (
        "busbar_cli.detect_command",
        "detect",
        "Find meters and plugs among Home Assistant's entities.",
    ),
    "explain": ("busbar_allocator.commands", "explain", "Why each load gets what it gets."),
    "commands": ("busbar_cli.commands_page", "commands", "Every command on one page."),
}
"""Commands that a service brings without a group of their own."""

CONTENTS: dict[str, tuple[str, ...]] = {
    "Begin": ("demo", "setup", "config", "accounts"),
    "Run": ("up", "run", "restart"),
    "Look": ("status", "explain", "doctor", "watch", "health"),
    "Devices": ("meter", "ocpp", "plug", "heat", "battery", "chargeamps", "prices"),
    "Home Assistant": ("detect", "discovery"),
    "Bug reports and what-if": ("record", "replay", "simulate"),
    "For programs and test benches": ("contract", "simulator", "commands", "version"),
}
"""The table of contents: what stands in which part, in the order of its reading."""


class LazyGroup(TyperGroup):
    """A group whose subgroups are known by name and imported on use."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command, own and lazy, as a table of contents."""
        known = [*super().list_commands(ctx), *SINGLE, *GROUPS]
        order = [name for part in CONTENTS.values() for name in part]
        return sorted(known, key=lambda name: order.index(name) if name in order else len(order))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name, imported now if need be; None when there is none."""
        found: Any = super().get_command(ctx, cmd_name)
        if found is None:
            only_names = ctx.resilient_parsing or _asks_for_help_only(ctx)
            found = self._placeholder(cmd_name) if only_names else _load(cmd_name)
        if found is not None:
            found.rich_help_panel = _part_of(cmd_name)
            # The table of contents has one line a command; exit codes stand in its own help.
            found.short_help = (found.help or "").split(". ")[0].strip().rstrip(".") + "."
        return found

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """What is called is real, also while the shell completes; only the table of contents looks at names."""
        command = _load(args[0]) if super().get_command(ctx, args[0]) is None else None
        return (args[0], command, args[1:]) if command is not None else super().resolve_command(ctx, args)

    def _placeholder(self, name: str) -> Any:
        text = GROUPS[name][1] if name in GROUPS else SINGLE[name][2] if name in SINGLE else None
        if text is None:
            return None
        app = typer.Typer(help=text)
        app.callback()(lambda: None)
        made = typer.main.get_command(app)
        made.name = name
        return made


def _part_of(name: str) -> str | None:
    return next((part for part, names in CONTENTS.items() if name in names), None)


def _asks_for_help_only(ctx: Any) -> bool:
    """Whether the whole line is `busbar --help`, for which nothing need be imported."""
    return bool(ctx.obj == "help")


def _load(name: str) -> Any:
    if name in SINGLE:
        module, function, _ = SINGLE[name]
        app = typer.Typer()
        app.command(name=name)(getattr(importlib.import_module(module), function))
        return typer.main.get_command(app)
    if name not in GROUPS:
        return None
    try:
        found = importlib.import_module(GROUPS[name][0])
    except ModuleNotFoundError as error:
        if error.name is None or not GROUPS[name][0].startswith(error.name):
            raise
        return None
    made = typer.main.get_command(found.app)
    made.name = name
    return made
