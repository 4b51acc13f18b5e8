"""The composite schedule as both versions carry it: from which second on what limit, in the unit that was asked for."""

from collections.abc import Mapping
from typing import Any

from busbar_simulator.station.composite import VOLTS
from busbar_simulator.station.connector import Connector
from busbar_simulator.station.faults import Fault
from busbar_simulator.station.station import Station

from .words import Json

ABSURD_S = 2_147_483_647


def unit_of(station: Station, payload: Mapping[str, Any]) -> str:
    """The unit of the answer: the one that was asked for, else A; some know only W."""
    return "W" if Fault.WATTS_ONLY in station.spec.faults else str(payload.get("chargingRateUnit", "A"))


def periods(station: Station, connector: Connector, lasts_s: int, unit: str) -> list[Json]:
    """What the profiles come to for this connector, at most what its socket gives; at least one period."""
    steps = station.reader(connector).schedule(
        station.profiles.installed, connector.number, connector.session, station.time(), lasts_s
    )
    most, legs = connector.socket.spec.max_a, len(connector.socket.spec.legs)
    found: list[Json] = []
    for second, allowed in steps:
        amps = most if allowed.amps is None else min(allowed.amps, most)
        if Fault.MINUS_ONE_COMPOSITE in station.spec.faults and allowed.amps is None:
            amps = -1.0
        limit = amps if unit == "A" or amps < 0 else amps * VOLTS * legs
        found.append({"startPeriod": second, "limit": round(limit, 1)})
    return found


def holds_s(station: Station, lasts_s: int) -> int:
    """How long the answer says it holds: as long as was asked, or for ever at a charge point that says so."""
    return ABSURD_S if Fault.ABSURD_COMPOSITE in station.spec.faults else lasts_s
