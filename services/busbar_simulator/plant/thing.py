"""Anything else that is switched and draws: an appliance on a plug, a tank, a heat pump."""

from typing import Protocol

from .phases import Phases


class ThingSpec(Protocol):
    """What the house needs to know of a thing's plate."""

    @property
    def circuit(self) -> str:
        """The circuit it hangs on; empty is the main one."""


class Thing(Protocol):
    """A load with a switch."""

    on: bool

    @property
    def spec(self) -> ThingSpec:
        """Its plate."""

    def step(self, dt_s: float, calendar_s: float, now_s: float, volts: Phases) -> None:
        """Live for `dt_s` real seconds."""

    def currents(self) -> Phases:
        """What flows on the site's phases now."""
