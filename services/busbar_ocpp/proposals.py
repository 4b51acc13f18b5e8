"""What a charger has taught us that its configuration does not say: phases, minimum, maximum, connectors.

Only proposed. The wiring is the electrician's word, and nothing learned from a device changes it.
"""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

DIFFERS_A = 0.9
"""A rating in watts and volts hits a current of whole amperes this well."""


class Configured(Struct, frozen=True, kw_only=True):
    """What the configuration says of a connector."""

    legs: int
    min_a: float
    max_a: float


class Learned(Struct, kw_only=True):
    """What a connector was seen to be; None where nothing told."""

    phases: int | None = None
    min_a: float | None = None
    offers_a: float | None = None
    """What it would offer a car before anything of ours was in it."""


def proposals(
    charger: str,
    configured: Mapping[int, Configured],
    learned: Mapping[int, Learned],
    said: Mapping[str, str],
) -> Iterator[str]:
    """Sentences for the owner, each with the key to look at."""
    count = connectors(said)
    if count is not None and count != len(configured):
        yield f"it has {count} connectors, {len(configured)} are configured in chargers.{charger}.connectors"
    for number, wiring in configured.items():
        known = learned.get(number, Learned())
        phases = known.phases or phases_of(said, number)
        if phases is not None and phases != wiring.legs:
            yield f"connector {number} has {phases} phases, chargers.{charger}.legs names {wiring.legs}"
        if known.offers_a is not None and abs(known.offers_a - wiring.max_a) > DIFFERS_A:
            offers = f"{known.offers_a:.0f} A"
            yield f"connector {number} offers {offers} by itself, chargers.{charger}.max_a is {wiring.max_a:g}"
        most = rated_a(said, number, phases or wiring.legs)
        if most is not None and abs(most - wiring.max_a) > DIFFERS_A:
            yield f"connector {number} is made for {most:.0f} A, chargers.{charger}.max_a is {wiring.max_a:g}"
        if known.min_a is not None and known.min_a > wiring.min_a + DIFFERS_A:
            yield f"connector {number} needs {known.min_a:.0f} A, chargers.{charger}.min_a is {wiring.min_a:g}"


def connectors(said: Mapping[str, str]) -> int | None:
    """How many it has: NumberOfConnectors (1.6 section 9.1.18), or the EVSEs that answered (2.0.1)."""
    number = said.get("NumberOfConnectors", "")
    if number.isdecimal() and len(number) < 4:
        return int(number)
    evses = {int(found[1]) for name in said if (found := re.match(r"EVSE\[(\d{1,3})\]\.", name))}
    return len(evses - {0}) or None


def phases_of(said: Mapping[str, str], number: int) -> int | None:
    """How many phases feed a connector: EVSE.SupplyPhases (2.0.1), or what ConnectorPhaseRotation implies (1.6, 9.1.7)."""
    supply = said.get(f"EVSE[{number}].SupplyPhases", "")
    if supply in ("1", "2", "3"):
        return int(supply)
    for entry in said.get("ConnectorPhaseRotation", "").split(","):
        place, _, rotation = entry.strip().partition(".")
        if place == str(number):
            return {"NotApplicable": 1}.get(rotation, 3 if sorted(rotation) == ["R", "S", "T"] else None)
    return None


def rated_a(said: Mapping[str, str], number: int, phases: int) -> float | None:
    """The current per phase behind the largest power an EVSE names (2.0.1, EVSE.Power)."""
    try:
        watts = float(said.get(f"EVSE[{number}].Power.max", ""))
    except ValueError:
        return None
    # 1 kW to 100 kW: what is beyond is no charger of a house, or no watts.
    return watts / (phases * 230.0) if 1000 <= watts <= 100_000 else None
