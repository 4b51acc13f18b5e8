"""The sources: what Solar Priority, Solar Only and Excess may use, as more capacities on the same counters.

Whatever was granted so far, of whatever mode, is gone from every pool, because all of them watch the counters
that every grant uses: the watts of the site and, netted per phase, the amperes on the phases of the main
breaker. So no sun is spent twice.
"""

from busbar_allocator.claims import Sources
from busbar_allocator.rows import Ground
from busbar_allocator.site_model import SiteModel
from busbar_allocator.snapshot import Now
from busbar_allocator.storage import Kind


def no_grid(model: SiteModel, ground: Ground) -> Sources:
    """Nothing may cause import: what the sun leaves, above target with the battery."""
    return _netted(model, ground, "no_grid", "no_grid")


def solar(model: SiteModel, ground: Ground) -> Sources:
    """The solar pool."""
    return _netted(model, ground, "solar_pool", "solar")


def export(model: SiteModel, ground: Ground) -> Sources:
    """What is exported beside the battery: an Excess load's minimum must fit it."""
    return _netted(model, ground, "excess_pool", "export")


def excess(model: SiteModel, ground: Ground, now: Now, used_w: float) -> tuple[Sources, float]:
    """The excess pool, and the watts below which Excess may start at all.

    `used_w` is what loads of the earlier rounds were granted.
    """
    found = export(model, ground)
    pool = excess_w(model, ground, now, used_w) + ground.unmanaged[model.watts]
    found[model.watts] = ("excess_pool", pool)
    return found, pool


def solar_w(ground: Ground) -> float:
    """The solar pool in total (W)."""
    return ground.export_w + ground.storage.watts("solar")


def excess_w(model: SiteModel, ground: Ground, now: Now, used_w: float) -> float:
    """The excess pool in total (W): above the threshold, or everything while the gate is open."""
    exported = ground.export_w + ground.storage.watts("export")
    settings = model.settings
    if settings.excess_uses == "above":
        return exported - settings.excess_threshold_w
    is_open = now.excess_open
    if is_open is None:
        is_open = exported - used_w > settings.excess_threshold_w
    return exported if is_open else float("-inf")


def _netted(model: SiteModel, ground: Ground, kind: str, of: Kind) -> Sources:
    """Export plus a part of the batteries, in total or on each phase as the meter nets, and as fed there."""
    unmanaged = ground.unmanaged
    part = ground.storage.part(of)
    found: Sources = {}
    if not model.per_phase or model.site.batteries or kind == "excess_pool":
        found[model.watts] = (kind, ground.export_w + part.watts + unmanaged[model.watts])
    if model.per_phase:
        for phase, volt in enumerate(ground.volts):
            share = part.per_phase[phase] / volt
            found[phase] = (kind, ground.export_a[phase] + share + unmanaged[phase])
    if model.site.inverters:
        found.update(_phase_ratings(model, ground, found))
    return found


def _phase_ratings(model: SiteModel, ground: Ground, found: Sources) -> Sources:
    """An asymmetric inverter feeds a phase up to its rating there, less that phase's house load."""
    inverters = list(model.site.inverters.values())
    if not inverters or not all(inverter.asymmetric for inverter in inverters):
        return {}
    count = len(ground.volts)
    ratings = [i.phase_rating_w or (i.rating_w / count if i.rating_w else None) for i in inverters]
    if None in ratings:
        return {}
    limits: Sources = {}
    for phase, volt in enumerate(ground.volts):
        made = sum(one.amps[phase] for one in ground.generation)
        house = max(0.0, made - ground.export_a[phase])
        room = sum(rating or 0.0 for rating in ratings) / volt - house + ground.unmanaged[phase]
        if phase not in found or room < found[phase][1]:
            limits[phase] = ("inverter", room)
    return limits
