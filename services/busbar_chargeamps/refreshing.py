"""Reads what may arrive on the refresh topic: the owner asks to plan anew and to compare the cloud anew."""

from datetime import datetime, timedelta

from busbar_contracts.chargeamps import ScheduleRefresh
from busbar_contracts.topics import topic_of
from busbar_shared.bus import RawHeard
from busbar_shared.judge import Refused, decode

OLD = timedelta(minutes=1)
"""What a client kept in its queue for so long was asked of another day."""


def read(heard: RawHeard, now: datetime) -> ScheduleRefresh:
    """The request in a message; raises `Refused` with the field and its value, and nothing happens."""
    if heard.retained:
        raise Refused("retained_command", "a retained command is ignored")
    asked: ScheduleRefresh = decode(topic_of(ScheduleRefresh), heard.payload)
    if asked.issued_at is not None and now - asked.issued_at > OLD:
        text = f"issued_at: {asked.issued_at.isoformat()} is more than a minute ago"
        raise Refused("stale_command", text, "$.issued_at")
    return asked
