"""Heaters in virtual time: the heat service's own rules on one side, the simulator's water and rooms on the other."""

from collections.abc import Iterable, Iterator
from typing import Any

from busbar_cli.simulate_devices import Moment
from busbar_cli.simulate_minds import Said
from busbar_contracts.allocation import Allocation
from busbar_contracts.load import HeatOrder, HeatState, LoadSettings, PlugState, PlugSwitch
from busbar_heat.actuator import PlugWish
from busbar_heat.config import setups
from busbar_heat.heater import Heater, Out
from busbar_heat.kinds import heater_of
from busbar_heat.surplus import surplus_w
from busbar_shared.config.root import Site
from busbar_shared.device_topics import Send
from busbar_shared.leases import OrderStamp
from busbar_shared.moment import Moment as HeatMoment
from busbar_simulator.at_the_broker import topic_matches
from busbar_simulator.devices.message import Gadget, Message

SAY_AGAIN_S = 30.0


class Heaters:
    """All heaters of the site, with the topics between the service and the devices."""

    def __init__(self, site: Site, gadgets: list[Gadget], now: Moment) -> None:
        self.heaters = {one.id: heater_of(one, _moment(now)) for one in setups(site)}
        self._gadgets = gadgets if self.heaters else []
        self._stamp = OrderStamp("heat", "simulate")
        self._pools: tuple[Allocation, float] | None = None
        self._said: dict[str, tuple[HeatState, float]] = {}
        for gadget in self._gadgets:
            self.carry(gadget.greet(now.at), now)

    def hear(self, message: Any, ids: dict[str, str], now: Moment) -> None:
        """What the bus says that concerns a heater."""
        if isinstance(message, Allocation):
            self._pools = (message, now.s)
        elif isinstance(message, LoadSettings) and ids["load"] in self.heaters:
            self.heaters[ids["load"]].settings(message.mode, message.enabled)
        elif isinstance(message, HeatOrder) and ids["heater"] in self.heaters:
            self.heaters[ids["heater"]].order(message, _moment(now))
        elif isinstance(message, PlugState):
            for heater in self.heaters.values():
                if heater.setup.wires.plug == ids["plug"]:
                    heater.hear_plug(message, _moment(now))
                for letter, wire in zip("ab", heater.setup.wires.contacts or (), strict=False):
                    if wire == ids["plug"]:
                        heater.hear_contact(letter, message)

    def carry(self, messages: Iterable[Message], now: Moment) -> None:
        """What the devices say."""
        for message in messages:
            for heater in self.heaters.values():
                if message.topic in heater.setup.sensors.topics:
                    heater.hear(message.topic, message.payload.encode(), _moment(now))

    def work(self, now: Moment) -> Iterator[Said]:
        """Let the service do what is due: what it tells plugs, and the states it has to say."""
        for name, heater in self.heaters.items():
            heater.pool_w = self._pool_of(heater, now)
            yield from self._out(heater, heater.tick(_moment(now)), now)
            state, last = heater.state(_moment(now)), self._said.get(name)
            if last is None or now.s - last[1] >= SAY_AGAIN_S or _other(last[0], state):
                self._said[name] = (state, now.s)
                yield state, {"heater": name}

    def _pool_of(self, heater: Heater, now: Moment) -> float | None:
        if self._pools is None:
            return None
        said, at_s = self._pools
        return surplus_w(said, now.s - at_s, heater.setup.id, heater.mode)

    def _out(self, heater: Heater, out: Iterable[Out], now: Moment) -> Iterator[Said]:
        for one in out:
            if isinstance(one, PlugWish):
                yield self._switch(heater, one, now), {"plug": one.plug}
            elif isinstance(one, Send):
                for gadget in self._gadgets:
                    if any(topic_matches(wanted, one.topic) for wanted in gadget.hears):
                        self.carry(gadget.hear(one.topic, one.payload.encode(), now.s, now.at), now)

    def _switch(self, heater: Heater, wish: PlugWish, now: Moment) -> PlugSwitch:
        reason = f"heater {heater.setup.id}"
        return PlugSwitch(
            **self._stamp.next(now.at), lease_s=heater.setup.lease_s, reason=reason, on=wish.on, power_w=wish.power_w,
            ends_hand=wish.ends_hand,
        )  # fmt: skip


def _moment(now: Moment) -> HeatMoment:
    return HeatMoment(now.at, now.s)


def _other(before: HeatState, after: HeatState) -> bool:
    return any(
        getattr(before, name) != getattr(after, name) for name in HeatState.__struct_fields__ if name != "at"
    )
