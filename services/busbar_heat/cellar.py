"""All heaters of the house: whose message is whose, what is said of whom, and what is kept on disk."""

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Final

from busbar_contracts.allocation import Allocation
from busbar_contracts.load import (
    HeatOrder,
    HeatState,
    LoadSettings,
    ManualHeat,
    PlugState,
    PlugSwitch,
)
from busbar_heat.actuator import PlugWish
from busbar_heat.heater import Heater, Out
from busbar_heat.kinds import heater_of
from busbar_heat.memory import HeatDuty, HeatLore
from busbar_heat.setup import Setup
from busbar_heat.surplus import surplus_w
from busbar_shared.bus import Bus, Heard, RawHeard
from busbar_shared.clock import Clock
from busbar_shared.device_topics import Send
from busbar_shared.leases import OrderStamp
from busbar_shared.moment import BoundClock, Moment
from busbar_shared.notes import Notes
from busbar_shared.spoken_states import SpokenStates
from busbar_shared.statefile import StateFile

DUTY_EVERY_S: Final = 10.0
LORE_EVERY_S: Final = 600.0
AT_STAKE_EVERY_S: Final = 1.0


class Cellar:
    """The heaters, and everything they are connected with."""

    def __init__(
        self,
        setups: Iterable[Setup],
        bus: Bus,
        clock: Clock,
        stamp: OrderStamp,
        duties: StateFile[dict[str, HeatDuty]],
        lores: StateFile[dict[str, HeatLore]],
        is_passive: Callable[[], bool] = lambda: False,
    ) -> None:
        """Heaters begin with what their files remember. While passive, devices are heard but told nothing."""
        self._is_passive = is_passive
        self._bus, self._clock, self._stamp, self._duties, self._lores = bus, clock, stamp, duties, lores
        self._time = BoundClock(clock)
        self._states: SpokenStates[HeatState] = SpokenStates(bus, "heater")
        self._notes = Notes(bus)
        self._duties_s = self._lores_s = clock.monotonic()
        self._at_stake: dict[str, object] = {}
        self._pools: tuple[Allocation, float] | None = None
        old, known, now = duties.load() or {}, lores.load() or {}, self._time.now()
        self.heaters = {one.id: heater_of(one, now, old.get(one.id), known.get(one.id)) for one in setups}
        self._by_topic: dict[str, list[Heater]] = {}
        self._by_plug: dict[str, list[Heater]] = {}
        self._by_contact: dict[str, list[tuple[Heater, str]]] = {}
        for heater in self.heaters.values():
            for topic in heater.setup.sensors.topics:
                self._by_topic.setdefault(topic, []).append(heater)
            if heater.setup.wires.plug is not None:
                self._by_plug.setdefault(heater.setup.wires.plug, []).append(heater)
            for letter, wire in zip("ab", heater.setup.wires.contacts or (), strict=False):
                if isinstance(wire, str):
                    self._by_contact.setdefault(wire, []).append((heater, letter))

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic a sensor or a device speaks on."""
        return tuple(self._by_topic)

    async def hear_devices(self, heard: AsyncIterator[RawHeard]) -> None:
        """Follow what sensors and devices say."""
        async for message in heard:
            for heater in self._by_topic.get(message.topic, ()):
                now = self._time.now()
                await self._out(
                    heater, heater.hear(message.topic, message.payload, now, retained=message.retained), now
                )
                await self._work(heater)

    async def hear_bus(self, heard: AsyncIterator[Heard[Any]]) -> None:
        """Follow what is ordered and wished, what the plugs say, and what surplus there is."""
        async for one in heard:
            message, now = one.message, self._time.now()
            if isinstance(message, Allocation):
                self._pools = (message, now.s)
            elif isinstance(message, PlugState):
                for heater in self._by_plug.get(one.ids["plug"], ()):
                    heater.hear_plug(message, now)
                    await self._work(heater)
                for heater, letter in self._by_contact.get(one.ids["plug"], ()):
                    heater.hear_contact(letter, message)
                    await self._work(heater)
            else:
                await self._take(one, now)

    async def keep_time(self) -> None:
        """Do what is due, twice a second."""
        await self._introduce()
        while True:
            for heater in self.heaters.values():
                await self._work(heater)
            self._save()
            await self._clock.sleep(0.5)

    async def say_again(self) -> None:
        """The broker was away: a set-point that nobody reads back may have been lost with it."""
        for heater in self.heaters.values():
            heater.actuator.forget()

    async def release(self, *, handing_over: bool = False) -> None:
        """Leave every device as it should be without us, and everything worth keeping on disk.

        Handing over, the devices are left as they are: their leases run on and the next instance takes over.
        """
        self._save(always=True)
        now = self._time.now()
        if handing_over or self._is_passive():
            return
        for heater in self.heaters.values():
            await self._out(heater, heater.release(now), now)
        # Once more: minimum pauses and dwell times count from this release.
        self._save_duties(now)

    async def _introduce(self) -> None:
        """Tell the owner once what the configuration leaves open."""
        for name, heater in self.heaters.items():
            if heater.setup.phase_is_unknown:
                await self._bus.event(
                    "phase_unknown",
                    f"heaters.{name}.phases: not written, so it counts on every phase with all its power; "
                    "write the phase it hangs on (if it measures, it is also found out after some runs)",
                    path=f"heaters.{name}.phases",
                )

    async def _take(self, one: Heard[Any], now: Moment) -> None:
        message, name = one.message, one.ids.get("heater") or one.ids.get("load", "")
        heater = self.heaters.get(name)
        if heater is None:
            if not isinstance(message, LoadSettings):
                await self._bus.event(
                    "unknown_heater", f"{one.topic}: no heater {name} is configured", topic=one.topic
                )
            return
        if isinstance(message, HeatOrder):
            await self._out(heater, heater.order(message, now, retained=one.retained), now)
        elif isinstance(message, LoadSettings):
            heater.settings(message.mode, message.enabled)
        elif isinstance(message, ManualHeat):
            await self._out(heater, heater.set_by_hand(message.sg_state), now)
        await self._work(heater)

    async def _work(self, heater: Heater) -> None:
        now = self._time.now()
        heater.pool_w = self._pool_of(heater, now)
        if not self._is_passive():
            out = heater.tick(now)
            if heater.setup.kind == "setpoint" and any(isinstance(one, Send) for one in out):
                # On disk before it is in the device, or a crash would make our offset the owner's target.
                self._save_duties(now)
            await self._out(heater, out, now)
        await self._states.say(heater.setup.id, heater.state, now)

    def _pool_of(self, heater: Heater, now: Moment) -> float | None:
        """The surplus of the heater's mode; None when it has none or nobody has said it lately."""
        if self._pools is None:
            return None
        said, at_s = self._pools
        return surplus_w(said, now.s - at_s, heater.setup.id, heater.mode)

    async def _out(self, heater: Heater, out: Iterable[Out], now: Moment) -> None:
        for one in out:
            if isinstance(one, Send):
                await self._bus.say_raw(one.topic, one.payload, qos=one.qos)
            elif isinstance(one, PlugWish):
                await self._order_plug(heater, one)
            else:
                await self._notes.say(heater.setup.id, one, now.s)
                if one.code == "legionella_done":
                    # Once a week, and the heat of a whole tank hangs on it.
                    self._save_lores(now)

    async def _order_plug(self, heater: Heater, wish: PlugWish) -> None:
        stamp = self._stamp.next(self._clock.now())
        reason = f"heater {heater.setup.id}"
        order = PlugSwitch(
            **stamp, lease_s=heater.setup.lease_s, reason=reason, on=wish.on, power_w=wish.power_w,
            ends_hand=wish.ends_hand,
        )  # fmt: skip
        await self._bus.say(order, plug=wish.plug)

    def _save_duties(self, now: Moment) -> None:
        self._duties_s = now.s
        self._duties.save({name: heater.duty(now) for name, heater in self.heaters.items()})

    def _save(self, *, always: bool = False) -> None:
        now = self._time.now()
        age_s = now.s - self._duties_s
        at_stake: dict[str, object] = {name: heater.at_stake for name, heater in self.heaters.items()}
        is_new = at_stake != self._at_stake and age_s >= AT_STAKE_EVERY_S
        if always or is_new or age_s >= DUTY_EVERY_S:
            self._at_stake = at_stake
            self._save_duties(now)
        if always or now.s - self._lores_s >= LORE_EVERY_S:
            self._save_lores(now)

    def _save_lores(self, now: Moment) -> None:
        self._lores_s = now.s
        self._lores.save({name: heater.lore for name, heater in self.heaters.items()})
