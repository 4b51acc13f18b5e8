"""Plays a recording through the same allocator code in virtual time, and says where decisions differ."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from busbar_allocator.config import plan_from
from busbar_allocator.desk import Desk
from busbar_allocator.main import HEARD, TICK_S
from busbar_cli.recording import BadRecording, Header, Line, read
from busbar_contracts.allocation import Allocation
from busbar_contracts.topics import match
from busbar_shared.bus import Heard
from busbar_shared.config.root import Site

START_S = 1000.0
SAME_A = 0.15
"""Limits closer than this are the same decision: a recorded allocation is rounded and said up to 10 s late."""


class Difference(Struct, frozen=True, kw_only=True):
    """A moment at which the replay decides otherwise than the recording."""

    t: float
    load: str
    recorded_a: float | None
    replayed_a: float | None
    recorded_why: str
    replayed_why: str


class Replayed(Struct, frozen=True, kw_only=True):
    """The outcome of a replay."""

    messages: int
    seconds: float
    decisions: int
    compared: int
    differences: list[Difference]
    limits: dict[str, float]
    """The last limit of each load, so that two replays can be compared."""


def replay(path: Path, changes: Mapping[str, Any] | None = None) -> Replayed:
    """Play the file. `changes` are dotted keys of the configuration with new values. Raises BadRecording."""
    header, lines = read(path)
    site = site_of(header, changes or {})
    return Player(site, header).play(lines)


def site_of(header: Header, changes: Mapping[str, Any]) -> Site:
    """The recorded configuration with some values changed. Raises BadRecording for what cannot be."""
    data = header.site
    for key, value in changes.items():
        *path, last = key.split(".")
        place: Any = data
        for name in path:
            place = place.get(name) if isinstance(place, dict) else None
            if not isinstance(place, dict):
                raise BadRecording(f"{key}: there is no {name!r} in the recorded configuration")
        place[last] = value
    try:
        return msgspec.convert(data, Site)
    except msgspec.ValidationError as error:
        raise BadRecording(f"the configuration cannot be used: {error}") from error


class Player:
    """The allocator at its desk, fed from a file, one virtual second after another."""

    def __init__(self, site: Site, header: Header) -> None:
        self._desk = Desk(plan_from(site), None, START_S, "replay")
        self._header = header
        self._now: Allocation | None = None
        self._decisions = self._compared = 0
        self._differences: dict[str, Difference] = {}
        self._told: set[str] = set()
        self._all: list[Difference] = []

    def play(self, lines: Iterator[Line]) -> Replayed:
        """Feed every message at its time."""
        count, t, next_tick = 0, 0.0, 0.0
        for line in lines:
            count, t = count + 1, max(t, line.t)
            while next_tick <= t:
                self._decide(next_tick)
                next_tick += TICK_S
            self._take(line, t)
        limits = {name: grant.limit_a for name, grant in self._now.loads.items()} if self._now else {}
        return Replayed(
            messages=count, seconds=round(t, 1), decisions=self._decisions, compared=self._compared,
            differences=self._all, limits=limits,
        )  # fmt: skip

    def _take(self, line: Line, t: float) -> None:
        root = self._header.root
        found = match("hems" + line.topic[len(root) :]) if line.topic.startswith(root) else None
        if found is None or line.payload is None:
            return
        topic, ids = found
        kind = topic.message
        if kind is not Allocation and kind not in HEARD:
            return
        try:
            message = msgspec.convert(line.payload, kind)
        except msgspec.ValidationError:
            return  # the bus would have refused it too
        if isinstance(message, Allocation):
            self._compare(message, t)
        elif self._desk.hear(Heard(message, ids, line.topic, START_S + t, line.retained)):
            self._decide(t)

    def _decide(self, t: float) -> None:
        answer = self._desk.decide(START_S + t, self._header.at + timedelta(seconds=t))
        self._decisions += 1
        for one in answer.messages:
            if isinstance(one.message, Allocation):
                self._now = one.message

    def _compare(self, recorded: Allocation, t: float) -> None:
        if self._now is None:
            return
        self._compared += 1
        for load in sorted({*recorded.loads, *self._now.loads}):
            then, now = recorded.loads.get(load), self._now.loads.get(load)
            then_a, now_a = then.limit_a if then else None, now.limit_a if now else None
            if then_a is not None and now_a is not None and abs(then_a - now_a) <= SAME_A:
                self._differences.pop(load, None)
                self._told.discard(load)
                continue
            found = Difference(
                t=round(t, 1), load=load, recorded_a=then_a, replayed_a=now_a,
                recorded_why=then.reason if then else "not there", replayed_why=now.reason if now else "not there",
            )  # fmt: skip
            # Once may be a matter of milliseconds between two decisions; what still stands at the next word is not.
            if load in self._differences and load not in self._told:
                self._all.append(found)
                self._told.add(load)
            self._differences[load] = found
