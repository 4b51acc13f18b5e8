"""Peculiarities of makes, from a data file that owners can extend."""

import logging
import re
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from busbar_ocpp.forms import Abilities
from busbar_ocpp.profile import Unit
from busbar_ocpp.said import Booted

log = logging.getLogger(__name__)


class Quirk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of the file; the file itself says what the fields mean."""

    name: str
    source: str
    vendor: str = ""
    model: str = ""
    firmware: str = ""
    units: tuple[Literal["A", "W"], ...] | None = None
    whole_amps: bool | None = None
    kind: Literal["Absolute", "Relative"] | None = None
    max_level: int | None = None
    max_periods: int | None = None
    without_tx_profile: bool | None = None
    unit_only: bool | None = None
    zero_does_not_stop: bool | None = None
    start_early_s: int | None = None
    keeps_tx_profile: bool | None = None
    offers_nothing: bool | None = None
    refuses_measurands: bool | None = None
    repeats_are_ignored: bool | None = None


class QuirkFile(Struct, frozen=True, forbid_unknown_fields=True):
    """The file."""

    quirk: tuple[Quirk, ...] = ()


def shipped() -> tuple[Quirk, ...]:
    """The entries that come with Busbar."""
    return msgspec.toml.decode(
        files("busbar_ocpp").joinpath("quirks.toml").read_bytes(), type=QuirkFile
    ).quirk


def with_own(folder: Path) -> tuple[Quirk, ...]:
    """The shipped entries and the owner's; an own file that cannot be read is reported and left out."""
    path = folder / "quirks.toml"
    try:
        own = msgspec.toml.decode(path.read_bytes(), type=QuirkFile).quirk
    except FileNotFoundError:
        own = ()
    except (OSError, msgspec.DecodeError) as error:
        log.error("%s cannot be read and is left out: %s", path, error)
        own = ()
    return (*shipped(), *own)


def of(identity: Booted, quirks: Iterable[Quirk]) -> tuple[Quirk, ...]:
    """The entries for this charge point, in their order."""
    shown = (identity.vendor, identity.model, identity.firmware or "")
    return tuple(
        quirk
        for quirk in quirks
        if all(
            _matches(wanted, text)
            for wanted, text in zip((quirk.vendor, quirk.model, quirk.firmware), shown, strict=True)
        )
    )


def merged(found: Iterable[Quirk]) -> Quirk:
    """All of them as one: later entries win field by field."""
    fields: dict[str, object] = {}
    for quirk in found:
        fields |= {name: value for name, value in msgspec.structs.asdict(quirk).items() if value is not None}
    return Quirk(**{"name": "none", "source": "none", **fields})  # type: ignore[arg-type]


def corrected(abilities: Abilities, quirk: Quirk) -> Abilities:
    """What a charger says of itself, corrected by what is known of it."""
    changes: dict[str, object] = {}
    if quirk.units is not None:
        changes["units"] = tuple(Unit(unit) for unit in quirk.units)
    if quirk.max_level is not None:
        changes["max_level"] = quirk.max_level
    if quirk.max_periods is not None:
        changes["max_periods"] = quirk.max_periods
    if quirk.kind is not None:
        changes["relative_first"] = quirk.kind == "Relative"
    if quirk.without_tx_profile is not None:
        changes["without_tx_profile"] = quirk.without_tx_profile
    if quirk.unit_only is not None:
        changes["unit_only"] = quirk.unit_only
    return msgspec.structs.replace(abilities, **changes)


def _matches(wanted: str, text: str) -> bool:
    try:
        return not wanted or re.match(wanted, text, re.IGNORECASE) is not None
    except re.error:
        return False
