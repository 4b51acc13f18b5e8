"""All plugs of the house: whose message is whose, what is said of whom, and what is kept on disk."""

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Final

from busbar_contracts.load import LoadSettings, ManualSwitch, PlugState, PlugSwitch
from busbar_plugs.learn import Learned
from busbar_plugs.memory import PlugMemory
from busbar_plugs.plug import Out, Plug
from busbar_plugs.portrait import state_of
from busbar_plugs.setup import Setup
from busbar_shared.bus import Bus, Heard, RawHeard
from busbar_shared.clock import Clock
from busbar_shared.device_topics import Send
from busbar_shared.moment import BoundClock, Moment
from busbar_shared.notes import Notes
from busbar_shared.spoken_states import SpokenStates
from busbar_shared.statefile import StateFile

LEASES_EVERY_S: Final = 10.0
LEARNED_EVERY_S: Final = 600.0
AT_STAKE_EVERY_S: Final = 1.0
"""A switch or a hand is on disk at once, but a device that chatters does not wear the disk out."""


class Board:
    """The plugs, and everything they are connected with."""

    def __init__(
        self,
        setups: Iterable[Setup],
        bus: Bus,
        clock: Clock,
        kept: StateFile[dict[str, PlugMemory]],
        learned: StateFile[dict[str, Learned]],
        is_passive: Callable[[], bool] = lambda: False,
    ) -> None:
        """Plugs begin with what their files remember. While passive, devices are heard but told nothing."""
        self._is_passive = is_passive
        self._bus, self._clock, self._kept, self._learned = bus, clock, kept, learned
        self._time = BoundClock(clock)
        self._states: SpokenStates[PlugState] = SpokenStates(bus, "plug")
        self._notes = Notes(bus)
        self._saved_s = self._learned_s = clock.monotonic()
        self._at_stake: dict[str, object] = {}
        old, known, now = kept.load() or {}, learned.load() or {}, self._time.now()
        self.plugs = {one.id: Plug(one, now, old.get(one.id), known.get(one.id)) for one in setups}
        self._by_topic: dict[str, list[Plug]] = {}
        for plug in self.plugs.values():
            for topic in plug.setup.driver.topics:
                self._by_topic.setdefault(topic, []).append(plug)

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic a device of the house speaks on."""
        return tuple(self._by_topic)

    async def hear_devices(self, heard: AsyncIterator[RawHeard]) -> None:
        """Follow what the devices say."""
        async for message in heard:
            for plug in self._by_topic.get(message.topic, ()):
                now = self._time.now()
                await self._out(
                    plug, plug.hear(message.topic, message.payload, now, retained=message.retained), now
                )
                await self._work(plug)

    async def hear_orders(self, heard: AsyncIterator[Heard[Any]]) -> None:
        """Follow what is ordered and wished."""
        async for one in heard:
            name = one.ids.get("plug") or one.ids.get("load", "")
            plug = self.plugs.get(name)
            if plug is None:
                if not isinstance(one.message, LoadSettings):
                    await self._bus.event(
                        "unknown_plug", f"{one.topic}: no plug {name} is configured", topic=one.topic
                    )
                continue
            await self._take(plug, one)
            await self._work(plug)

    async def keep_time(self) -> None:
        """Do what is due, twice a second."""
        await self._introduce()
        while True:
            for plug in self.plugs.values():
                await self._work(plug)
            self._save()
            await self._clock.sleep(0.5)

    async def say_again(self) -> None:
        """The broker was away: what was told to a load that never answers may have been lost with it."""
        for plug in self.plugs.values():
            plug.repeated = 0

    async def release(self, *, handing_over: bool = False) -> None:
        """Leave every device in its safe state, and everything worth keeping on disk.

        Handing over, the devices are left as they are: their leases run on and the next instance takes over.
        """
        self._save(always=True)
        now = self._time.now()
        if handing_over or self._is_passive():
            return
        for plug in self.plugs.values():
            for send in plug.release(now):
                await self._bus.say_raw(send.topic, send.payload, qos=send.qos)
        # Once more: a timer setting that was put back is no longer owed, and the minimum time off has begun.
        self._save(always=True)

    async def _introduce(self) -> None:
        """Tell the owner once what the configuration leaves open."""
        for plug in self.plugs.values():
            if plug.setup.phase_is_unknown:
                await self._bus.event(
                    "phase_unknown",
                    f"plugs.{plug.setup.id}.phases: not written, so it counts on every phase with all its power; "
                    "write the phase it hangs on (if it measures, it is also found out after some switches)",
                    path=f"plugs.{plug.setup.id}.phases",
                )

    async def _take(self, plug: Plug, one: Heard[Any]) -> None:
        now, message = self._time.now(), one.message
        if isinstance(message, PlugSwitch):
            await self._out(plug, plug.order(message, now, retained=one.retained), now)
        elif isinstance(message, ManualSwitch):
            await self._out(plug, plug.manual(message.on, now), now)
        elif isinstance(message, LoadSettings):
            plug.settings(message.mode, message.enabled)

    async def _work(self, plug: Plug) -> None:
        now = self._time.now()
        if not self._is_passive():
            owed, out = plug.duty.owner_pulse, plug.tick(now)
            if plug.duty.owner_pulse != owed:
                # On disk before ours is in the device, or a crash would make ours the owner's.
                self._save_leases(now)
            await self._out(plug, out, now)
        await self._states.say(plug.setup.id, lambda at: state_of(plug, at), now)

    async def _out(self, plug: Plug, out: Iterable[Out], now: Moment) -> None:
        for one in out:
            if isinstance(one, Send):
                await self._bus.say_raw(one.topic, one.payload, qos=one.qos)
            else:
                await self._notes.say(plug.setup.id, one, now.s)

    def _save_leases(self, now: Moment) -> None:
        self._saved_s = now.s
        self._kept.save({name: plug.memory(now) for name, plug in self.plugs.items()})

    def _save(self, *, always: bool = False) -> None:
        now = self._time.now()
        age_s = now.s - self._saved_s
        at_stake: dict[str, object] = {name: plug.at_stake for name, plug in self.plugs.items()}
        is_new = at_stake != self._at_stake and age_s >= AT_STAKE_EVERY_S
        if always or is_new or age_s >= LEASES_EVERY_S:
            self._at_stake = at_stake
            self._save_leases(now)
        if always or now.s - self._learned_s >= LEARNED_EVERY_S:
            self._learned_s = now.s
            self._learned.save({name: plug.appetite.learned for name, plug in self.plugs.items()})
