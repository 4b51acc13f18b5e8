"""Vendor quirks: what a device's name tells us about signs, writes and noise."""

from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct


class Quirk(Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the data file; absent fields say nothing."""

    manufacturer: str
    source: Annotated[str, Meta(min_length=8, description="Where the knowledge comes from.")]
    model: str = ""
    meter_sign: Literal[1, -1] | None = None
    battery_sign: Literal[1, -1] | None = None
    write_with: Literal["single", "multiple"] | None = None
    single_client: bool | None = None
    battery_inputs: tuple[str, ...] | None = None
    min_limit_percent: Annotated[float, Meta(ge=0, le=20)] | None = None
    limit_map: str | None = None
    negative_export: bool | None = None
    turn_rest_s: Annotated[float, Meta(ge=0, le=60)] | None = None
    unit: int | None = None
    port: int | None = None


class QuirkFile(Struct, frozen=True, forbid_unknown_fields=True):
    """The data file."""

    quirk: tuple[Quirk, ...]


class Manner(Struct, frozen=True):
    """How one device is to be treated, every question answered."""

    # + = import is what the Exp/Imp energies of models 20x suggest and what most makers do.
    meter_sign: Literal[1, -1] = 1
    meter_sign_known: bool = False
    # +1: the device counts charging as positive. None: unknown, never guessed.
    battery_sign: Literal[1, -1] | None = None
    write_with: Literal["single", "multiple"] = "multiple"
    single_client: bool = False
    battery_inputs: tuple[str, ...] = ()
    min_limit_percent: float = 0.0
    # The register map that limits it, where it offers neither model 123 nor 704.
    limit_map: str | None = None
    # The exported energy counts downwards from zero, as a two's complement in an unsigned counter.
    negative_export: bool = False
    # How long the battery rests between ordered charging and ordered discharging.
    turn_rest_s: float = 0.0


@cache
def known_quirks() -> tuple[Quirk, ...]:
    """The shipped entries."""
    raw = files("busbar_meter").joinpath("quirks.toml").read_bytes()
    return msgspec.toml.decode(raw, type=QuirkFile).quirk


def manner_of(manufacturer: str | None, model: str | None) -> Manner:
    """The treatment of a device with these names."""
    manner = Manner()
    for quirk in known_quirks():
        if _named(manufacturer, quirk.manufacturer) and _named(model, quirk.model):
            manner = _with(manner, quirk)
    return manner


def manner_in_chain(manufacturer: str | None, model: str | None, head: str | None) -> Manner:
    """The treatment of a device in the chain of another maker's, `head`, that passes its figures on.

    What its own name does not tell of the sign of a meter, the name of the head tells: a WattNode behind
    a SolarEdge inverter counts export as positive like SolarEdge's own meters.
    """
    own, passed_on = manner_of(manufacturer, model), manner_of(head, None)
    if own.meter_sign_known or not passed_on.meter_sign_known:
        return own
    return msgspec.structs.replace(own, meter_sign=passed_on.meter_sign, meter_sign_known=True)


def _named(name: str | None, prefix: str) -> bool:
    return (name or "").strip().casefold().startswith(prefix.casefold())


def _with(manner: Manner, quirk: Quirk) -> Manner:
    said = {
        field: value
        for field in Manner.__struct_fields__
        if (value := getattr(quirk, field, None)) is not None
    }
    known = manner.meter_sign_known or quirk.meter_sign is not None
    return msgspec.structs.replace(manner, **said, meter_sign_known=known)
