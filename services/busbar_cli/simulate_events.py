"""What happens to a simulated house, as its scenario says: each event begins at its second and is undone at its end."""

from collections.abc import Mapping, Sequence

from busbar_cli.simulate_devices import ChargerDevice, MeterDevice
from busbar_cli.simulate_minds import Mind
from busbar_cli.simulate_scenario import Event
from busbar_simulator.plant.house import House
from busbar_simulator.plant.phases import NONE, added, less


class Happenings:
    """The events of one run."""

    def __init__(
        self,
        events: Sequence[Event],
        house: House,
        meter: MeterDevice | None,
        chargers: Mapping[str, ChargerDevice],
    ) -> None:
        """`meter` is the one at the grid, `chargers` are by load."""
        self._events, self._house, self._meter, self._chargers = events, house, meter, chargers
        self._done: set[tuple[int, bool]] = set()
        self.broker = True
        """Whether messages arrive."""

    def step(self, second: float, mind: Mind, now_s: float) -> None:
        """Let begin and end what is due at this second of the run; `now_s` is the mind's own monotonic time."""
        for number, event in enumerate(self._events):
            for begins, at_s in ((True, event.at_s), (False, event.at_s + event.for_s)):
                if second >= at_s and (number, begins) not in self._done:
                    self._done.add((number, begins))
                    self._happen(event, begins, mind, now_s)

    def _happen(self, event: Event, begins: bool, mind: Mind, now_s: float) -> None:
        if event.extra_w is not None:
            change = added if begins else less
            self._house.extra_w = change(self._house.extra_w or NONE, event.extra_w)
        if event.meter is not None and self._meter is not None:
            self._meter.mode = event.meter if begins else None
        if event.trip:
            for inverter in self._house.inverters.values():
                inverter.trip(event.for_s if begins else 0.0)
        for load in event.silent:
            self._chargers[load].silent = begins
        if event.allocator_dead and begins:
            mind.die()
        elif event.allocator_dead:
            mind.rise(now_s)
        if event.broker_dead:
            self.broker = not begins
