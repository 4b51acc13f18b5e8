"""A heat pump that regulates itself: it may run at any time, and with enough sun it is asked to store.

Its comfort part and its storage part are one compressor on one wire. So its wires are reserved once: the grant
moves from the one part to the other and back, in one step and without a pause between them, since a compressor
that is blocked for a moment stays blocked for its dwell. A tank is another matter: there comfort ends by itself
when the water is warm, and only then is anything stored.
"""

from typing import NamedTuple

from msgspec.structs import replace

from busbar_allocator import allocate as engine
from busbar_allocator import snapshot
from busbar_allocator.background import Book
from busbar_allocator.decide import FOLLOWING, Tick, given
from busbar_allocator.exchange import Setup
from busbar_allocator.permits import impatient, may_start, stopped
from busbar_allocator.plan import COMFORT, STORAGE, LoadPlan
from busbar_allocator.ramps import Ramp
from busbar_allocator.state import NEVER, Mind, State
from busbar_contracts.allocation import MeterHealth


class Looked(NamedTuple):
    """What was decided about such heaters: the state and the engine's view, and whether a grant moved."""

    state: State
    seen: snapshot.Now
    allocation: snapshot.Allocation
    moved: bool


def look_at_storing(
    setup: Setup,
    state: State,
    seen: snapshot.Now,
    allocation: snapshot.Allocation,
    ground: dict[str, MeterHealth],
    tick: Tick,
) -> Looked:
    """Ask the engine what each such heater would get as its other part, and move its grant where that is right."""
    looked = Looked(state, seen, allocation, False)
    for owner in setup.plan.regulating:
        looked = _look(setup, looked, owner, ground, tick)
    return looked


def _look(setup: Setup, before: Looked, owner: str, ground: dict[str, MeterHealth], tick: Tick) -> Looked:
    state, plan = before.state, setup.plan
    comfort, storage = plan.loads[owner + COMFORT], plan.loads[owner + STORAGE]
    mine, stored = state.minds[comfort.id], state.minds[storage.id]
    lost = any(ground.get(name) is MeterHealth.LOST for name in comfort.circuits)
    if stored.limit_a > 0:
        if before.allocation.loads[storage.id].limit_a > 0 and not lost:
            return before
        if not _says(state, owner, "comfort_demand"):
            return before
        # Its source is gone. It goes on as it may from any source, if the wires bear that.
        there = _instead(setup, before.seen, comfort, storage)
        if there[1].loads[comfort.id].limit_a <= 0:
            return before
        rest = replace(_ended(stored), permit=stopped(stored.permit, tick.now))
        kept = min(stored.limit_a, there[1].loads[comfort.id].limit_a)
        return _moved(state, there, (storage, rest), (comfort, given(comfort, mine, kept, tick.now)))
    if mine.limit_a <= 0 or not tick.fresh or not _says(state, owner, "storage_demand"):
        return before
    there = _instead(setup, before.seen, storage, comfort)
    grant = there[1].loads[storage.id]
    permit, may = may_start(
        stored.permit, grant.limit_a > 0, storage.delays(grant.mode in FOLLOWING), tick.now
    )
    if may:
        kept = min(mine.limit_a, grant.limit_a)
        begun = given(storage, replace(stored, permit=permit), kept, tick.now)
        ended = replace(_ended(mine), permit=impatient(mine.permit))
        return _moved(state, there, (comfort, ended), (storage, begun))
    if permit is stored.permit:
        return before
    minds = {**state.minds, storage.id: replace(stored, permit=permit)}
    return before._replace(state=replace(state, minds=minds))


def _says(state: State, owner: str, demand: str) -> bool:
    """Whether the heater speaks, and says that it has this demand."""
    heard = state.known.loads.get(owner)
    silent = state.minds[owner + COMFORT].silent_since is not None
    return heard is not None and not silent and bool(getattr(heard.message, demand))


def _instead(
    setup: Setup, seen: snapshot.Now, one: LoadPlan, other: LoadPlan
) -> tuple[snapshot.Now, snapshot.Allocation]:
    """The instant in which the one part wants what the other has."""
    loads = {
        **seen.loads,
        one.id: replace(seen.loads[one.id], wants_power=True, draw_a=seen.loads[other.id].draw_a),
        other.id: replace(seen.loads[other.id], wants_power=False, draw_a=0.0, hold_minimum=False),
    }
    there = replace(seen, loads=loads)
    return there, engine.decide(setup.model, there)


def _ended(mind: Mind) -> Mind:
    """The part that hands over: nothing of it is under way."""
    return replace(
        mind, limit_a=0.0, before_a=0.0, cut_until=NEVER, ramp=Ramp(), holding=False, sent_at=NEVER
    )


def _moved(
    state: State,
    there: tuple[snapshot.Now, snapshot.Allocation],
    ended: tuple[LoadPlan, Mind],
    begun: tuple[LoadPlan, Mind],
) -> Looked:
    minds = {**state.minds, ended[0].id: ended[1], begun[0].id: replace(begun[1], sent_at=NEVER)}
    books = {name: _handed_over(book, ended[0].id, begun[0].id) for name, book in state.books.items()}
    return Looked(replace(state, minds=minds, books=books), *there, moved=True)


def _handed_over(book: Book, one: str, other: str) -> Book:
    """The book in which what was believed of the one part is believed of the other: it is one compressor."""
    if one not in book.draws:
        return book
    draws = {name: draw for name, draw in book.draws.items() if name not in (one, other)}
    held = {name: samples for name, samples in book.held.items() if name not in (one, other)}
    if one in book.held:
        held[other] = book.held[one]
    return replace(book, draws={**draws, other: book.draws[one]}, held=held)
