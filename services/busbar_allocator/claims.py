"""What each load asks for in this instant: whether it takes part, between which bounds, on which counters.

The instantaneous part of participation; what takes time to know (a pause, a car that stopped drawing, a
boost) arrives as latches of the controller in the snapshot.
"""

from collections.abc import Sequence
from enum import IntEnum
from math import floor
from operator import attrgetter

from busbar_allocator.site_model import (
    EXCESS,
    SOLAR_ONLY,
    STANDARD,
    TINY,
    LoadModel,
    Shape,
    SiteModel,
    in_watts,
)
from busbar_allocator.snapshot import LoadNow, Now, PerLeg
from busbar_contracts.load import LoadMode

Caps = list[float]
"""A capacity for every counter."""

Uses = Sequence[tuple[int, float]]
"""Counters, and how much of each one ampere takes."""

Sources = dict[int, tuple[str, float]]
"""By counter: the kind of source that limits it, and its capacity."""


class Ceiling:
    """Capacities for loads of one mode, and which of them are their source rather than a wire."""

    __slots__ = ("rows", "sources")

    def __init__(self, rows: Caps, sources: Sources | None = None) -> None:
        """Without sources: the bare rows."""
        self.rows = rows
        self.sources = sources or {}

    def within(self, sources: Sources) -> "Ceiling":
        """These rows with more sources; the smaller capacity rules."""
        rows = list(self.rows)
        merged = dict(self.sources)
        for counter, (kind, capacity) in sources.items():
            if counter not in merged or capacity < merged[counter][1]:
                merged[counter] = (kind, capacity)
            if capacity < rows[counter]:
                rows[counter] = capacity
        return Ceiling(rows, merged)


NOWHERE = Ceiling([])


START_ROOM_A = 1.0
"""What a car whose legs are only thought must find free above its minimum to start; running, it stays there."""


class Presence(IntEnum):
    """What a status says about a load's wish."""

    WANTS = 1
    RESTS = 2
    """A car that paused by itself: it keeps its minimum and gets more as soon as it draws."""
    ABSENT = 3
    SILENT = 4
    """Not 0: it may still draw what it was last allowed."""


PRESENCE = {
    **dict.fromkeys(
        ("preparing", "charging", "suspendedevse", "occupied", "evconnected", "on", "off", "wants"),
        Presence.WANTS,
    ),
    "suspendedev": Presence.RESTS,
    **dict.fromkeys(
        ("available", "reserved", "finishing", "unavailable", "faulted", "idle", "done"), Presence.ABSENT
    ),
}
"""By the status in lower case without separators; every other word is silence (OCPP 1.6 section 7.7)."""

_SEEN: dict[str, Presence] = {}


def presence(status: str) -> Presence:
    """What a status in any spelling says."""
    found = _SEEN.get(status)
    if found is None:
        word = "".join(letter for letter in status.lower() if letter.isalnum())
        found = PRESENCE.get(word, Presence.SILENT)
        if len(_SEEN) < 200:
            _SEEN[status] = found
    return found


class Claim:
    """One load in this instant: what it asks for, and while the engine works, what it has."""

    takes_part = False
    expects = False
    """Its car has shown no legs yet, and follows a source that is judged by those it is thought to use."""
    firm = False
    """Its minimum asks nothing of its source."""
    keeps = False
    """Its minimum comes before all gifts."""
    light = False
    """On, but idle: a use of the wires, since it may draw again at once, and no use of the sun."""
    why = ""
    drawn = 0.0
    reserved = 0.0
    deferred = False
    """It waits for the connector before it."""
    alone_with: "list[Claim] | None" = None
    beside: Uses = ()
    """What its other legs would use, while it is only thought that its car leaves them alone."""
    wires = NOWHERE
    """The ceiling of these: no source among it."""
    by_others = False
    """It did not start because of its other legs."""

    runs = False
    grant = target = limit = 0.0
    short = 0.0
    """What was left when its minimum did not fit."""
    tight = -1
    """The counter that bound it last; below 0 see `distribution`."""
    gate: tuple[int, float] | None = None
    """A counter and the use at which it may not start any more."""
    start = rise = NOWHERE

    def __init__(self, load: LoadModel, state: LoadNow | None, model: SiteModel, powers: "Powers") -> None:
        """The load's bounds in amperes on the legs it really uses."""
        shape = load.shapes[None] if state is None else load.shape(state.legs_in_use, model)
        self.load = load
        self.state = state
        self.legs = shape.legs
        self.uses: Uses
        if powers.nominal:
            watts, self.uses = shape.watts, shape.uses
        else:
            watts, self.uses = powers.of(shape)
        self.watts = watts
        self.mode = load.mode
        self.urgency = load.urgency
        self.stepped = load.stepped
        power = load.power_w
        if power is None:
            self.least, self.most, self.step = load.least, load.most, load.step
        else:
            if state is not None and state.power_w is not None:
                power = state.power_w
            # An on/off load's step is its power: it gets all of it or nothing.
            self.least = self.most = self.step = power / watts
            self.stepped = True
        self.rank = (9, load.priority, load.index)


class Powers:
    """What an ampere on some legs is in watts at the voltages of this instant; reckoned once for each kind of legs."""

    __slots__ = ("_found", "_model", "nominal", "volts")

    def __init__(self, model: SiteModel, volts: list[float]) -> None:
        self._model, self.volts = model, volts
        self.nominal = volts is model.nominal
        self._found: dict[tuple[int, ...], tuple[float, list[tuple[int, float]]]] = {}

    def of(self, shape: Shape) -> tuple[float, Uses]:
        """Watts per ampere, and what it uses of every counter."""
        if self.nominal:
            return shape.watts, shape.uses
        found = self._found.get(shape.on_phase)
        if found is None:
            found = self._found[shape.on_phase] = in_watts(shape.on_phase, self._model, self.volts)
        watts, at_watts = found
        return watts, (*shape.wires, *at_watts)


def claims(model: SiteModel, now: Now, volts: list[float]) -> list[Claim]:
    """What every load of the site asks for, in configuration order."""
    states, powers = now.loads, Powers(model, volts)
    made = []
    for load in model.loads:
        claim = Claim(load, states.get(load.id), model, powers)
        join(claim, now.price)
        if claim.expects:
            _narrow(claim, model, powers)
        made.append(claim)
    return made


def _narrow(claim: Claim, model: SiteModel, powers: Powers) -> None:
    """Judge its source by the legs it is thought to use; what all of them would use is for its wires to bear."""
    assert claim.state is not None
    shape = claim.load.shape(claim.state.legs_expected, model)
    everything = claim.uses
    claim.legs = shape.legs
    claim.watts, claim.uses = powers.of(shape)
    own = dict(claim.uses)
    more = [(counter, per_amp - own.get(counter, 0.0)) for counter, per_amp in everything]
    claim.beside = tuple([(counter, per_amp) for counter, per_amp in more if per_amp > 0])
    if not claim.beside:
        return
    margin = 0.0 if claim.state.limit_given_a else START_ROOM_A
    most = max(claim.least, floor((claim.least + margin) / claim.step + TINY) * claim.step)
    if most < claim.most:
        claim.most = most
        legs = "one leg" if len(shape.legs) == 1 else f"{len(shape.legs)} legs"
        claim.why = f"the last car here used {legs}; more once this one has shown its own"


def join(claim: Claim, price: float | None) -> None:
    """Decide whether the load takes part, is reserved beside the others, or is absent, and why."""
    state, load = claim.state, claim.load
    if state is None:
        claim.why = "nothing is known of it"
        claim.reserved = load.fallback
        return
    here = presence(state.status)
    draw = 0.0 if here is Presence.ABSENT else draw_of(claim, state)
    if state.reserved_a is not None:
        claim.reserved, claim.drawn = max(state.reserved_a, draw), draw
        claim.why = f"{claim.reserved:g} A reserved for what it does by itself"
    elif not load.controlled:
        _uncontrolled(claim, here, draw)
    elif here is Presence.SILENT and state.wants_power is None:
        last = state.limit_given_a if state.limit_given_a is not None else load.fallback
        claim.reserved, claim.drawn = max(last, draw), draw
        claim.why = f"silent ({state.status}); {claim.reserved:g} A stay reserved"
    elif (reason := _why_not(claim, state, here, price)) is not None:
        claim.why = reason
        if not load.can_pause:
            claim.reserved, claim.drawn = max(load.fallback, draw), draw
    else:
        claim.drawn = draw
        _take_part(claim, state, here)


def draw_of(claim: Claim, state: LoadNow) -> float:
    """The trusted draw on its busiest leg; unknown is nothing to subtract."""
    draw = state.draw_a
    if draw is None:
        return state.draw_w / claim.watts if state.draw_w is not None else 0.0
    if not isinstance(draw, PerLeg):
        return draw
    busiest = max(draw.l1, draw.l2, draw.l3)
    total = draw.l1 + draw.l2 + draw.l3
    # What is not a number hides from max, but not from a sum.
    return busiest if total == total else total


def _uncontrolled(claim: Claim, here: Presence, draw: float) -> None:
    """A charger without control is reserved at its maximum while a transaction runs, else background."""
    if here is Presence.ABSENT:
        claim.why = "it takes no orders; nothing is plugged in"
        return
    claim.reserved, claim.drawn = max(claim.most, draw), draw
    claim.why = f"it takes no orders; {claim.reserved:g} A reserved while it may charge"


def _why_not(claim: Claim, state: LoadNow, here: Presence, price: float | None) -> str | None:
    """Why it takes no part; None when it does. Settles the mode it counts as."""
    load = claim.load
    _settle_mode(claim, state, price)
    if state.wants_power is False:
        return "it wants no power"
    if here is Presence.ABSENT and state.wants_power is None:
        return f"no car is waiting ({state.status})" if load.kind == "evse" else f"{state.status}"
    if claim.urgency is None:
        return f"mode {load.mode.value}" if load.enabled else "switched off by its owner"
    if load.session_limit_wh is not None and (state.session_wh or 0.0) >= load.session_limit_wh:
        return f"the session's {load.session_limit_wh:g} Wh are reached"
    if load.soc_limit is not None and (state.soc_percent or 0.0) >= load.soc_limit:
        return f"the car is charged to {load.soc_limit:g} %"
    if state.blocked:
        return state.blocked
    if claim.least > claim.most:
        return f"no step of {claim.step:g} A lies between its minimum and maximum"
    return None


def _settle_mode(claim: Claim, state: LoadNow, price: float | None) -> None:
    """Cheap hours and boost make a load Standard; an unknown price is never cheap."""
    load = claim.load
    most = load.grid_price_max
    cheap = most is not None and price is not None and price <= most
    on = load.enabled and load.mode is not LoadMode.OFF
    if (state.boost or cheap) and on and claim.urgency != STANDARD:
        claim.mode, claim.urgency = LoadMode.STANDARD, STANDARD


def _take_part(claim: Claim, state: LoadNow, here: Presence) -> None:
    claim.takes_part = True
    claim.rank = (claim.urgency or 9, claim.load.priority, claim.load.index)
    if state.idle and claim.load.power_w is not None:
        # A boiler whose thermostat is satisfied stays switched on. It may draw in any second, so the wires
        # keep its share; the sun it does not take is for others until it does.
        claim.light = True
        claim.why = "it is on but does not draw, the sun is free for others"
    elif here is Presence.RESTS or state.idle:
        claim.most = claim.least
        claim.why = "the car paused" if here is Presence.RESTS else "it does not draw"
    elif state.ceiling_a is not None and state.ceiling_a < claim.most:
        steps = floor(state.ceiling_a / claim.step + TINY)
        claim.most = max(claim.least, steps * claim.step)
        claim.why = "it takes no more"
    # A follower that may run on for its stop delay asks nothing of its source.
    claim.keeps = state.keep_running
    if claim.urgency in (SOLAR_ONLY, EXCESS):
        claim.firm = state.hold_minimum
        thought = state.legs_expected is not None and state.legs_in_use is None
        claim.expects = thought and claim.load.power_w is None


def in_rank_order(made: list[Claim]) -> list[Claim]:
    """Those that take part, by urgency, priority and configuration order."""
    taking = [claim for claim in made if claim.takes_part]
    taking.sort(key=_rank)
    _order_connectors(taking)
    return taking


_rank = attrgetter("rank")


def _order_connectors(ranked: list[Claim]) -> None:
    """Inside a multi-plug charger: who must wait for whom."""
    first: dict[int, list[Claim]] = {}
    for claim in ranked:
        load = claim.load
        if load.unit is None or load.plugs == "concurrent":
            continue
        before = first.setdefault(load.unit, [])
        if load.plugs == "exclusive":
            claim.alone_with = before
        else:
            # It waits only for one that could still rise; who takes no more than its minimum leaves the rest.
            claim.deferred = any(one.most > one.least + TINY for one in before)
        before.append(claim)
