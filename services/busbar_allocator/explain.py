"""`busbar explain`: what each load gets, what binds it, and what it would take to get more."""

import json
from collections.abc import Iterable, Iterator, Sequence
from math import ceil

import msgspec

from busbar_allocator.allocate import allocate
from busbar_allocator.decode import read_snapshot
from busbar_allocator.snapshot import Allocation, BadSnapshot, LoadGrant, PerPhase

MORE = {
    "wire": "{amount}less on phase {phase} of {circuit}: the house{others}, or a higher limit there",
    "import": "{amount}less import: the house{others}, more sun, or a higher import limit",
    "unbalance": "{amount}more on phase {second} or less on phase {first}, or a larger allowed difference",
    "inverter": "{amount}less house load on phase {phase}, or an inverter with a higher rating",
    "solar_pool": "{amount}more sun, or less house load{others}",
    "excess_pool": "{amount}more export{others}, or a lower threshold",
    "no_grid": "{amount}more sun{others}, or grid charging on",
    "battery_minimum": "a battery above its minimum, or grid charging on",
    "maximum": "nothing: it has all it can take",
    "status": "that it wants power",
    "rank": "a higher rank, or that those before it have what they want",
    "plugs": "that the other connector ends",
}
"""What would have to change on a row of each kind."""


def answer(text: bytes) -> bytes:
    """One snapshot in, one allocation out as JSON; whatever is wrong becomes `{"error": sentence}`."""
    try:
        return msgspec.json.encode(allocate(read_snapshot(text)))
    except BadSnapshot as error:
        return msgspec.json.encode({"error": str(error)})


def answers(lines: Iterable[bytes]) -> Iterator[bytes]:
    """An answer per line of JSON Lines as it arrives; text that is one object over many lines is one."""
    whole: list[bytes] = []
    streaming = False
    for line in lines:
        if not line.strip() and not whole:
            continue
        if streaming or _complete(line):
            streaming = True
            yield from _flushed(whole)
            if line.strip():
                yield answer(line)
        else:
            whole.append(line)
    yield from _flushed(whole)


def _flushed(whole: list[bytes]) -> Iterator[bytes]:
    """What was gathered so far: one object, or lines that are each wrong in their own way."""
    if not whole:
        return
    text = b"".join(whole)
    if _complete(text) or len(whole) == 1:
        yield answer(text)
    else:
        yield from (answer(line) for line in whole if line.strip())
    whole.clear()


def _complete(text: bytes) -> bool:
    """It reads as one JSON value, NaN allowed: a snapshot with NaN deserves its own sentence."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def more(grant: LoadGrant) -> str:
    """What it would take for this load to get its next step, or to run at all."""
    binding = grant.binding
    amount = ""
    if binding.missing_a:
        amount = f"{ceil(binding.missing_a * 10 - 0.01) / 10:g} A "
    elif binding.missing_w:
        amount = f"{ceil(binding.missing_w):g} W "
    return what_it_takes(binding.kind, binding.circuit, binding.phase or "", binding.shared_with, amount)


def what_it_takes(
    kind: str, circuit: str | None, phase: str, shared_with: Sequence[str], amount: str = ""
) -> str:
    """What would have to change on a row of this kind; a kind nobody knows is only named."""
    others = f", {' or '.join(shared_with)}" if shared_with else ""
    where = "+".join(phase.upper()) or "A"
    first, second = phase[:1].upper(), phase[1:].upper()
    text = MORE.get(kind, kind)
    return text.format(phase=where, circuit=circuit, others=others, first=first, second=second, amount=amount)


def show(allocation: Allocation) -> None:
    """Print an allocation as tables for a person."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    loads = Table(title="Loads", title_justify="left")
    for title in ("load", "mode", "limit", "target", "available", "reserved"):
        loads.add_column(title, justify="left" if title in ("load", "mode") else "right", no_wrap=True)
    for name, grant in allocation.loads.items():
        amps = (grant.limit_a, grant.target_a, grant.available_a, grant.reserved_a)
        loads.add_row(escape(name), grant.mode.value, *(f"{a:g} A" for a in amps))
    console.print(loads)
    for name, grant in allocation.loads.items():
        said = f"[bold]{escape(name)}[/bold] {grant.limit_a:g} A: {escape(grant.reason)}"
        console.print(said, highlight=False)
        console.print(f"  to get more: {escape(more(grant))}", highlight=False)
    circuits = Table(title="Circuits", title_justify="left")
    for title in ("circuit", "not managed", "granted", "left"):
        circuits.add_column(title)
    for name, circuit in allocation.circuits.items():
        figures = (circuit.background_a, circuit.granted_a, circuit.headroom_a)
        circuits.add_row(escape(name), *(_phases(figure) for figure in figures))
    console.print(circuits)
    for name, battery in allocation.batteries.items():
        console.print(
            f"battery {escape(name)}: charge at most {battery.charge_limit_w:g} W ({battery.reason}), "
            f"discharge at most {battery.discharge_limit_w:g} W"
        )
    pools = allocation.pools
    console.print(
        f"surplus {pools.surplus_w:g} W, solar pool {pools.solar_w:g} W ({pools.solar_left_w:g} W left), "
        f"excess pool {pools.excess_w:g} W ({pools.excess_left_w:g} W left)"
    )
    for note in allocation.notes:
        console.print(f"[yellow]note:[/yellow] {escape(note)}", highlight=False)


def _phases(figure: PerPhase) -> str:
    values = ((name, getattr(figure, name)) for name in ("a", "b", "c"))
    return "  ".join(f"{name.upper()} {value:g} A" for name, value in values if value is not None)
