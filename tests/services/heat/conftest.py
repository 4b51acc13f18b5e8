"""A cellar in virtual time: the real service, a bus made of lists, and a device on some topics."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from busbar_contracts.load import HeatMode, HeatOrder, HeatState
from busbar_heat.main import run
from busbar_shared.clock import VirtualClock
from busbar_shared.config import Site
from busbar_shared.fakes import FakeBus
from device_house import DeviceHouse, at_work, site_of

SIX_PM = datetime(2026, 1, 5, 18, 0, tzinfo=UTC)


class House(DeviceHouse):
    """The service at work; time passes when told."""

    def __init__(self, heaters: str, state_dir: Path, clock: VirtualClock) -> None:
        super().__init__("heat", site_of(heaters), FakeBus(clock=clock), clock, state_dir)

    async def pass_time(
        self, seconds: float, mode: HeatMode | None = None, heater: str = "tank", **readings: str
    ) -> None:
        """Let time pass; the order is renewed each 10 s and the readings (topic with _ for /) come each 30 s."""
        for second in range(round(seconds)):
            if mode is not None and second % 10 == 0:
                self.order(mode, heater)
            if second % 30 == 0:
                for topic, payload in readings.items():
                    self.bus.feed_raw(topic.replace("_", "/"), payload)
            await self.clock.advance(1.0)

    def order(self, mode: HeatMode, heater: str = "tank", issuer: str | None = None, **more: Any) -> None:
        order = HeatOrder(**self.stamped(issuer), lease_s=30.0, reason="test", mode=mode, **more)
        self.bus.feed(order, heater=heater)

    def state(self, heater: str = "tank") -> HeatState:
        state: HeatState = self.last_said(f"hems/heat/{heater}/state")
        return state

    def told(self, topic: str) -> list[str]:
        """Everything said on a topic, repetitions left out."""
        said = [payload.decode() for name, payload in self.bus.said_raw if name == topic]
        return [one for number, one in enumerate(said) if number == 0 or said[number - 1] != one]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(SIX_PM)


@pytest.fixture
def house_of(clock: VirtualClock, tmp_path: Path) -> Callable[..., Any]:
    """Makes a house with these heaters, at work; a second one finds what the first left on disk."""

    def make(heaters: str) -> Any:
        return at_work(House(heaters, tmp_path / "state", clock), run)

    return make


@pytest.fixture
def site_from() -> Callable[[str], Site]:
    """Turns configuration text into a site."""
    return site_of
