"""One relay: where it stands, who put it there, and when it may be moved again.

Two things are told apart here. A change we ordered, or that the device's own timer made, is business; a
change nobody ordered is the owner's hand, which is respected for a while. And an *off* is never held
back: it may be the one that keeps a fuse in. The rest a relay is owed is taken from the *ons*, which wait
for the minimum off time and are allowed only while the hour still has room for the off that will follow.
"""

from dataclasses import dataclass, replace
from typing import Final

ANSWER_S: Final = 30.0
"""A device that reports a position this long after it was told so is answering late, not acting by itself."""
HOUR_S: Final = 3600.0
RETRY_S: Final = (2.0, 5.0, 10.0, 30.0)
"""Waits between repetitions to a device that does not do as told; the last one for ever."""
TIMER_SLACK_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Rules:
    """What the owner asks of one plug's switching."""

    min_on_s: float = 120.0
    min_off_s: float = 120.0
    switches_per_hour: int = 12
    safe_on: bool = False
    manual_hold_s: float = 1800.0
    lease_s: float = 30.0
    device_lease_s: float | None = None
    """The off-timer left in the device with each on; None where there is none or must be none."""
    timer_ends_every_on: bool = False
    """The device's timer also ends what its own button switched on (Tasmota's PulseTime)."""


@dataclass(frozen=True, slots=True)
class Relay:
    """What is known and was done. Times in seconds on the monotonic clock."""

    on: bool | None = None
    switched_at_s: float | None = None
    told: bool | None = None
    told_at_s: float | None = None
    told_on_at_s: float | None = None
    told_off_at_s: float | None = None
    tries: int = 0
    timer_until_s: float | None = None
    moves: tuple[float, ...] = ()
    manual_on: bool | None = None
    manual_until_s: float | None = None
    manual_asked: bool = False
    """The owner said it on the bus; false: a hand was at the device."""


@dataclass(frozen=True, slots=True)
class Act:
    """What to send now: a position, and whether it only renews what already is."""

    on: bool
    renews: bool = False


def reported(relay: Relay, on: bool, now_s: float, rules: Rules, *, excused: bool) -> tuple[Relay, bool]:
    """The relay after its device said where it stands; True when it was moved by hand.

    `excused` when the device itself said why it moved: its timer, its overload protection.
    """
    told_so = relay.told == on
    if relay.on is None or on == relay.on:
        # A device that comes back on although we said off has not heard us: say it again at once.
        unheard = relay.on is None and on and relay.told is False
        return replace(
            relay,
            on=on,
            tries=0 if told_so or unheard else relay.tries,
            told=None if unheard else relay.told,
        ), False
    moved = replace(
        relay,
        on=on,
        switched_at_s=now_s,
        tries=0,
        # What we said last is over once the device stands otherwise; saying it again will be a new move.
        told=relay.told if told_so else None,
        timer_until_s=relay.timer_until_s if on and told_so else _timer_of_a_hand(on, now_s, rules),
    )
    if excused or _ours(relay, on, now_s) or _timer_ended(relay, on, now_s):
        return _hand_ended(moved) if excused and not on and relay.timer_until_s is None else moved, False
    return by_hand(moved, on, now_s, rules), True


def lost(relay: Relay) -> Relay:
    """The relay of a device that is gone: it may have been unplugged, and wake up in any position.

    What a hand at the device had switched on is over then; what the owner said on the bus is not.
    """
    return replace(relay if relay.manual_asked else _hand_ended(relay), on=None)


def by_hand(relay: Relay, on: bool, now_s: float, rules: Rules, *, asked: bool = False) -> Relay:
    """The owner's wish, respected for the hold; `asked` when it came over the bus."""
    return replace(relay, manual_on=on, manual_until_s=now_s + rules.manual_hold_s, manual_asked=asked)


def hand_over(relay: Relay) -> Relay:
    """No hand counts any more, whatever it wished."""
    return replace(relay, manual_on=None, manual_until_s=None, manual_asked=False)


def _hand_ended(relay: Relay) -> Relay:
    """The device itself ended what a hand had switched on, by a timer that is not ours or to save itself.

    Nobody wishes it on any more, and switching it on again would be against the device.
    """
    return replace(relay, manual_on=None, manual_until_s=None) if relay.manual_on else relay


def is_manual(relay: Relay, now_s: float) -> bool:
    """The owner's hand still counts."""
    return relay.manual_until_s is not None and now_s < relay.manual_until_s


def told(relay: Relay, act: Act, now_s: float, timer_s: float | None) -> Relay:
    """The relay after a message went out. A move is counted once, however often it is repeated."""
    # An off to a relay nobody has heard of yet most likely finds it off.
    is_move = relay.on != act.on and relay.told != act.on and not (relay.on is None and not act.on)
    moves = tuple(at for at in relay.moves if now_s - at < HOUR_S)
    timer = now_s + timer_s if act.on and timer_s is not None else None
    return replace(
        relay,
        told=act.on,
        told_at_s=now_s,
        told_on_at_s=now_s if act.on else relay.told_on_at_s,
        told_off_at_s=relay.told_off_at_s if act.on else now_s,
        tries=0 if act.renews else relay.tries + 1,
        moves=(*moves, now_s) if is_move else moves,
        timer_until_s=timer,
    )


def wanted(relay: Relay, order_on: bool | None, now_s: float, rules: Rules, *, starting: bool) -> bool | None:
    """Where the relay should stand: the owner's hand, then the order in force, then the safe state.

    None while a service that has just started waits for orders that may still be under way.
    """
    if is_manual(relay, now_s):
        return relay.manual_on
    if order_on is not None:
        return order_on
    return None if starting else rules.safe_on


def decide(relay: Relay, want: bool | None, now_s: float, rules: Rules, *, link: bool) -> Act | None:
    """What to send now, if anything."""
    if want is None:
        return None
    under_way = relay.told is not None and relay.told != relay.on
    if relay.on == want and not (under_way and relay.told != want):
        return Act(want, renews=True) if want and _renewal_is_due(relay, now_s, rules) else None
    if relay.told == want and not _retry_is_due(relay, now_s):
        return None
    if not want:
        return Act(False)
    if relay.on and not _is_overdue(relay, now_s):
        # An off is on its way; let it arrive, or the load would be off for a blink.
        return None
    # A device that is not there would obey when it comes back, on an order that is long over.
    if not link or (
        relay.told != want and not is_manual(relay, now_s) and now_s < may_switch_at(relay, now_s, rules)
    ):
        return None
    return Act(True)


def may_switch_at(relay: Relay, now_s: float, rules: Rules) -> float:
    """The earliest moment at which the relay should be moved to spare it and its load.

    Binding for a switch-on. For a switch-off it is a wish to whoever orders: an off is obeyed at once.
    """
    if relay.on:
        return (relay.switched_at_s or 0.0) + rules.min_on_s if relay.switched_at_s is not None else now_s
    rested = relay.switched_at_s + rules.min_off_s if relay.switched_at_s is not None else now_s
    return max(rested, _room_for_two_at(relay, now_s, rules))


def _room_for_two_at(relay: Relay, now_s: float, rules: Rules) -> float:
    """When the last hour holds at most two switches less than allowed, this on and its off."""
    moves = sorted(at for at in relay.moves if now_s - at < HOUR_S)
    spare = max(rules.switches_per_hour, 2) - 2
    if len(moves) <= spare:
        return now_s
    return moves[len(moves) - spare - 1] + HOUR_S


def _renewal_is_due(relay: Relay, now_s: float, rules: Rules) -> bool:
    if rules.device_lease_s is None:
        return False
    if is_manual(relay, now_s) and relay.timer_until_s is None:
        # Switched on at the device itself: there is no timer in it, and we put none there.
        return False
    return relay.told_on_at_s is None or now_s - relay.told_on_at_s >= rules.device_lease_s / 3


def _retry_is_due(relay: Relay, now_s: float) -> bool:
    if relay.told_at_s is None:
        return True
    return now_s - relay.told_at_s >= RETRY_S[min(max(relay.tries - 1, 0), len(RETRY_S) - 1)]


def _is_overdue(relay: Relay, now_s: float) -> bool:
    return relay.told_at_s is None or now_s - relay.told_at_s > ANSWER_S


def _timer_of_a_hand(on: bool, now_s: float, rules: Rules) -> float | None:
    if not on or not rules.timer_ends_every_on or rules.device_lease_s is None:
        return None
    return now_s + rules.device_lease_s


def _ours(relay: Relay, on: bool, now_s: float) -> bool:
    at = relay.told_on_at_s if on else relay.told_off_at_s
    return at is not None and now_s - at <= ANSWER_S


def _timer_ended(relay: Relay, on: bool, now_s: float) -> bool:
    return not on and relay.timer_until_s is not None and now_s >= relay.timer_until_s - TIMER_SLACK_S
