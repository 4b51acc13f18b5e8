"""Shelly devices of the first generation, over their own MQTT.

Shapes: Shelly Gen1 API documentation, "MQTT": `shellies/<id>/relay/<n>` on, off or overpower,
`/power` in W and `/energy` in watt-minutes as text, `/command` on and off, `shellies/<id>/command`
`update` to hear everything again. Its off-timer exists only over HTTP, so it holds no lease.
"""

from typing import Final

from busbar_plugs.drivers.driver import Relay
from busbar_plugs.drivers.shelly2 import presence
from busbar_plugs.seen import Seen
from busbar_shared.device_topics import Send
from busbar_shared.payloads import ENERGY_WH, POWER_W, Problem, number_in_text, switch_of, text_of

WATT_MINUTES_PER_WH: Final = 60.0


class Shelly1(Relay):
    """One relay of a Shelly of the first generation."""

    def __init__(self, prefix: str, channel: int) -> None:
        """`prefix` is `shellies/<id>`."""
        self.prefix = prefix
        self.relay = f"{prefix}/relay/{channel}"
        self.online = f"{prefix}/online"

    @property
    def topics(self) -> tuple[str, ...]:
        """Presence, relay, power and energy, each a bare value."""
        return (self.online, self.relay, f"{self.relay}/power", f"{self.relay}/energy")

    def parse(self, topic: str, payload: bytes) -> Seen:
        """Read one bare value."""
        if topic == self.online:
            return presence(payload)
        text = text_of(payload)
        if isinstance(text, Problem):
            return Seen(problems=(text,))
        if topic == self.relay:
            return self.position(text)
        if topic == f"{self.relay}/power":
            power = number_in_text(text, "power", POWER_W)
            return Seen(problems=(power,)) if isinstance(power, Problem) else Seen(power_w=power)
        low, high = ENERGY_WH
        energy = number_in_text(text, "energy", (low, high * WATT_MINUTES_PER_WH))
        if isinstance(energy, Problem):
            return Seen(problems=(energy,))
        return Seen(energy_wh=energy / WATT_MINUTES_PER_WH)

    def position(self, text: str) -> Seen:
        """The relay; `overpower` means that the device opened it to save itself."""
        if text.strip().lower() == "overpower":
            return Seen(on=False, refused="overpower")
        on = switch_of(text, "relay")
        return Seen(problems=(on,)) if isinstance(on, Problem) else Seen(on=on)

    def switch(self, on: bool, lease_s: float | None = None) -> tuple[Send, ...]:
        """A bare on or off."""
        return (Send(f"{self.relay}/command", "on" if on else "off"),)

    def ask(self) -> tuple[Send, ...]:
        """All values again."""
        return (Send(f"{self.prefix}/command", "update"),)
