"""Which models each role needs, how often, and how much of them."""

from busbar_meter.block import Place
from busbar_meter.definitions import HEADER, model
from busbar_meter.sunspec_inverter import INVERTER_MODELS
from busbar_meter.sunspec_meter import METER_MODELS

# Blocks are read whole, but these only up to a point, so that each fits one read of 125 registers:
# 21x has 126, and 701 has 155 of which the last 32 are a text.
THROUGH = {
    **dict.fromkeys((211, 212, 213, 214), "TotWhImp"),
    701: "Tmp_SF",
}

FAST_METER = frozenset(METER_MODELS)
FAST_INVERTER = frozenset((*INVERTER_MODELS, 160, 714, 123, 704))
FAST_BATTERY = frozenset((*INVERTER_MODELS, 160, 714, 124, 704, 713, 802))
SLOW_INVERTER = frozenset((120, 121, 122, 702, 703, 715))
SLOW_BATTERY = frozenset((120, 702, 715))


def chosen(models: frozenset[int], present: frozenset[int]) -> frozenset[int]:
    """The models to read of those present: of several meters or inverters alike only the best one."""
    kept = set(models & present)
    for family in (METER_MODELS, INVERTER_MODELS):
        alike = [number for number in family if number in kept]
        kept -= set(alike[1:])
    return frozenset(kept)


def trusted(place: Place) -> bool:
    """Whether the block's length fits the definition well enough to decode it.

    Devices built on drafts of models 70x use the same numbers for other layouts (pysunspec2's own
    test device has a 713 that measures DC), so there the length must fit exactly. Elsewhere shorter
    and longer blocks occur and are decoded as far as they go.
    """
    definition = model(place.model)
    if definition is None or not 700 <= place.model < 800:
        return definition is not None
    over = place.length + HEADER - definition.fixed
    return over == 0 if not definition.stride else over >= 0 and over % definition.stride == 0
