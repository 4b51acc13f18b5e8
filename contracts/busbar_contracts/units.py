"""Numbers that know their unit: the unit is in the type, so it reaches the schema and the reader.

Bounds are those of physics in a building, not of one device: what is outside them is an error of
transport or of a driver, and is refused when a message is decoded. NaN and infinity are not JSON.
"""

from datetime import datetime
from typing import Annotated

from msgspec import Meta


def _unit(name: str) -> dict[str, str]:
    return {"x-unit": name}


Amps = Annotated[float, Meta(ge=0, le=100_000, extra_json_schema=_unit("A"))]
"""A current that has no sign: a limit, a draw."""

SignedAmps = Annotated[float, Meta(ge=-100_000, le=100_000, extra_json_schema=_unit("A"))]
"""A current with a sign; which way is positive stands in the description of the field."""

Watts = Annotated[float, Meta(ge=-1e9, le=1e9, extra_json_schema=_unit("W"))]
"""A power with a sign; which way is positive stands in the description of the field."""

PositiveWatts = Annotated[float, Meta(ge=0, le=1e9, extra_json_schema=_unit("W"))]
"""A power that has no sign: a limit, a rating."""

WattHours = Annotated[float, Meta(ge=0, le=1e15, extra_json_schema=_unit("Wh"))]
Volts = Annotated[float, Meta(ge=0, le=100_000, extra_json_schema=_unit("V"))]
Percent = Annotated[float, Meta(ge=0, le=100, extra_json_schema=_unit("%"))]
Celsius = Annotated[float, Meta(ge=-100, le=1000, extra_json_schema=_unit("°C"))]
Seconds = Annotated[float, Meta(ge=0, le=1e9, extra_json_schema=_unit("s"))]
Kelvins = Annotated[float, Meta(ge=-100, le=100, extra_json_schema=_unit("K"))]

Instant = Annotated[datetime, Meta(tz=True)]
"""A moment with its offset from UTC; Busbar writes UTC."""

Id = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_-]{0,62}$")]
"""A name chosen in the configuration: lower case letters, digits, - and _."""

Reason = Annotated[str, Meta(max_length=1000)]
"""Why, in a sentence for the owner of the house."""

PhaseCount = Annotated[int, Meta(ge=1, le=3)]
LegCount = Annotated[int, Meta(ge=0, le=3)]
Share = Annotated[float, Meta(ge=0, le=1)]
Price = Annotated[float, Meta(ge=-1_000_000, le=1_000_000, extra_json_schema=_unit("currency/kWh"))]
SgReadyState = Annotated[int, Meta(ge=1, le=4)]
Priority = Annotated[int, Meta(ge=1, le=10)]
Tag = Annotated[str, Meta(min_length=1, max_length=255)]
"""What a charger read from a card: at most 20 characters in OCPP 1.6, 36 in 2.0.1, 255 in 2.1."""

Text36 = Annotated[str, Meta(max_length=36)]
Text64 = Annotated[str, Meta(min_length=1, max_length=64)]
Text100 = Annotated[str, Meta(max_length=100)]
Text1000 = Annotated[str, Meta(max_length=1000)]
WattHoursPerKelvin = Annotated[float, Meta(ge=0, le=1e9, extra_json_schema=_unit("Wh/K"))]
WattsPerKelvin = Annotated[float, Meta(ge=0, le=1e9, extra_json_schema=_unit("W/K"))]
