"""Meters that speak over MQTT, as seen from the wire: currents are sizes, only powers have a sign.

Shapes: Shelly Gen2 API documentation ("EM", "EMData") with a capture in ioBroker.shelly issue 787, and
Shelly Gen1 API documentation ("MQTT", emeter) with captures in enesbcs/Shelly_MQTT issues 64 and 79.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .message import Message, json_text

EVERY_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What a meter sees now; + is import."""

    currents_a: tuple[float, float, float]
    volts: tuple[float, float, float]
    imported_wh: float
    exported_wh: float

    @property
    def powers_w(self) -> tuple[float, float, float]:
        """Power per phase."""
        a, b, c = (i * v for i, v in zip(self.currents_a, self.volts, strict=True))
        return (a, b, c)


Read = Callable[[], Sample]


class Spoken:
    """A meter that says all it knows once a second and hears nothing."""

    hears: tuple[str, ...] = ()

    def __init__(self, prefix: str, read: Read, phases: tuple[str, ...]) -> None:
        self.prefix, self.read, self.phases = prefix, read, phases
        self._next_s = 0.0

    def greet(self, at: datetime) -> list[Message]:
        """Online, retained."""
        return [Message(topic=f"{self.prefix}/online", payload="true", retain=True)]

    def leave(self) -> list[Message]:
        """What its last will would say."""
        return [Message(topic=f"{self.prefix}/online", payload="false", retain=True)]

    def hear(self, topic: str, payload: bytes, now_s: float, at: datetime) -> list[Message]:
        """Nothing."""
        return []

    def step(self, now_s: float, at: datetime) -> list[Message]:
        """All values, when the second has come."""
        if now_s < self._next_s:
            return []
        self._next_s = max(self._next_s + EVERY_S, now_s)
        return self.values(self.read(), at)

    def values(self, sample: Sample, at: datetime) -> list[Message]:
        """The messages of one second."""
        raise NotImplementedError


class ShellyPro3Em(Spoken):
    """A Shelly Pro 3EM in the triphase profile, status notifications switched on."""

    def values(self, sample: Sample, at: datetime) -> list[Message]:
        """`em:0` and `emdata:0`, as status and as notification."""
        em: dict[str, Any] = {"id": 0}
        for leg, power, current, volt in zip(
            "abc", sample.powers_w, sample.currents_a, sample.volts, strict=True
        ):
            if leg in self.phases:
                em |= {f"{leg}_current": round(abs(current), 3), f"{leg}_voltage": round(volt, 1)}
                em |= {f"{leg}_act_power": round(power, 1), f"{leg}_aprt_power": round(abs(power), 1)}
                em |= {f"{leg}_pf": 1.0 if power >= 0 else -1.0, f"{leg}_freq": 50.0}
        em |= {"n_current": None, "total_current": round(sum(map(abs, sample.currents_a)), 3)}
        em |= {"total_act_power": round(sum(sample.powers_w), 3)}
        data = {
            "id": 0,
            "total_act": round(sample.imported_wh, 2),
            "total_act_ret": round(sample.exported_wh, 2),
        }
        frame = {
            "src": self.prefix,
            "dst": f"{self.prefix}/events",
            "method": "NotifyStatus",
            "params": {"ts": round(at.timestamp(), 2), "em:0": em},
        }
        return [
            Message(topic=f"{self.prefix}/events/rpc", payload=json_text(frame)),
            Message(topic=f"{self.prefix}/status/em:0", payload=json_text(em)),
            Message(topic=f"{self.prefix}/status/emdata:0", payload=json_text(data)),
        ]


class Shelly3Em(Spoken):
    """A Shelly 3EM (or EM on one phase) of the first generation: bare values, never retained."""

    def values(self, sample: Sample, at: datetime) -> list[Message]:
        """power, pf, current, voltage, total and total_returned of each channel."""
        said = []
        count = len(self.phases)
        for channel, leg in enumerate(p for p in "abc" if p in self.phases):
            at_leg = "abc".index(leg)
            power = sample.powers_w[at_leg]
            figures = {
                "power": f"{power:.2f}",
                "pf": "1.00" if power >= 0 else "-1.00",
                "current": f"{abs(sample.currents_a[at_leg]):.2f}",
                "voltage": f"{sample.volts[at_leg]:.2f}",
                # It counts per channel; netted energy is shared evenly here.
                "total": f"{sample.imported_wh / count:.1f}",
                "total_returned": f"{sample.exported_wh / count:.1f}",
            }
            topic = f"{self.prefix}/emeter/{channel}"
            said += [Message(topic=f"{topic}/{name}", payload=text) for name, text in figures.items()]
        return said
