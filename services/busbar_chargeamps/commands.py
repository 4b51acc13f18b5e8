"""`busbar chargeamps ...`: questions for integrators and support."""

import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="The Charge Amps scheduler.")


@app.command("plan")
def plan_(
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines in, JSON Lines out.")] = False,
) -> None:
    """Plan the cheap hours of the price slots on standard input; one JSON object a line."""
    from busbar_chargeamps.asked import what_would_you_plan

    _answer_each_line(what_would_you_plan)


@app.command("check")
def check(
    as_json: Annotated[bool, typer.Option("--json", help="JSON Lines in, JSON Lines out.")] = False,
) -> None:
    """Say what the scheduler would do with the messages on standard input; one JSON object a line."""
    from busbar_chargeamps.asked import what_would_you_say

    _answer_each_line(what_would_you_say)


def _answer_each_line(ask: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    import json

    from busbar_chargeamps.asked import answer

    for raw in sys.stdin.buffer:
        line = raw.decode("utf-8", "replace")
        if line.strip():
            sys.stdout.write(json.dumps(answer(line, ask), ensure_ascii=True) + "\n")
            sys.stdout.flush()
