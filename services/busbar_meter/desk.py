"""Where orders arrive: each is taken or refused, remembered across a crash, and its device poked."""

from collections.abc import Callable

from busbar_contracts.battery import BatterySetpoint
from busbar_contracts.meter import InverterLimit
from busbar_meter.actuators import LimitActuator, WindowActuator
from busbar_meter.orders import Kept
from busbar_shared.bus import Bus, Heard
from busbar_shared.clock import Clock
from busbar_shared.config.devices import BatteryConfig, InverterConfig
from busbar_shared.config.root import Site
from busbar_shared.leases import Refusal
from busbar_shared.statefile import StateFile


class Desk:
    """The writable devices of the site, by id."""

    def __init__(self, site: Site, clock: Clock, file: StateFile[Kept], *, supervised: bool) -> None:
        self._clock, self._file = clock, file
        self.poke: Callable[[str, str], None] = lambda kind, name: None
        self.limits = {
            name: LimitActuator(config, clock, self.remember)
            for name, config in site.inverters.items()
            if config.writable
        }
        self.windows = {
            name: WindowActuator(config, clock, self.remember, supervised=supervised)
            for name, config in site.batteries.items()
            if config.writable
        }
        self._known: dict[str, dict[str, InverterConfig] | dict[str, BatteryConfig]] = {
            "inverter": site.inverters,
            "battery": site.batteries,
        }

    def restore(self) -> None:
        """Take up what was in force when the last instance ended, however it ended."""
        kept = self._file.load()
        if kept is None:
            return
        for name, limit in self.limits.items():
            if name in kept.limits:
                limit.restore(kept.limits[name])
        for name, window in self.windows.items():
            if name in kept.windows:
                window.restore(kept.windows[name])

    def remember(self) -> None:
        """Write down what must outlive a crash."""
        self._file.save(
            Kept(
                limits={name: each.kept() for name, each in self.limits.items()},
                windows={name: each.kept() for name, each in self.windows.items()},
            )
        )

    async def hear(self, heard: Heard[InverterLimit] | Heard[BatterySetpoint], bus: Bus) -> None:
        """Take one order, or say why not."""
        kind = "inverter" if isinstance(heard.message, InverterLimit) else "battery"
        name = heard.ids.get(kind, "")
        refusal = self._offered(kind, name, heard)
        if refusal is not None:
            await bus.event(
                refusal.code, f"{kind} {name}: {refusal.text}", path=refusal.path, topic=heard.topic
            )
            return
        self.remember()
        self.poke(kind, name)

    def in_force(self) -> dict[tuple[str, str], object]:
        """What each device is to be kept at; a change of it is a reason to visit the device."""
        monotonic = self._clock.monotonic()
        limits = {("inverter", name): each.orders.wanted(monotonic) for name, each in self.limits.items()}
        windows = {("battery", name): each.orders.wanted(monotonic) for name, each in self.windows.items()}
        return {**limits, **windows}

    def _offered(
        self, kind: str, name: str, heard: Heard[InverterLimit] | Heard[BatterySetpoint]
    ) -> Refusal | None:
        now, monotonic = self._clock.now(), self._clock.monotonic()
        message = heard.message
        if isinstance(message, InverterLimit) and name in self.limits:
            return self.limits[name].orders.offer(message, now, monotonic, retained=heard.retained)
        if isinstance(message, BatterySetpoint) and name in self.windows:
            return self.windows[name].orders.offer(message, now, monotonic, retained=heard.retained)
        if name in self._known[kind]:
            return Refusal("not_writable", kind, "it is not writable in the configuration (writable = true)")
        return Refusal("unknown_target", kind, "there is none of this name in the configuration")
