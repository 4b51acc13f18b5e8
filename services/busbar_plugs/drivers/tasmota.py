"""Tasmota relays and plugs.

Shapes: Tasmota documentation, "MQTT", "Commands" (Power, PulseTime, Status, FullTopic) and "JSON Status
Responses". Three things in its source decide how we speak to it (ExecuteCommandPower in
tasmota_xdrv/support_tasmota.ino): each `POWER ON` starts PulseTime anew, so repeating it renews a lease;
in versions before 2022 an *empty* `POWER`, which looks like a harmless question, clears the running
pulse timer and the relay would then stay on for ever, so we ask with `STATUS 11` instead; and PulseTime
is stored in flash, so it is written once, not with each order.
"""

from typing import Any, Final

from busbar_plugs.drivers.driver import Relay
from busbar_plugs.seen import NOTHING, PowerOn, Seen
from busbar_shared.device_topics import Send
from busbar_shared.payloads import (
    CURRENT_A,
    ENERGY_WH,
    POWER_W,
    VOLTAGE_V,
    Problem,
    Reading,
    object_of,
    switch_of,
    text_of,
)

WH_PER_KWH: Final = 1000.0
LONGEST_PULSE_S: Final = 64_800
"""PulseTime 64900, the largest value: 64800 s (documentation, "Commands")."""

POWER_ON: Final[dict[int, PowerOn]] = {0: "off", 1: "on", 3: "last", 4: "on"}
"""Documentation, "Commands", PowerOnState; 2 (the opposite) and 5 (on after PulseTime) are no steady answer."""


class Tasmota(Relay):
    """One relay of a Tasmota device."""

    def __init__(
        self, topic: str, channel: int, *, full_topic: str, pulse_time: bool, all_phases: bool = False
    ) -> None:
        """`full_topic` as in the device (`%prefix%/%topic%/`); `pulse_time` when we may use its timer.

        `all_phases` for one relay that switches several phases: then an array is one number per phase.
        """
        self.channel = channel
        self.all_phases = all_phases
        self.timed = pulse_time
        self.stat = _place(full_topic, "stat", topic)
        self.tele = _place(full_topic, "tele", topic)
        self.cmnd = _place(full_topic, "cmnd", topic)
        # A device with one relay says POWER, or POWER1 with SetOption26; one with several POWER1 and so on.
        self.names = ("POWER", "POWER1") if channel == 1 else (f"POWER{channel}",)

    @property
    def topics(self) -> tuple[str, ...]:
        """Answers (stat), telemetry (tele) and the last will."""
        answers = ("RESULT", "STATUS8", "STATUS10", "STATUS11", *self.names)
        return (
            f"{self.tele}LWT",
            f"{self.tele}STATE",
            f"{self.tele}SENSOR",
            *(f"{self.stat}{word}" for word in answers),
        )

    def parse(self, topic: str, payload: bytes) -> Seen:
        """Read one message of the device."""
        word = topic.rsplit("/", 1)[-1]
        if word == "LWT":
            return last_will(payload)
        if word in self.names:
            text = text_of(payload)
            if isinstance(text, str) and text.lstrip().startswith("{"):
                # SetOption4 1: answers come on the topic of the command instead of RESULT.
                return self.relay_answer(payload)
            on = text if isinstance(text, Problem) else switch_of(text, word)
            return Seen(problems=(on,)) if isinstance(on, Problem) else Seen(on=on)
        return self.relay_answer(payload)

    def relay_answer(self, payload: bytes) -> Seen:
        """A JSON answer or report."""
        tree = object_of(payload)
        if isinstance(tree, Problem):
            return Seen(problems=(tree,))
        # STATUS 8, 10 and 11 wrap what SENSOR and STATE say bare.
        for wrapper in ("StatusSNS", "StatusSTS"):
            if isinstance(tree.get(wrapper), dict):
                tree = tree[wrapper]
        return self.report(tree)

    def report(self, tree: dict[str, Any]) -> Seen:
        """Relay, energy and PulseTime, wherever in the JSON they turn up."""
        reading = Reading()
        on = None
        for name in self.names:
            if on is None:
                on = reading.switch(tree.get(name), f"$.{name}")
        energy = tree.get("ENERGY")
        if energy is not None and not isinstance(energy, dict):
            reading.problems.append(Problem("not_an_object", "$.ENERGY", "ENERGY is no JSON object"))
        energy = energy if isinstance(energy, dict) else {}
        seen = Seen(
            on=on,
            power_w=reading.number(self.sum_or_own(energy.get("Power")), "$.ENERGY.Power", POWER_W),
            energy_wh=reading.scaled(
                self.sum_or_own(energy.get("Total")), "$.ENERGY.Total", ENERGY_WH, WH_PER_KWH
            ),
            voltage_v=reading.number(self.shared(energy.get("Voltage")), "$.ENERGY.Voltage", VOLTAGE_V),
            current_a=reading.number(self.own(energy.get("Current")), "$.ENERGY.Current", CURRENT_A),
            pulse_setting=self.pulse(tree, reading),
            power_on=self.power_on(tree),
            problems=tuple(reading.problems),
        )
        return NOTHING if seen.says_nothing else seen

    def sum_or_own(self, value: object) -> object:
        """What our relay switches of this: on several phases all of the array, else our channel of it."""
        if not (self.all_phases and isinstance(value, list)):
            return self.own(value)
        good = [one for one in value if isinstance(one, int | float) and not isinstance(one, bool)]
        return sum(good) if good and len(good) == len(value) else value

    def own(self, value: object) -> object:
        """Our channel's number: an array has one per channel, a bare number belongs to the first."""
        if isinstance(value, list):
            return value[self.channel - 1] if self.channel <= len(value) else None
        return value if self.channel == 1 else None

    def shared(self, value: object) -> object:
        """A number that all channels have in common unless it is an array."""
        return self.own(value) if isinstance(value, list) else value

    def pulse(self, tree: dict[str, Any], reading: Reading) -> int | None:
        """The stored PulseTime, as `{"PulseTime1":{"Set":220,"Remaining":0}}` answers it."""
        answer = tree.get(f"PulseTime{self.channel}")
        if not isinstance(answer, dict):
            return None
        number = reading.number(
            answer.get("Set"), f"$.PulseTime{self.channel}.Set", (0, LONGEST_PULSE_S + 100)
        )
        return None if number is None else int(number)

    def power_on(self, tree: dict[str, Any]) -> PowerOn | None:
        """What the device does when the mains come back."""
        state = tree.get("PowerOnState")
        return POWER_ON.get(state) if isinstance(state, int) and not isinstance(state, bool) else None

    def switch(self, on: bool, lease_s: float | None = None) -> tuple[Send, ...]:
        """`POWER<n>` ON or OFF. The lease, where there is one, was set into PulseTime before."""
        return (Send(f"{self.cmnd}POWER{self.channel}", "ON" if on else "OFF"),)

    def ask(self) -> tuple[Send, ...]:
        """Sensors (8) and state (11); never an empty POWER, see the top of this file."""
        return (Send(f"{self.cmnd}STATUS", "8"), Send(f"{self.cmnd}STATUS", "11"))

    def introduce(self) -> tuple[Send, ...]:
        """PowerOnState without a value only shows it."""
        return (Send(f"{self.cmnd}PowerOnState", ""),)

    def prepare(self, lease_s: float) -> tuple[Send, ...]:
        """Ask for the stored PulseTime, so that it can be put back."""
        return (Send(f"{self.cmnd}PulseTime{self.channel}", ""),) if self.timed else ()

    def arm(self, lease_s: float) -> tuple[Send, ...]:
        """Store our lease as PulseTime."""
        return (Send(f"{self.cmnd}PulseTime{self.channel}", str(pulse_time(lease_s))),) if self.timed else ()

    def restore(self, pulse_setting: int | None) -> tuple[Send, ...]:
        """Put the owner's PulseTime back; one we never read is left alone."""
        if pulse_setting is None:
            return ()
        return (Send(f"{self.cmnd}PulseTime{self.channel}", str(pulse_setting)),)


def pulse_time(seconds: float) -> int:
    """Seconds as Tasmota counts them: up to 11.1 s in tenths, from 12 s on as seconds plus 100."""
    if seconds <= 11:
        return max(1, round(seconds * 10))
    return min(LONGEST_PULSE_S, max(12, round(seconds))) + 100


def last_will(payload: bytes) -> Seen:
    """`Online` when the device has connected, `Offline` as its last will."""
    text = text_of(payload)
    if isinstance(text, Problem):
        return Seen(problems=(text,))
    word = text.strip().lower()
    if word in ("online", "offline"):
        return Seen(reachable=word == "online", connected=word == "online")
    return Seen(
        problems=(Problem("not_presence", "LWT", f"LWT is {text[:40]!r}, Online or Offline is expected"),)
    )


def _place(full_topic: str, prefix: str, topic: str) -> str:
    placed = full_topic.replace("%prefix%", prefix).replace("%topic%", topic)
    return placed if placed.endswith("/") else f"{placed}/"
