"""The allocator at its desk, fed by hand: for situations in which messages matter more than physics."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from allocator_house import a_site

from busbar_allocator.desk import Desk
from busbar_allocator.plan import plan_of
from busbar_contracts.charger import ChargerLimit, ChargerState, ConnectorStatus, LegSample, Session
from busbar_contracts.load import HeatOrder, PlugSwitch
from busbar_contracts.meter import MeterReading, PhaseSample
from busbar_shared.bus import Heard
from busbar_shared.config.root import Site

NIGHT = datetime(2026, 1, 10, 22, 0, tzinfo=UTC)


class Table:
    """The allocator at its desk, fed by hand, one second at a time."""

    def __init__(self, **changes: Any) -> None:
        self.desk = Desk(plan_of(msgspec.convert(a_site(**changes), Site)), None, 0.0, "test")
        self.now = 0.0
        self.said: list[Any] = []
        self.told: dict[str, Any] = {}
        """The last order to each heater, plug or connector, by its name."""

    @property
    def wall(self) -> datetime:
        return NIGHT + timedelta(seconds=self.now)

    def hear(self, message: Any, **ids: str) -> None:
        """A message arrives now."""
        self.desk.hear(Heard(message, ids, "", self.now))

    def seconds(
        self,
        count: int,
        grid_a: float | Callable[[], tuple[float, float, float]] = 2.0,
        each: Callable[[], None] | None = None,
    ) -> "Table":
        """Readings each second, the same on all phases or what the house makes of them, and what else comes."""
        for _ in range(count):
            self.now += 1.0
            if each is not None:
                each()
            a, b, c = grid_a() if callable(grid_a) else (grid_a, grid_a, grid_a)
            phases = {
                "a": PhaseSample(current_a=a),
                "b": PhaseSample(current_a=b),
                "c": PhaseSample(current_a=c),
            }
            self.hear(MeterReading(at=self.wall, power_w=None, **phases), meter="grid")
            answer = self.desk.decide(self.now, self.wall)
            self.said += [one.message for one in answer.messages]
            for one in answer.messages:
                name = "-".join(one.ids.values())
                if isinstance(one.message, HeatOrder | PlugSwitch | ChargerLimit):
                    self.told[name] = one.message
        return self

    def last(self, kind: type[Any]) -> Any:
        """The last message of a kind."""
        return next((one for one in reversed(self.said) if isinstance(one, kind)), None)

    def plug_in(self, soc: float | None = None, wh: float | None = None, draws_a: float = 0.0) -> None:
        """A car; it draws nothing yet unless told otherwise."""
        state = ChargerState(
            at=self.wall, status=ConnectorStatus.CHARGING, link=True, sampled_at=self.wall, l1=LegSample(current_a=draws_a),
            soc_percent=soc, session=Session(id="1", transaction="1", started_at=NIGHT, energy_wh=wh),
        )  # fmt: skip
        self.hear(state, charger="left", connector="1")
