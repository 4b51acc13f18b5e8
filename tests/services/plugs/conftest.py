"""A house of plugs in virtual time: the real service, a bus made of lists, and devices that behave like devices."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from busbar_contracts.load import PlugState, PlugSwitch
from busbar_plugs.main import run
from busbar_shared.clock import VirtualClock
from busbar_shared.config import Site
from busbar_shared.fakes import FakeBus
from device_house import DeviceHouse, at_work, site_of

SIX_PM = datetime(2026, 6, 1, 18, 0, tzinfo=UTC)


class Device:
    """Something with a relay and an appliance behind it."""

    def __init__(self, clock: VirtualClock, watts: float = 2000.0) -> None:
        self.clock, self.watts, self.on, self.timer_until_s = clock, watts, False, None
        self.deaf = False
        self.history: list[tuple[float, bool]] = []
        self.bus: WiredBus | None = None

    def move(self, on: bool) -> None:
        if on != self.on:
            self.history.append((self.clock.monotonic(), on))
        self.on = on

    def time_passes(self) -> None:
        if self.timer_until_s is not None and self.clock.monotonic() >= self.timer_until_s:
            self.timer_until_s = None
            self.move(False)
            self.say("timer")

    def hear(self, topic: str, payload: str) -> None:
        raise NotImplementedError

    def say(self, why: str) -> None:
        raise NotImplementedError

    def tell(self, topic: str, payload: str, *, retained: bool = False) -> None:
        assert self.bus is not None
        self.bus.feed_raw(topic, payload, retained=retained)


class Shelly(Device):
    """A Shelly Gen2+ as its documentation describes it: partial notifications, its own off-timer."""

    prefix = "shellyplus1pm-1"

    def hear(self, topic: str, payload: str) -> None:
        if topic != f"{self.prefix}/rpc" or self.deaf:
            return
        frame = json.loads(payload)
        params = frame["params"]
        if frame["method"] == "Switch.GetStatus":
            status = {"id": 0, "output": self.on, "apower": self.watts * self.on, "aenergy": {"total": 1.0}}
            self.tell(
                f"{frame['src']}/rpc", json.dumps({"id": frame["id"], "src": self.prefix, "result": status})
            )
            return
        if frame["method"] == "Switch.GetConfig":
            config = {"id": 0, "name": None, "in_mode": "follow", "initial_state": "restore_last"}
            self.tell(
                f"{frame['src']}/rpc", json.dumps({"id": frame["id"], "src": self.prefix, "result": config})
            )
            return
        assert frame["method"] == "Switch.Set"
        self.move(params["on"])
        after = params.get("toggle_after")
        self.timer_until_s = None if after is None else self.clock.monotonic() + after
        self.say("MQTT")

    def say(self, why: str) -> None:
        status = {"id": 0, "output": self.on, "source": why}
        frame = {"src": self.prefix, "method": "NotifyStatus", "params": {"ts": 1.0, "switch:0": status}}
        self.tell(f"{self.prefix}/events/rpc", json.dumps(frame))


class OldShelly(Device):
    """A Shelly of the first generation: bare words, no timer over MQTT."""

    prefix = "shellies/shelly1-A"

    def hear(self, topic: str, payload: str) -> None:
        if self.deaf:
            return
        if topic == f"{self.prefix}/relay/0/command":
            self.move(payload == "on")
            self.say("")
        elif topic == f"{self.prefix}/command" and payload == "update":
            self.say("")

    def say(self, why: str) -> None:
        self.tell(f"{self.prefix}/relay/0", "on" if self.on else "off")
        self.tell(f"{self.prefix}/relay/0/power", f"{self.watts * self.on:.2f}")


class Tasmota(Device):
    """A Tasmota of 2021: an empty POWER clears its running pulse timer, each ON starts it."""

    pulse = 0

    def hear(self, topic: str, payload: str) -> None:
        word = topic.removeprefix("cmnd/plug1/")
        if word == "POWER1":
            self.timer_until_s = None
            if payload:
                self.move(payload == "ON")
                seconds = self.pulse - 100 if self.pulse >= 112 else self.pulse / 10
                if self.on and self.pulse:
                    self.timer_until_s = self.clock.monotonic() + seconds
            self.say("")
        elif word == "PulseTime1":
            if payload:
                self.pulse = int(payload)
            self.tell("stat/plug1/RESULT", json.dumps({"PulseTime1": {"Set": self.pulse, "Remaining": 0}}))
        elif word == "STATUS" and payload == "8":
            sensors = {"Time": "2026-06-01T18:00:00", "ENERGY": {"Total": 1.0, "Power": self.watts * self.on}}
            self.tell("stat/plug1/STATUS8", json.dumps({"StatusSNS": sensors}))
        elif word == "STATUS" and payload == "11":
            self.tell("stat/plug1/STATUS11", json.dumps({"StatusSTS": {"POWER": "ON" if self.on else "OFF"}}))

    def say(self, why: str) -> None:
        word = "ON" if self.on else "OFF"
        self.tell("stat/plug1/RESULT", json.dumps({"POWER": word}))
        self.tell("stat/plug1/POWER", word)


class WiredBus(FakeBus):
    """A bus with devices on it."""

    def __init__(self, clock: VirtualClock, *devices: Device) -> None:
        super().__init__(clock=clock)
        self.devices = devices
        for device in devices:
            device.bus = self

    async def say_raw(self, topic: str, payload: bytes | str, *, qos: int = 0, retain: bool = False) -> None:
        assert not retain, "a retained command makes ghosts"
        await super().say_raw(topic, payload, qos=qos, retain=retain)
        text = payload.decode() if isinstance(payload, bytes) else payload
        for device in self.devices:
            device.hear(topic, text)


class House(DeviceHouse):
    """The service at work; time passes when told."""

    def __init__(self, plugs: str, state_dir: Path, clock: VirtualClock, *devices: Device) -> None:
        super().__init__("plugs", site_of(plugs), WiredBus(clock, *devices), clock, state_dir)
        self.devices = devices

    async def pass_time(
        self, seconds: float, *, order: bool | None = None, plug: str = "boiler", **more: Any
    ) -> None:
        """Let time pass; with `order` somebody renews it each 10 s."""
        for second in range(round(seconds)):
            if order is not None and second % 10 == 0:
                self.order(order, plug=plug, **more)
            await self.clock.advance(1.0)
            for device in self.devices:
                device.time_passes()

    def order(self, on: bool, plug: str = "boiler", issuer: str | None = None, **more: Any) -> None:
        self.bus.feed(
            PlugSwitch(**self.stamped(issuer), lease_s=30.0, reason="test", on=on, **more), plug=plug
        )

    def state(self, plug: str = "boiler") -> PlugState:
        state: PlugState = self.last_said(f"hems/plug/{plug}/state")
        return state


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(SIX_PM)


@pytest.fixture
def house_of(clock: VirtualClock, tmp_path: Path) -> Callable[..., Any]:
    """Makes a house with these plugs and devices, at work."""

    def make(plugs: str, *devices: Device, name: str = "state") -> Any:
        return at_work(House(plugs, tmp_path / name, clock, *devices), run)

    return make


@pytest.fixture
def shelly(clock: VirtualClock) -> Shelly:
    return Shelly(clock)


@pytest.fixture
def old_shelly(clock: VirtualClock) -> OldShelly:
    return OldShelly(clock)


@pytest.fixture
def tasmota(clock: VirtualClock) -> Tasmota:
    return Tasmota(clock)


@pytest.fixture
def site_from() -> Callable[[str], Site]:
    """Turns configuration text into a site."""
    return site_of
