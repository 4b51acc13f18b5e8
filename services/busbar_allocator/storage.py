"""What the batteries allow: how much of what they take or could give may go to loads of each mode."""

from typing import NamedTuple

from busbar_allocator.site_model import SiteModel
from busbar_allocator.snapshot import Battery, BatteryNow, Now

ABOVE_TARGET_PERCENT = 1.0
"""\"Above target\" sets this far above it; without a latch it is judged by that alone."""


class Part(NamedTuple):
    """Watts in total and on each phase that a battery adds to what the meter shows."""

    watts: float
    per_phase: list[float]


NO_PART = Part(0.0, [])


class Storage(NamedTuple):
    """All batteries of the site. Each part comes on top of the export the meter shows, with its sign."""

    present: Part
    """What they take now; surplus is export plus this."""
    answer: Part
    """What they will still give to Standard: present charging plus permitted discharge."""
    solar: Part
    """For Solar Only and Solar Priority."""
    no_grid: Part
    """For everything, when loads may not take from the grid."""
    export: Part
    """For Excess: what the batteries leave."""
    empty: bool
    """Every battery is below its minimum."""
    each: list["One"]


class One(NamedTuple):
    """One battery: the same parts in watts."""

    present: float
    answer: float
    solar: float
    no_grid: float
    export: float
    empty: bool


def storage(model: SiteModel, now: Now, headroom: dict[str, float], phases: int) -> Storage:
    """The sum over all batteries; `headroom` is what each inverter can still put out (W), and is used up."""
    ones = []
    for name, battery in model.site.batteries.items():
        inverter = shares_inverter(battery, model)
        spare = headroom.get(inverter, float("inf"))
        one = _one(battery, now.batteries.get(name, BatteryNow()), spare)
        if inverter in headroom:
            headroom[inverter] = spare - max(0.0, one.answer)
        ones.append(one)
    return Storage(
        present=_part(model, [one.present for one in ones], phases),
        answer=_part(model, [one.answer for one in ones], phases),
        solar=_part(model, [one.solar for one in ones], phases),
        no_grid=_part(model, [one.no_grid for one in ones], phases),
        export=_part(model, [one.export for one in ones], phases),
        empty=bool(ones) and all(one.empty for one in ones),
        each=ones,
    )


def shares_inverter(battery: Battery, model: SiteModel) -> str:
    """The inverter whose rating limits its discharge; empty when it has one of its own."""
    if battery.inverter is not None:
        return battery.inverter
    return next(iter(model.site.inverters)) if len(model.site.inverters) == 1 else ""


def _one(battery: Battery, state: BatteryNow, spare: float) -> One:
    soc = state.soc_percent
    above_min = _latch(state.above_min, soc is not None and soc > battery.soc_min_percent)
    at_target = _latch(state.at_target, soc is not None and soc >= battery.soc_target_percent)
    above_target = _latch(
        state.above_target, soc is not None and soc >= battery.soc_target_percent + ABOVE_TARGET_PERCENT
    )
    full = soc is not None and soc >= battery.soc_full_percent
    give = discharge_most(battery, state) if above_min and state.answers else 0.0
    # A battery whose power nobody knows may be behind all of the export.
    present = state.power_w if state.power_w is not None else -battery.discharge_limit_w
    # What it takes can only be had if it lets go, and if the inverter can put it out instead.
    freed = min(present, max(0.0, spare)) if state.answers else min(present, 0.0)
    answer = min(present + give, max(0.0, spare)) if give else freed
    leaves = present - charge_most(battery, state)
    return One(
        present=present,
        answer=answer,
        solar=(answer if above_target else freed) if at_target else min(leaves, freed),
        no_grid=answer if at_target and above_target else freed,
        export=(freed if full else min(0.0, present)) if at_target else min(leaves, freed),
        empty=soc is None or soc < battery.soc_min_percent,
    )


def charge_most(battery: Battery, state: BatteryNow) -> float:
    """What it can take: the smaller of the setting and what it says now."""
    most = battery.charge_limit_w
    return most if state.charge_max_w is None else min(most, state.charge_max_w)


def discharge_most(battery: Battery, state: BatteryNow) -> float:
    """What it can give: the smaller of the setting and what it says now."""
    most = battery.discharge_limit_w
    return most if state.discharge_max_w is None else min(most, state.discharge_max_w)


def _latch(given: bool | None, judged: bool) -> bool:
    return judged if given is None else given


def _part(model: SiteModel, watts: list[float], phases: int) -> Part:
    """The sum, each battery evenly over its phases."""
    per_phase = [0.0] * phases
    for one, (_, on) in zip(watts, model.batteries_on, strict=True):
        for phase in on:
            per_phase[phase] += one / len(on)
    return Part(sum(watts), per_phase)
