"""Plays a recording through the same allocator and battery code in virtual time, and says where decisions differ.

Both are given what was heard then. What they themselves said then is not played but compared; each hears what the
other says now. With a changed setting the file is played twice, as it was recorded and with the change, and the two
are compared: so nothing but the change makes a difference.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from busbar_cli.recording import BadRecording, Header, Line, read
from busbar_cli.replay_compare import Comparison, Difference, Word, words_of
from busbar_cli.replay_desks import Desk, Settings, Spoken, desks_of
from busbar_contracts.allocation import Allocation
from busbar_contracts.battery import BatterySettings
from busbar_contracts.topics import match, topic_of
from busbar_shared.bus import Heard, RawHeard
from busbar_shared.config.checks import impossible
from busbar_shared.config.load import BadConfig
from busbar_shared.config.root import Site

START_S = 1000.0
TICK_S = 1.0
"""Both services decide at least each second."""
BEGINNING_S = 3.0
"""What was retained when the recording began comes within this."""


class Replayed(Struct, frozen=True, kw_only=True):
    """The outcome of a replay."""

    messages: int
    seconds: float
    decisions: int
    compared: int
    differences: list[Difference]
    limits: dict[str, float]
    """The last limit of each load, A."""
    battery_w: float | None
    """What the battery service wanted last, W; None where there is none."""
    digest: str
    """Of every message both services had to say: two replays with one digest decided the same from first to last."""


def replay(
    path: Path, changes: Mapping[str, Any] | None = None, tell: Callable[[float], None] = lambda _: None
) -> Replayed:
    """Play the file. `changes` are dotted keys of the configuration with new values. Raises BadRecording.

    `tell` is told how many messages were played.
    """
    header, lines = read(path)
    lines = _told(lines, tell)
    try:
        before, settings = site_of(header, {}), settings_in(path)
        same = Player(before, header, before, settings, keeps=bool(changes))
        if not changes:
            return same.play(lines)
        site = site_of(header, changes)
        # What was recorded ran, whatever today's checks say of it; a change must not make it worse.
        if wrong := [one for one in impossible(site) if one not in set(impossible(before))]:
            raise BadConfig("; ".join(wrong))
        other = Player(site, header, before, settings)
        same.play(lines)
        return other.play(_told(read(path)[1], tell), same.decided)
    except BadConfig as error:
        raise BadRecording(f"the configuration cannot be used: {error}") from error


def _told(lines: Iterator[Line], tell: Callable[[float], None]) -> Iterator[Line]:
    for count, line in enumerate(lines):
        if count % 1000 == 0:
            tell(count)
        yield line


def site_of(header: Header, changes: Mapping[str, Any]) -> Site:
    """The recorded configuration with some values changed. Raises BadRecording for what cannot be."""
    data = msgspec.json.decode(msgspec.json.encode(header.site))
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


def settings_in(path: Path) -> Settings:
    """The owner's settings that were in force when the recording began. Raises BadRecording."""
    header, lines = read(path)
    settings = Settings()
    for line in takewhile(lambda one: one.t <= BEGINNING_S, lines):
        found = _understood(line, header.root) if line.retained else None
        if found is not None:
            settings.take(*found)
    return settings


def _understood(line: Line, root: str) -> tuple[Any, dict[str, str]] | None:
    """The message in a line and the names in its topic; None for what the bus would have refused too."""
    found = match("hems" + line.topic[len(root) :]) if line.topic.startswith(root + "/") else None
    if found is None or line.payload is None or found[0].message is str:
        return None
    try:
        return msgspec.convert(line.payload, found[0].message), found[1]
    except msgspec.ValidationError:
        return None


class Player:
    """The allocator and the battery service at their desks, fed from a file, one virtual second after another."""

    def __init__(
        self, site: Site, header: Header, before: Site | None = None, settings: Settings | None = None,
        *, keeps: bool = False,
    ) -> None:  # fmt: skip
        self._header, self._keeps = header, keeps
        self._desks: dict[str, Desk] = desks_of(site, before or site, settings or Settings(), START_S)
        self._comparison = Comparison()
        self.decided: list[tuple[float, dict[str, Word]]] = []
        """Every decision with its time, where they are to be kept; of a day they are many."""
        self._digest = hashlib.sha256()
        self._decisions = 0

    def play(
        self, lines: Iterator[Line], instead: Sequence[tuple[float, dict[str, Word]]] | None = None
    ) -> Replayed:
        """Feed every message at its time. Decisions are compared with the recorded ones, or with others `instead`."""
        others = deque(instead) if instead is not None else None
        if others is not None:
            self._comparison = Comparison(patient=False)
        count, t, next_tick = 0, 0.0, 0.0
        for line in lines:
            count, t = count + 1, max(t, line.t)
            while next_tick <= t:
                self.decide(next_tick)
                next_tick += TICK_S
            while others and others[0][0] <= t:
                at, words = others.popleft()
                self._comparison.recorded_words(words, at)
            self.take(line, t, compared=others is None)
        self._comparison.finish()
        allocation, battery = self.allocation, self._comparison.battery
        return Replayed(
            messages=count, seconds=round(t, 1), decisions=self._decisions,
            compared=self._comparison.compared, differences=self._comparison.differences,
            limits={name: grant.limit_a for name, grant in allocation.loads.items()} if allocation else {},
            battery_w=battery.battery_w if battery is not None else None, digest=self._digest.hexdigest()[:16],
        )  # fmt: skip

    @property
    def allocation(self) -> Allocation | None:
        """The last decision of the allocator."""
        return self._comparison.allocation

    def take(self, line: Line, t: float, *, compared: bool = True) -> None:
        """Give one message to those who hear it; what they say themselves is compared."""
        found = _understood(line, self._header.root)
        if found is None:
            self._raw(line, t)
            return
        message, ids = found
        if self._is_ours(message):
            if compared and line.retained:
                self._comparison.remembered()
            elif compared:
                self._comparison.recorded(message, t)
            return
        heard = Heard(message, ids, line.topic, START_S + t, line.retained)
        self._give([name for name, desk in self._desks.items() if desk.hear(heard, self._wall(t))], t)

    def decide(self, t: float) -> None:
        """Let everybody decide."""
        self._give(list(self._desks), t)

    def _give(self, names: list[str], t: float) -> None:
        for name in names:
            self._decisions += 1
            for one in self._desks[name].decide(START_S + t, self._wall(t)):
                self._say(name, one, t)

    def _say(self, name: str, one: Spoken, t: float) -> None:
        self._digest.update(msgspec.json.encode([round(t, 4), name, one.ids, one.message]))
        self._comparison.replayed(one.message, t)
        if self._keeps and (words := dict(words_of(one.message, t))):
            self.decided.append((t, words))
        heard = Heard(one.message, one.ids, topic_of(type(one.message)).address, START_S + t)
        for other, desk in self._desks.items():
            if other != name:
                desk.hear(heard, self._wall(t))

    def _raw(self, line: Line, t: float) -> None:
        payload = b"" if line.payload is None else msgspec.json.encode(line.payload)
        heard = RawHeard(line.topic, payload, START_S + t, line.retained)
        for desk in self._desks.values():
            # A foreign schedule is answered with the next second, as a live one is.
            desk.hear_raw(heard, self._wall(t))

    def _is_ours(self, message: Any) -> bool:
        """Whether one of the services that are played says this; of batteries' settings the one that says them."""
        writer = topic_of(type(message)).writer
        if isinstance(message, BatterySettings):
            writer = "battery" if "battery" in self._desks else "allocator"
        return writer in self._desks

    def _wall(self, t: float) -> datetime:
        return self._header.at + timedelta(seconds=t)
