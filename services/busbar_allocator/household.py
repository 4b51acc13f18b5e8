"""What the house takes and what is generated, apart: only inverter ratings and trip safety need it.

The net surplus needs none of this. The best source comes first: the inverter's outputs per phase, its output
in total, one solar sensor for the site, and the grid meter alone, which proves only the least there is.
"""

from typing import NamedTuple

from busbar_allocator.site_model import SiteModel
from busbar_allocator.snapshot import InverterNow, Now
from busbar_allocator.storage import Storage

PhaseAmps = list[float]


class Generation(NamedTuple):
    """What one inverter generates now: sun plus discharge less what its battery takes."""

    amps: PhaseAmps
    watts: float
    known: bool
    """False when only the meter alone speaks: it may be more."""


def generation(
    model: SiteModel, now: Now, net: PhaseAmps, grid: PhaseAmps, volts: list[float], into_batteries: float
) -> list[Generation]:
    """What each inverter generates; `net` is the background without batteries of their own inverter."""
    inverters = model.site.inverters
    states = [now.inverters.get(name, InverterNow()) for name in inverters]
    found: list[Generation | None] = [
        _measured(model, state, grid, volts, series=inverter.wiring == "series")
        for inverter, state in zip(inverters.values(), states, strict=True)
    ]
    dark = found.count(None)
    if not dark:
        return [one for one in found if one is not None]
    seen = [sum(one.amps[p] for one in found if one) for p in range(len(volts))]
    if now.solar_w is not None:
        watts = now.solar_w - into_batteries - sum(one.watts for one in found if one)
        guess = Generation(_even(watts / dark, volts), watts / dark, True)
    else:
        guess = _from_meter(model, net, seen, volts, dark, -into_batteries)
    return [one or guess for one in found]


DOUBT_W = 200.0
"""Meters that disagree by less agree: their samples are never of quite the same instant."""


def contradictions(now: Now, made: list[Generation], export_w: float, present: Storage) -> tuple[str, ...]:
    """Where a sensor shows less sun than the grid meter proves: no house takes less than nothing."""
    found = []
    surplus = export_w + present.watts("present")
    if now.solar_w is not None and now.solar_w < surplus - DOUBT_W:
        found.append(
            f"the solar sensor shows {now.solar_w:.0f} W, but the grid meter proves at least {surplus:.0f} W"
        )
    if made and now.solar_w is None and all(one.known for one in made):
        output = sum(one.watts for one in made)
        # What a battery gives through an inverter of its own leaves the house as well.
        if output < export_w - max(0.0, -present.watts("present")) - DOUBT_W:
            found.append(f"the inverters put out {output:.0f} W, but {export_w:.0f} W leave the house")
    return tuple(found)


def _measured(
    model: SiteModel, state: InverterNow, grid: PhaseAmps, volts: list[float], *, series: bool
) -> Generation | None:
    """From the inverter's own output. In series the grid's power passes through it and is not its own."""
    if state.output_a is not None:
        amps = list(model.read(state.output_a))
    elif state.output_w is not None:
        amps = _even(state.output_w, volts)
    else:
        return None
    if series:
        # At night 3 A of house through the inverter are 3 A from the grid and no sun.
        amps = [out - through for out, through in zip(amps, grid, strict=True)]
    return Generation(amps, sum(a * v for a, v in zip(amps, volts, strict=True)), True)


def _from_meter(
    model: SiteModel, net: PhaseAmps, seen: PhaseAmps, volts: list[float], dark: int, discharge: float
) -> Generation:
    """The least that must be generated to explain the phases that export, and what the batteries give."""
    least = [max(0.0, -n - s) for n, s in zip(net, seen, strict=True)]
    if not any(inverter.asymmetric for inverter in model.site.inverters.values()):
        least = [max(least)] * len(least)
    watts = sum(a * v for a, v in zip(least, volts, strict=True))
    rest = discharge - sum(a * v for a, v in zip(seen, volts, strict=True))
    if rest > watts:
        watts, least = rest, _even(rest, volts)
    return Generation([one / dark for one in least], watts / dark, False)


def _even(watts: float, volts: list[float]) -> PhaseAmps:
    return [watts / len(volts) / volt for volt in volts]
