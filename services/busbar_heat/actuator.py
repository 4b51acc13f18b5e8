"""What a heater is told, in whichever of its words it understands: a plug's lease, a switch, a power, a set-point."""

from dataclasses import dataclass, field
from typing import Final

from busbar_shared.device_topics import Send

SAY_AGAIN_S: Final = 60.0
DISAGREES_S: Final = 10.0
TARGET_AGAIN_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class PlugWish:
    """An order to the plug service: it holds for a lease."""

    plug: str
    on: bool
    power_w: float | None = None
    ends_hand: bool = False
    """Also what a hand switched on: the tank is as hot as it may be."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A relay with topics of its own."""

    topic: str
    on: str = "ON"
    off: str = "OFF"


@dataclass(frozen=True, slots=True)
class Number:
    """A topic that takes a number."""

    topic: str
    payload: str = "{value}"
    factor: float = 1.0

    def saying(self, value: float) -> Send:
        """The message for a value in our unit."""
        return Send(self.topic, self.payload.replace("{value}", f"{value / self.factor:.6g}"))


@dataclass(frozen=True, slots=True)
class Wires:
    """How a heater is reached; what it does not have is None."""

    plug: str | None = None
    switch: Switch | None = None
    power: Number | None = None
    target: Number | None = None
    idle_c: float | None = None
    """The set-point that makes a tank rest, where a set-point is all it has."""
    contacts: tuple[Switch | str, Switch | str] | None = None
    """SG Ready: relays A and B, each a switch or the id of a plug."""


@dataclass(frozen=True, slots=True)
class Drive:
    """What the heater should do now."""

    on: bool | None = None
    power_w: float | None = None
    target_c: float | None = None
    contacts: tuple[tuple[str, bool], ...] = ()
    """Contacts in the order in which they are to be moved."""
    at_limit: bool = False
    """It must be off, whoever wishes otherwise."""


@dataclass(slots=True)
class Spoken:
    """What was last said on a wire, and when (monotonic seconds)."""

    value: object
    at_s: float


@dataclass
class Actuator:
    """Says what changed, and again what is not seen to have arrived."""

    wires: Wires
    lease_s: float
    spoken: dict[str, Spoken] = field(default_factory=dict)

    def forget(self) -> None:
        """What was said may not have arrived: all of it is due again."""
        self.spoken.clear()

    def drive(
        self, drive: Drive, now_s: float, *, seen_on: bool | None, seen_target_c: float | None
    ) -> list[Send | PlugWish]:
        """The messages that are due."""
        out: list[Send | PlugWish] = []
        if drive.on is not None:
            out += self._power(drive, now_s)
            out += self._switch(
                "switch",
                self.wires.plug or self.wires.switch,
                drive.on,
                now_s,
                seen=seen_on,
                power_w=drive.power_w,
                at_limit=drive.at_limit,
            )
        if drive.target_c is not None and self.wires.target is not None:
            out += self._target(drive.target_c, now_s, seen_target_c)
        for name, closed in drive.contacts:
            if self.wires.contacts is not None:
                wire = self.wires.contacts[0 if name == "a" else 1]
                out += self._switch(f"contact_{name}", wire, closed, now_s, seen=None, power_w=None)
        return out

    def _switch(
        self,
        name: str,
        wire: Switch | str | None,
        on: bool,
        now_s: float,
        *,
        seen: bool | None,
        power_w: float | None,
        at_limit: bool = False,
    ) -> list[Send | PlugWish]:
        if wire is None:
            return []
        if isinstance(wire, str):
            # An order to a plug is a lease: on is renewed at a third, off is said as often, since silence is off.
            wish = PlugWish(wire, on, power_w, ends_hand=at_limit and not on)
            return [wish] if self._is_due(name, wish, now_s, self.lease_s / 3) else []
        again_s = SAY_AGAIN_S if seen is None else DISAGREES_S if seen != on else float("inf")
        return (
            [Send(wire.topic, wire.on if on else wire.off)] if self._is_due(name, on, now_s, again_s) else []
        )

    def _power(self, drive: Drive, now_s: float) -> list[Send | PlugWish]:
        if self.wires.power is None or self.wires.plug is not None:
            return []
        watts = drive.power_w or 0.0 if drive.on else 0.0
        return [self.wires.power.saying(watts)] if self._is_due("power", watts, now_s, SAY_AGAIN_S) else []

    def _target(self, celsius: float, now_s: float, seen_c: float | None) -> list[Send | PlugWish]:
        # Set-points are kept in flash by many devices: said on change, and again only when seen not to hold.
        agrees = seen_c is None or abs(seen_c - celsius) <= 0.05
        due = self._is_due("target", celsius, now_s, float("inf") if agrees else TARGET_AGAIN_S)
        return [self.wires.target.saying(celsius)] if due and self.wires.target is not None else []

    def _is_due(self, name: str, value: object, now_s: float, again_s: float) -> bool:
        last = self.spoken.get(name)
        if last is not None and last.value == value and now_s - last.at_s < again_s:
            return False
        self.spoken[name] = Spoken(value, now_s)
        return True
