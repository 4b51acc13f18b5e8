"""SG Ready: a heat pump with two contacts and four states.

States and contacts as in the regulations of the SG Ready label (Bundesverband Wärmepumpe, "Regularium für das
Label SG Ready", section 2.1; the same in SMA's manual EDMM-10, "Configuration of SG Ready interface"):
1 block (contacts 1:0, at most two hours), 2 normal (0:0), 3 recommendation to run more (0:1), 4 definite start
(1:1). A compressor is not a lamp: each state is held for its dwell. Only towards *less* an order is obeyed at
once, because it may be the one that keeps a fuse in.
"""

from dataclasses import dataclass, replace
from typing import Final

from busbar_contracts.load import HeatMode

BLOCK, NORMAL, RECOMMEND, FORCE = 1, 2, 3, 4
CONTACTS: Final = {
    BLOCK: (True, False),
    NORMAL: (False, False),
    RECOMMEND: (False, True),
    FORCE: (True, True),
}


@dataclass(frozen=True, slots=True)
class SgRules:
    """What the owner asks of an SG Ready heat pump."""

    dwell_s: float = 600.0
    block_max_s: float = 7200.0
    recommend_above_w: float = 0.0
    force_above_w: float | None = None


@dataclass(frozen=True, slots=True)
class Sg:
    """The state in force and since when (monotonic seconds); when the last block ended by its own limit."""

    state: int = NORMAL
    since_s: float | None = None
    rest_until_s: float | None = None


def wished(granted: HeatMode | None, pool_w: float | None, by_hand: int | None, rules: SgRules) -> int:
    """The state that order, surplus and owner ask for. A block counts more than the owner's hand."""
    if granted is HeatMode.BLOCK:
        return BLOCK
    if by_hand is not None:
        return by_hand
    if granted is not HeatMode.BOOST:
        return NORMAL
    if pool_w is not None and pool_w < rules.recommend_above_w:
        return NORMAL
    if rules.force_above_w is not None and pool_w is not None and pool_w >= rules.force_above_w:
        return FORCE
    return RECOMMEND


def after(sg: Sg, wish: int, now_s: float, rules: SgRules, *, ordered_block: bool) -> Sg:
    """The state after a wish: dwell and the longest block are kept."""
    if sg.state == BLOCK and sg.since_s is not None and now_s - sg.since_s >= rules.block_max_s:
        # Two hours without heat are the most a house is asked for; then it has as long to get warm again.
        return Sg(NORMAL, now_s, rest_until_s=now_s + max(rules.block_max_s, rules.dwell_s))
    if wish == BLOCK and sg.rest_until_s is not None and now_s < sg.rest_until_s:
        wish = NORMAL
    if wish == sg.state:
        return sg
    at_once = wish == BLOCK and ordered_block
    if not at_once and now_s < may_change_at(sg, rules):
        return sg
    return replace(sg, state=wish, since_s=now_s)


def may_change_at(sg: Sg, rules: SgRules) -> float:
    """The earliest moment of the next change that nobody needs at once."""
    return float("-inf") if sg.since_s is None else sg.since_s + rules.dwell_s


def contacts_to_move(was: tuple[bool | None, bool | None], state: int) -> list[tuple[str, bool]]:
    """The contacts to move, in an order that never passes through a block or a forced start on the way.

    Contact A alone means block, so it opens first and closes last.
    """
    a, b = CONTACTS[state]
    moves = [("a", a)] if was[0] != a else []
    if was[1] != b:
        moves = [*moves, ("b", b)] if not a else [("b", b), *moves]
    return moves
