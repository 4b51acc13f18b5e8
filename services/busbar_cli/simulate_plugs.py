"""Plugs in virtual time: the plug service's own rules on one side, the simulator's devices on the other."""

from busbar_cli.simulate_devices import Moment
from busbar_cli.simulate_minds import Said
from busbar_contracts.load import LoadSettings, PlugState, PlugSwitch
from busbar_plugs.config import setups
from busbar_plugs.plug import Out, Plug
from busbar_plugs.portrait import state_of
from busbar_shared.config.root import Site
from busbar_shared.device_topics import Send
from busbar_shared.moment import Moment as PlugMoment
from busbar_simulator.at_the_broker import topic_matches
from busbar_simulator.devices.message import Gadget, Message

SAY_AGAIN_S = 30.0


class Plugs:
    """All plugs of the site, with the topics between the service and the devices."""

    def __init__(self, site: Site, gadgets: list[Gadget], now: Moment) -> None:
        self.plugs = {one.id: Plug(one, _moment(now)) for one in setups(site)}
        self._gadgets = gadgets
        self._said: dict[str, tuple[PlugState, float]] = {}
        for gadget in gadgets:
            self._carry(gadget.greet(now.at), now)

    def obey(self, plug: str, order: PlugSwitch, now: Moment) -> None:
        """Give the service an order."""
        if plug in self.plugs:
            self._out(self.plugs[plug].order(order, _moment(now)), now)

    def settings(self, load: str, message: LoadSettings) -> None:
        """Tell the service the owner's mode."""
        if load in self.plugs:
            self.plugs[load].settings(message.mode, message.enabled)

    def step(self, now: Moment) -> list[Message]:
        """Let the devices speak; what they said, for whoever else listens."""
        said = []
        for gadget in self._gadgets:
            spoken = gadget.step(now.s, now.at)
            self._carry(spoken, now)
            said += spoken
        return said

    def work(self, now: Moment) -> list[Said]:
        """Let the service do what is due; the states it has to say."""
        said: list[Said] = []
        for name, plug in self.plugs.items():
            self._out(plug.tick(_moment(now)), now)
            state = state_of(plug, _moment(now))
            last = self._said.get(name)
            if last is None or now.s - last[1] >= SAY_AGAIN_S or _other(last[0], state):
                self._said[name] = (state, now.s)
                said.append((state, {"plug": name}))
        return said

    def _out(self, out: list[Out], now: Moment) -> None:
        for one in out:
            if not isinstance(one, Send):
                continue
            for gadget in self._gadgets:
                if any(topic_matches(wanted, one.topic) for wanted in gadget.hears):
                    self._carry(gadget.hear(one.topic, one.payload.encode(), now.s, now.at), now)

    def _carry(self, messages: list[Message], now: Moment) -> None:
        for message in messages:
            for plug in self.plugs.values():
                if message.topic in plug.setup.driver.topics:
                    self._out(plug.hear(message.topic, message.payload.encode(), _moment(now)), now)


def _moment(now: Moment) -> PlugMoment:
    return PlugMoment(now.at, now.s)


def _other(before: PlugState, after: PlugState) -> bool:
    return any(
        getattr(before, name) != getattr(after, name) for name in PlugState.__struct_fields__ if name != "at"
    )
