"""What outlives the process beside what was learned: the leases in force, and what we owe the devices."""

from collections.abc import Iterable

from msgspec import Struct

from busbar_contracts.load import PlugSwitch
from busbar_plugs.relay import HOUR_S, Relay, Rules, is_manual
from busbar_shared.kept_leases import KeptLease, kept_lease
from busbar_shared.leases import Held
from busbar_shared.moment import Moment


class PlugMemory(Struct, kw_only=True):
    """One plug. Times in calendar seconds: a monotonic clock ends with its machine."""

    leases: list[KeptLease[PlugSwitch]] = []
    switched_at: float | None = None
    moves: list[float] = []
    manual_on: bool | None = None
    manual_until: float | None = None
    manual_asked: bool = False
    """The owner said it on the bus; false: a hand was at the device."""
    owner_pulse: int | None = None
    """The PulseTime the owner had set, as long as ours stands in its place."""


def written(
    relay: Relay, leases: Iterable[Held[PlugSwitch]], owner_pulse: int | None, now: Moment
) -> PlugMemory:
    """What is put on disk of a plug. A hand that no longer counts is forgotten."""
    by_hand = is_manual(relay, now.s)
    return PlugMemory(
        leases=[kept_lease(held, now) for held in leases],
        switched_at=now.calendar_of(relay.switched_at_s),
        moves=[at for at in (now.calendar_of(at_s) for at_s in relay.moves) if at is not None],
        manual_on=relay.manual_on if by_hand else None,
        manual_until=now.calendar_of(relay.manual_until_s) if by_hand else None,
        manual_asked=relay.manual_asked and by_hand,
        owner_pulse=owner_pulse,
    )


def relay_of(memory: PlugMemory, rules: Rules, now: Moment) -> Relay:
    """The relay as it was left. Where it stands today its device has to say first."""
    ages_s = (now.calendar_s - at for at in memory.moves)
    return Relay(
        switched_at_s=now.monotonic_of(memory.switched_at),
        moves=tuple(now.s - max(age_s, 0.0) for age_s in ages_s if age_s < HOUR_S),
        manual_on=memory.manual_on,
        manual_until_s=now.monotonic_of(memory.manual_until, most_s=rules.manual_hold_s),
        manual_asked=memory.manual_asked,
    )
