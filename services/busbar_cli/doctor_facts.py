"""What a look at a running site can see, and the form of what is found in it."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from busbar_contracts.allocation import Allocation
from busbar_contracts.charger import ChargerState
from busbar_contracts.meter import MeterReading
from busbar_contracts.service import ServiceStatus

Level = Literal["good", "note", "bad"]


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    about: str
    level: Level
    text: str
    todo: str = ""


class Facts(Struct, frozen=True, kw_only=True):
    """What was seen and heard; ages are counted on our own clock."""

    now: datetime
    broker: str = ""
    """Why the broker could not be used; empty when it could."""
    logins: dict[str, str] = {}
    """By account whose password is known here: what is wrong; empty when its own word came back."""
    statuses: dict[str, ServiceStatus] = {}
    skews_s: dict[str, float] = {}
    """By service: its clock less ours, from a live heartbeat."""
    readings: tuple[MeterReading, ...] = ()
    """Of the grid meter, while we listened."""
    chargers: dict[str, ChargerState] = {}
    """By load."""
    allocations: tuple[Allocation, ...] = ()
    orders: dict[str, int] = {}
    """By load: orders heard while we listened."""
    listened_s: float = 0.0
    ports: dict[str, bool] = {}
    """Where somebody should listen on this machine, and whether somebody does."""
    certificates: dict[str, float | None] = {}
    """By file: days until it ends."""
    highest_a: dict[str, dict[str, float]] = {}
    """By circuit and phase: the highest background ever seen by doctor."""


def good(about: str, text: str) -> Finding:
    """As it should be."""
    return Finding(about=about, level="good", text=text)


def note(about: str, text: str, todo: str) -> Finding:
    """Not wrong, but worth knowing, and what to do about it."""
    return Finding(about=about, level="note", text=text, todo=todo)


def bad(about: str, text: str, todo: str) -> Finding:
    """Wrong, and what to do about it."""
    return Finding(about=about, level="bad", text=text, todo=todo)
