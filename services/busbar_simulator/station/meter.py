"""The meter of a charge point: what it is to measure, how often, and the samples themselves."""

from busbar_simulator.plant.phases import Phases

from .connector import Connector
from .faults import Fault
from .samples import Measured, measure


class Meter:
    """Measures every connector of one charge point; the central system may change what and how often."""

    def __init__(self, faults: frozenset[Fault]) -> None:
        self._faults = faults
        self._frozen: dict[int, tuple[Measured, ...]] = {}
        self.sample_s = 10.0
        """Between two samples of a transaction; 0 is never."""
        self.measurands: tuple[str, ...] = (
            "Energy.Active.Import.Register",
            "Power.Active.Import",
            "Current.Import",
            "Voltage",
            "Current.Offered",
        )

    def read(self, connector: Connector, volts: Phases) -> tuple[Measured, ...]:
        """This moment; a frozen meter repeats the first it saw of a car that charged."""
        if connector.number in self._frozen:
            return self._frozen[connector.number]
        values = measure(connector.socket, volts, self.measurands, connector.offered_a, self._faults)
        if Fault.FROZEN_VALUES in self._faults and max(connector.socket.legs_a) > 0.5:
            self._frozen[connector.number] = values
        return values
