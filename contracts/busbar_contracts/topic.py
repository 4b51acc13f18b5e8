"""What one kind of topic is: its address with parameters in braces, its message, and how it travels."""

import re
from functools import cached_property
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

KIB = 1024


class Topic(Struct, frozen=True, kw_only=True, dict=True):
    """One kind of address on the broker."""

    address: str
    message: Any
    writer: str
    """The one service that writes it; `each service`: every one its own; `owner`: a person, an automation or an
    outside program."""
    direction: Literal["send", "receive"]
    """`send`: Busbar says it and others read. `receive`: others may say it and Busbar acts."""
    summary: str
    qos: Literal[0, 1] = 1
    retain: bool = False
    max_bytes: int = 64 * KIB
    max_per_s: Annotated[float, Meta(gt=0)] = 5.0
    public: bool = True

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names in braces, in order."""
        return tuple(re.findall(r"{(\w+)}", self.address))

    @cached_property
    def filter(self) -> str:
        """The address as an MQTT subscription with + for each parameter."""
        return re.sub(r"{\w+}", "+", self.address)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches a topic of this kind and captures its parameters."""
        return re.compile("^" + re.sub(r"{(\w+)}", r"(?P<\1>[^/+#]+)", self.address) + "$")


def reading(address: str, message: type[Struct], summary: str) -> Topic:
    """A topic for samples of the meter service: often, unacknowledged, never retained."""
    # A retained reading would look fresh to whoever comes late.
    return Topic(
        address=address,
        message=message,
        writer="meter",
        direction="send",
        qos=0,
        retain=False,
        max_bytes=16 * KIB,
        max_per_s=5,
        summary=summary,
    )


def state(address: str, message: type[Struct], writer: str, summary: str, per_s: float = 1) -> Topic:
    """A topic for what holds now: retained, so that whoever comes late knows it at once."""
    return Topic(
        address=address,
        message=message,
        writer=writer,
        direction="send",
        qos=1,
        retain=True,
        max_bytes=64 * KIB,
        max_per_s=per_s,
        summary=summary,
    )


def order(address: str, message: type[Struct], writer: str, summary: str, per_s: float = 5) -> Topic:
    """A topic on which a device, the site or a setting is told what to do: acknowledged, never retained."""
    # Retained, it would be obeyed again after every restart, long after its reason has gone.
    return Topic(
        address=address,
        message=message,
        writer=writer,
        direction="receive",
        qos=1,
        retain=False,
        max_bytes=8 * KIB,
        max_per_s=per_s,
        summary=summary,
    )
