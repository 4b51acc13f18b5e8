"""What was learned of the wiring, in words for the owner, and put to use where that is allowed."""

from msgspec import Struct
from msgspec.structs import replace

from busbar_allocator.detection import CLEAR, SURE, Evidence, Finding, finding
from busbar_allocator.plan import LoadPlan, Plan
from busbar_contracts.load import Detection

LEAST_EVENTS = 2
"""Nothing is changed by itself on a single event."""

SURE_TURNED = 0.99


class Applied(Struct, frozen=True):
    """What of the learned is in use instead of the configuration."""

    legs: dict[str, tuple[int, ...]] = {}
    turned: tuple[int, ...] = ()
    chosen: tuple[str, ...] = ()
    """Loads whose legs the owner applied by hand; they stay without `auto_apply`."""


class Notice(Struct, frozen=True):
    """Something the owner should hear once."""

    code: str
    text: str


def detection_of(plan: Plan, load: LoadPlan, evidence: Evidence | None, applied: bool) -> Detection | None:
    """What is known of a load's wiring, for the bus; None before anything was seen."""
    found = finding(evidence) if evidence is not None else None
    if found is None:
        return None
    return Detection(
        legs=tuple(plan.phases[phase] for phase in found.legs),  # type: ignore[misc]
        confidence=round(found.confidence, 3),
        applied=applied,
        advice=advice(plan, load, found),
    )


def advice(plan: Plan, load: LoadPlan, found: Finding) -> str:
    """What to change in the configuration; empty when it agrees or nothing is sure."""
    key, did = ("phases", "it did") if load.is_even else ("legs", "its cars did")
    if found.alike:
        return f"several arrangements fit as well: nothing {did} so far tells them apart"
    if found.confidence < SURE or agrees(load, found):
        return ""
    seems = ", ".join(f'"{plan.phases[phase]}"' for phase in found.legs)
    told = ", ".join(f'"{plan.phases[phase]}"' for phase in load.legs) if load.times == 1 else "unknown"
    return (
        f"{key} = [{seems}] fits what was measured ({found.confidence:.0%}); the configuration says [{told}]"
    )


def agrees(load: LoadPlan, found: Finding) -> bool:
    """Whether the load is configured as it was found; where all legs carry the same, their order means nothing."""
    if load.times > 1:
        return False
    return found.legs == load.legs or (load.is_even and sorted(found.legs) == sorted(load.legs))


def turned_phases(plan: Plan, evidence: dict[str, Evidence], least: float = CLEAR) -> tuple[int, ...]:
    """Phases whose current transformer seems the wrong way round."""
    likely = [0.0] * len(plan.phases)
    for one in evidence.values():
        found = finding(one)
        if found is not None:
            likely = list(map(max, likely, found.turned))
    return tuple(phase for phase, share in enumerate(likely) if share >= least)


def to_apply(plan: Plan, evidence: dict[str, Evidence], applied: Applied) -> Applied:
    """What may be put to use now: only what is sure by more than one event."""
    several = {name: one for name, one in evidence.items() if one.events >= LEAST_EVENTS}
    turned = turned_phases(plan, several, SURE_TURNED)
    if turned:
        # The arrangement is judged anew once the meter is right.
        return replace(applied, turned=tuple(sorted({*applied.turned, *turned})))
    legs = dict(applied.legs)
    for name, one in several.items():
        found = finding(one)
        if (
            found is not None
            and not found.alike
            and found.confidence >= SURE
            and not agrees(plan.known_as(name), found)
        ):
            legs[name] = found.legs
    return Applied(legs, applied.turned, applied.chosen)


def only_chosen(applied: Applied) -> Applied:
    """What stays in use where nothing is applied by itself: what the owner chose."""
    return Applied(
        {name: legs for name, legs in applied.legs.items() if name in applied.chosen}, (), applied.chosen
    )


def chosen(name: str, wanted: bool, evidence: Evidence | None, applied: Applied) -> Applied | str:
    """The wiring after the owner applied what was detected, or went back to the file; else why not."""
    rest = {load: legs for load, legs in applied.legs.items() if load != name}
    others = tuple(load for load in applied.chosen if load != name)
    if not wanted:
        return Applied(rest, applied.turned, others)
    found = finding(evidence) if evidence is not None else None
    if found is None:
        return f"apply_detection: nothing was detected of {name} yet"
    if found.alike:
        return f"apply_detection: several arrangements fit {name} as well, so none is applied"
    return Applied({**rest, name: found.legs}, applied.turned, (*others, name))


def with_applied(plan: Plan, applied: Applied) -> Plan:
    """The plan with the learned wiring in place of the configured."""
    loads = {}
    for name, load in plan.loads.items():
        legs = applied.legs.get(load.owner)
        if legs is not None and len(legs) == load.to_find and max(legs) < len(plan.phases):
            watts = None if load.rating_w is None else load.rating_w / load.times
            load = replace(load, legs=legs, all_uses=(), rating_w=watts, times=1)
            load = replace(load, all_uses=load.uses(len(plan.phases)))
        loads[name] = load
    return replace(plan, loads=loads, turned=applied.turned)


def notices(plan: Plan, evidence: dict[str, Evidence], applied: Applied) -> list[Notice]:
    """What there is to say about the wiring now; the same words as long as nothing changes."""
    made = []
    for name, one in evidence.items():
        found = finding(one) if one.events >= LEAST_EVENTS else None
        if found is not None and not found.alike and (text := advice(plan, plan.known_as(name), found)):
            made.append(Notice("phase_map", f"{name}: {text}"))
    for phase in turned_phases(plan, evidence):
        letter = plan.phases[phase]
        text = f"the current transformer of phase {letter} seems to be the wrong way round: loads move it backwards"
        made.append(Notice("polarity", text))
    for phase in applied.turned:
        made.append(
            Notice(
                "polarity_applied",
                f"phase {plan.phases[phase]} of the grid meter is counted the other way round",
            )
        )
    for name, legs in applied.legs.items():
        letters = "".join(plan.phases[leg] for leg in legs)
        made.append(
            Notice("phase_map_applied", f"{name}: its legs count on phases {letters}, as was measured")
        )
    return made
