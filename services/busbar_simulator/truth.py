"""The plant's truth as a message: what views show and verdicts judge."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from busbar_contracts.service import PlantTruth, TruePhase
from busbar_simulator.build import Built
from busbar_simulator.plant.ledger import Excursion, Line


def truth(built: Built, now: datetime, zone: str) -> PlantTruth:
    """The house as it really is."""
    house = built.house
    inverters = list(house.inverters.values())
    storages = [inverter.storage for inverter in inverters if inverter.storage is not None]
    root = {phase: line for (circuit, phase), line in house.ledger.lines.items() if circuit == house.root}
    currents = dict(zip("abc", house.grid_a, strict=True))
    phases = {phase: _phase(line, currents[phase]) for phase, line in root.items()}
    return PlantTruth(
        at=now,
        house_time=house.almanac.at(house.elapsed_s).replace(tzinfo=ZoneInfo(zone)),
        a=phases.get("a"),
        b=phases.get("b"),
        c=phases.get("c"),
        solar_w=round(sum(inverter.pv_w for inverter in inverters), 1),
        house_w=round(sum(house.house_w) + house.outside_w, 1),
        battery_w=round(sum(inverter.battery_w for inverter in inverters), 1),
        battery_soc_percent=round(storages[0].soc_percent, 1) if storages else None,
        grid_w=round(sum(house.grid_w), 1),
        loads=_loads(built),
        verdict="overloaded" if house.ledger.broken else "ok",
        detail=_detail(built),
    )


def _loads(built: Built) -> dict[str, float]:
    """True current on the busiest leg or phase of every load."""
    loads = {load: round(max(socket.legs_a), 2) for load, socket in built.house.sockets.items()}
    loads |= {name: round(max(thing.currents()), 2) for name, thing in built.house.things.items()}
    return loads | {name: round(max(thing.currents()), 2) for name, thing in built.heated.items()}


def _phase(line: Line, current_a: float) -> TruePhase:
    return TruePhase(
        current_a=round(current_a, 2),
        limit_a=line.limit_a,
        over_s=round(line.over_s, 1),
        longest_over_s=round(line.longest.lasted_s, 1) if line.longest else 0.0,
    )


def _detail(built: Built) -> dict[str, Any]:
    house = built.house
    return {
        "elapsed_s": round(house.elapsed_s, 1),
        "breakers": {
            f"{circuit}.{phase}": {
                "limit_a": line.limit_a,
                "highest_a": round(line.highest_a, 2),
                "over_s": round(line.over_s, 1),
                "over_a2s": round(line.over_a2s, 1),
                "excursions": line.excursions,
                "longest": _excursion(line.longest),
                "worst": _excursion(line.worst),
            }
            for (circuit, phase), line in house.ledger.lines.items()
        },
        "broken": [_excursion(excursion) for excursion in house.ledger.broken],
        "cars_soc_percent": {
            load: round(socket.car.soc_percent, 1) for load, socket in house.sockets.items() if socket.car
        },
        "pilots_a": {load: round(socket.pilot_a, 1) for load, socket in house.sockets.items()},
        "sockets_wh": {load: round(socket.energy_wh) for load, socket in house.sockets.items()},
        "celsius": {name: round(thing.celsius, 1) for name, thing in built.heated.items()},
        "imported_wh": round(house.imported_wh),
        "exported_wh": round(house.exported_wh),
        "currents_a": {name: [round(a, 2) for a in current] for name, current in house.currents_a.items()},
    }


def _excursion(excursion: Excursion | None) -> dict[str, Any] | None:
    if excursion is None:
        return None
    return {
        "circuit": excursion.circuit,
        "phase": excursion.phase,
        "began_s": round(excursion.began_s, 1),
        "lasted_s": round(excursion.lasted_s, 1),
        "unmended_s": round(excursion.unmended_s, 1),
        "allowed_s": round(excursion.allowed_s, 1),
        "peak_a": round(excursion.peak_a, 2),
        "limit_a": excursion.limit_a,
        "cause": str(excursion.cause),
    }
