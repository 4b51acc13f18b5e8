"""Which surplus a heater may store, as the allocation tells it."""

from typing import Final

from busbar_contracts.allocation import Allocation
from busbar_contracts.load import LoadMode

POOL_AGE_S: Final = 30.0
"""A surplus that is older is nobody's any more."""


def surplus_w(said: Allocation, age_s: float, heater: str, mode: LoadMode) -> float | None:
    """The surplus of this mode in W; None when the mode asks for none, or nobody has said it lately.

    None also while a cheap hour or a boost lets the heater store from any source: then no surplus is asked for.
    """
    grant = said.loads.get(f"{heater}/storage")
    if age_s > POOL_AGE_S or (grant is not None and grant.mode is LoadMode.STANDARD):
        return None
    return {LoadMode.SOLAR_ONLY: said.pools.solar_w, LoadMode.EXCESS: said.pools.excess_w}.get(mode)
