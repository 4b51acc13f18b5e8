"""What the batteries allow: how much of what they take or could give may go to loads of each mode."""

from typing import Literal, NamedTuple

from busbar_allocator.site_model import SiteModel
from busbar_allocator.snapshot import Battery, BatteryNow, Now

ABOVE_TARGET_PERCENT = 1.0
"""\"Above target\" sets this far above it; without a latch it is judged by that alone."""


INFINITE = float("inf")
UNKNOWN = BatteryNow()


class Part(NamedTuple):
    """Watts in total and on each phase that a battery adds to what the meter shows."""

    watts: float
    per_phase: list[float]


Kind = Literal["present", "answer", "solar", "no_grid", "export"]


class One(NamedTuple):
    """One battery: watts that come on top of the export the meter shows, with their sign."""

    present: float
    """What it takes now; surplus is export plus this."""
    answer: float
    """What it will still give to Standard: present charging plus permitted discharge."""
    solar: float
    """For Solar Only and Solar Priority."""
    no_grid: float
    """For everything, when loads may not take from the grid."""
    export: float
    """For Excess: what it leaves."""
    empty: bool
    """It is below its minimum."""


def _sum(each: list[One]) -> One:
    return One(
        sum(one.present for one in each),
        sum(one.answer for one in each),
        sum(one.solar for one in each),
        sum(one.no_grid for one in each),
        sum(one.export for one in each),
        all(one.empty for one in each),
    )


NOTHING = One(0.0, 0.0, 0.0, 0.0, 0.0, True)


class Storage:
    """All batteries of the site; without any, everything is nothing."""

    __slots__ = ("each", "empty", "on", "phases", "total")

    def __init__(self, each: list[One], on: list[tuple[int, ...]], phases: int) -> None:
        """`on` are the phases each battery acts on, of so many the site has."""
        self.each, self.on, self.phases = each, on, phases
        self.total = _sum(each) if len(each) > 1 else each[0] if each else NOTHING
        self.empty = bool(each) and self.total.empty

    def watts(self, kind: Kind) -> float:
        """The sum over all batteries."""
        found: float = getattr(self.total, kind)
        return found

    def part(self, kind: Kind) -> Part:
        """The sum, each battery evenly over its phases."""
        per_phase = [0.0] * self.phases
        for one, on in zip(self.each, self.on, strict=True):
            share = getattr(one, kind) / len(on)
            for phase in on:
                per_phase[phase] += share
        return Part(getattr(self.total, kind), per_phase)


def storage(model: SiteModel, now: Now, headroom: dict[str, float], phases: int) -> Storage:
    """The sum over all batteries; `headroom` is what each inverter can still put out (W), and is used up."""
    ones = []
    for name, battery in model.site.batteries.items():
        state = now.batteries.get(name) or UNKNOWN
        inverter = shares_inverter(battery, model) if headroom else ""
        if inverter not in headroom:
            ones.append(_one(battery, state, INFINITE))
            continue
        one = _one(battery, state, headroom[inverter])
        headroom[inverter] -= max(0.0, one.answer)
        ones.append(one)
    return Storage(ones, [on for _, on in model.batteries_on], phases)


def shares_inverter(battery: Battery, model: SiteModel) -> str:
    """The inverter whose rating limits its discharge; empty when it has one of its own."""
    if battery.inverter is not None:
        return battery.inverter
    return next(iter(model.site.inverters)) if len(model.site.inverters) == 1 else ""


def _one(battery: Battery, state: BatteryNow, spare: float) -> One:
    """One battery, with `spare` watts that its inverter could put out beyond what it does now."""
    soc = state.soc_percent
    above_min, at_target, above_target = _levels(battery, state, soc)
    # A battery whose power nobody knows may be behind all of the export.
    present = state.power_w if state.power_w is not None else -battery.discharge_limit_w
    spare = max(0.0, spare)
    # What it takes can only be had if it lets go, and if the inverter can put it out instead.
    freed = min(present, spare) if state.answers else min(present, 0.0)
    answer = min(present + discharge_most(battery, state), spare) if above_min and state.answers else freed
    leaves = min(present - charge_most(battery, state), freed)
    empty = soc is None or soc < battery.soc_min_percent
    full = soc is not None and soc >= battery.soc_full_percent
    if not at_target:
        return One(present, answer, leaves, freed, freed if full else leaves, empty)
    follow = answer if above_target else freed
    return One(present, answer, follow, follow, freed if full else min(0.0, present), empty)


def _levels(battery: Battery, state: BatteryNow, soc: float | None) -> tuple[bool, bool, bool]:
    """Above its minimum, at its target, above it: the latch where there is one, else judged by its charge."""
    above_min, at_target, above_target = state.above_min, state.at_target, state.above_target
    charge = -1.0 if soc is None else soc
    if above_min is None:
        above_min = charge > battery.soc_min_percent
    if at_target is None:
        at_target = soc is not None and charge >= battery.soc_target_percent
    if above_target is None:
        above_target = charge >= battery.soc_target_percent + ABOVE_TARGET_PERCENT
    return above_min, at_target, above_target


def charge_most(battery: Battery, state: BatteryNow) -> float:
    """What it can take: the smaller of the setting and what it says now."""
    most = battery.charge_limit_w
    return most if state.charge_max_w is None else min(most, state.charge_max_w)


def discharge_most(battery: Battery, state: BatteryNow) -> float:
    """What it can give: the smaller of the setting and what it says now."""
    most = battery.discharge_limit_w
    return most if state.discharge_max_w is None else min(most, state.discharge_max_w)
