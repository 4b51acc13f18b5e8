"""Named values (from a register map or from MQTT) as samples.

A meter that says only its total leaves the phases to be estimated: an even spread plus the unbalance
the owner assumes, which can only make the wires look fuller than they are.
"""

from collections.abc import Mapping
from datetime import datetime

from busbar_meter.samples import BatterySample, GridSample, InverterSample, Leg, directed, signed_current

Values = Mapping[str, float]


def grid_of(
    values: Values, at: datetime, phases: tuple[str, ...], nominal_v: float, unbalance_a: float | None
) -> GridSample:
    """A meter's sample; `phases` are the site phases its legs a, b, c are wired to."""
    legs, doubts = _legs(values, phases, nominal_v)
    power = values.get("power_w")
    known = [leg.power_w for leg in legs.values() if leg.power_w is not None]
    if power is None and known and len(known) == len(legs):
        power = sum(known)
    legs = directed(legs, power, nominal_v)
    estimated = False
    if not legs and power is not None:
        legs, estimated, doubt = _spread(power, phases, nominal_v, unbalance_a)
        doubts += [doubt] if doubt else []
    return GridSample(
        at=at,
        legs=legs,
        power_w=power,
        import_wh=values.get("import_wh"),
        export_wh=values.get("export_wh"),
        frequency_hz=values.get("frequency_hz"),
        phases_estimated=estimated,
        doubts=tuple(doubts),
    )


def inverter_of(values: Values, at: datetime, phases: tuple[str, ...], nominal_v: float) -> InverterSample:
    """An inverter's sample."""
    legs, doubts = _legs(values, phases, nominal_v)
    power, solar = values.get("power_w"), values.get("solar_w")
    if power is not None:
        signed = {
            phase: Leg(-abs(leg.current_a), leg.power_w, leg.voltage_v)
            for phase, leg in legs.items()
            if power < 0 and leg.power_w is None and leg.current_a is not None
        }
        legs = {**legs, **signed}
    return InverterSample(
        at=at,
        power_w=power,
        legs=legs,
        solar_w=None if solar is None else max(solar, 0.0),
        energy_wh=values.get("energy_wh"),
        frequency_hz=values.get("frequency_hz"),
        rating_w=values.get("rating_w"),
        doubts=tuple(doubts),
    )


def battery_of(values: Values, at: datetime) -> BatterySample:
    """A battery's sample; a state of charge beyond 0 to 100 is refused."""
    soc = values.get("soc_percent")
    refused = soc is not None and not 0 <= soc <= 100
    return BatterySample(
        at=at,
        power_w=values.get("power_w"),
        soc_percent=None if refused else soc,
        capacity_wh=values.get("capacity_wh"),
        charge_max_w=values.get("charge_max_w"),
        discharge_max_w=values.get("discharge_max_w"),
        doubts=(f"state of charge of {soc:g} % refused",) if refused else (),
    )


def _legs(values: Values, phases: tuple[str, ...], nominal_v: float) -> tuple[dict[str, Leg], list[str]]:
    raw = {leg: values.get(f"{leg}.current_a") for leg in "abc"}
    device_signs = any(amps is not None and amps < 0 for amps in raw.values())
    legs: dict[str, Leg] = {}
    guessed = []
    for leg, phase in zip("abc", phases, strict=False):
        watts, volts = values.get(f"{leg}.power_w"), values.get(f"{leg}.voltage_v")
        amps = raw[leg]
        if amps is None and watts is None:
            continue
        if amps is None:
            guessed.append(phase)
        current = signed_current(amps, watts, volts or nominal_v, device_signs=device_signs)
        legs[phase] = Leg(current, watts, volts)
    doubts = [f"currents of {', '.join(guessed)} worked out from power"] if guessed else []
    return legs, doubts


def _spread(
    power: float, phases: tuple[str, ...], nominal_v: float, unbalance_a: float | None
) -> tuple[dict[str, Leg], bool, str]:
    share = power / len(phases)
    if len(phases) == 1:
        return {phases[0]: Leg(round(share / nominal_v, 3), share, None)}, False, ""
    if unbalance_a is None:
        return {}, True, "the meter says only its total: set assumed_unbalance_a, or no phase is known"
    current = round(share / nominal_v + unbalance_a, 3)
    text = (
        f"the meter says only its total: phases are an even spread plus {unbalance_a:g} A and not protected"
    )
    return {phase: Leg(current, share, None) for phase in phases}, True, text
