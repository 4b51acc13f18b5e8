"""What a charge point says of its connectors after each successful boot, in both versions."""

from busbar_simulator.station.faults import Fault
from busbar_simulator.station.notices import Notice, Status, StatusChanged
from busbar_simulator.station.station import Station


def statuses(station: Station, *, of_itself: bool) -> list[Notice]:
    """The status of everything; `of_itself`: of connector 0 too, which is the whole charge point."""
    said: list[Notice] = []
    if of_itself or Fault.STATUS_OF_ZERO in station.spec.faults:
        said.append(StatusChanged(connector=0, status=Status.AVAILABLE, at=station.time()))
    said += [station.status(connector) for connector in station.connectors.values()]
    if Fault.EXTRA_CONNECTOR in station.spec.faults:
        # Some count one connector more than they have.
        extra = max(station.connectors) + 1
        said.append(StatusChanged(connector=extra, status=Status.AVAILABLE, at=station.time()))
    return said
