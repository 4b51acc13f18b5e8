"""The forms in which a limit can be said to a charger, in the order in which they are tried."""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from busbar_ocpp.profile import Form, Kind, Layout, Purpose, Unit

DEFAULT_LEVEL = 2


class Abilities(Struct, frozen=True, kw_only=True):
    """What a charger is known to understand; None where it has not said."""

    units: tuple[Unit, ...] | None = None
    max_level: int | None = None
    max_periods: int | None = None
    level: int | None = None
    """As configured."""
    relative_first: bool = False
    """Its absolute profiles are known to fail."""
    unit_only: bool = False
    """It takes profiles on connector 0 only."""
    without_tx_profile: bool = False


def forms(abilities: Abilities) -> tuple[Form, ...]:
    """Every form worth trying, the preferred one first, none twice."""
    found: list[Form] = []
    for form in _candidates(abilities):
        if form not in found and _possible(form, abilities):
            found.append(form)
    return tuple(found)


def _candidates(abilities: Abilities) -> Iterator[Form]:
    first = _preferred(abilities)
    yield first
    yield replace(first, valid_from=not first.valid_from)
    if first.kind is Kind.RELATIVE:
        first = replace(first, kind=Kind.ABSOLUTE)
    for form in (first, replace(first, level=0)):
        for unit in _units(abilities):
            yield replace(form, unit=unit)
            yield replace(form, unit=unit, valid_from=False)
            yield replace(form, unit=unit, during=Purpose.DEFAULT)
            yield replace(form, unit=unit, during=Purpose.DEFAULT, valid_from=False)
            yield replace(form, unit=unit, during=Purpose.DEFAULT, on_unit=True)
    for unit in _units(abilities):
        yield replace(first, unit=unit, layout=Layout.STACKED)
        yield replace(first, unit=unit, kind=Kind.RELATIVE)
    for unit in _units(abilities):
        yield replace(first, unit=unit, layout=Layout.SINGLE, during=Purpose.DEFAULT)
        yield replace(first, unit=unit, layout=Layout.SINGLE, level=0)


def _preferred(abilities: Abilities) -> Form:
    level = abilities.level if abilities.level is not None else DEFAULT_LEVEL
    if abilities.max_level is not None:
        level = min(level, abilities.max_level)
    layout = Layout.TWO_PERIODS
    if abilities.max_periods == 1:
        layout = Layout.STACKED if level > 0 else Layout.SINGLE
    return Form(
        unit=_units(abilities)[0],
        layout=layout,
        kind=Kind.RELATIVE if abilities.relative_first else Kind.ABSOLUTE,
        during=Purpose.DEFAULT if abilities.without_tx_profile else Purpose.TX,
        level=level,
        on_unit=abilities.unit_only,
    )


def _units(abilities: Abilities) -> tuple[Unit, ...]:
    return abilities.units or (Unit.AMPS, Unit.WATTS)


def _possible(form: Form, abilities: Abilities) -> bool:
    if form.layout is Layout.STACKED and form.level == 0:
        return False
    return not (form.layout is Layout.TWO_PERIODS and abilities.max_periods == 1)
