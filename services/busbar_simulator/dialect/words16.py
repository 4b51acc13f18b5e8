"""How 1.6 words statuses, transactions and values."""

from busbar_simulator.station.notices import Ended, Started, Status, StatusChanged, Transaction
from busbar_simulator.station.samples import Measured

from .words import Json, stamp


def status(notice: StatusChanged) -> Json:
    """A StatusNotification."""
    return {
        "connectorId": notice.connector,
        "errorCode": "GroundFailure" if notice.status is Status.FAULTED else "NoError",
        "status": str(notice.status),
        "timestamp": stamp(notice.at),
    }


def started(notice: Started) -> Json:
    """A StartTransaction."""
    return {
        "connectorId": notice.transaction.connector,
        "idTag": notice.transaction.tag[:20],
        "meterStart": notice.transaction.meter_start_wh,
        "timestamp": stamp(notice.at),
    }


def ended(notice: Ended) -> Json:
    """A StopTransaction."""
    return {
        "transactionId": number(notice.transaction),
        "idTag": notice.transaction.tag[:20],
        "meterStop": notice.meter_stop_wh,
        "timestamp": stamp(notice.at),
        "reason": REASONS.get(notice.reason, "Other"),
    }


def number(transaction: Transaction) -> int:
    """The central system's number; a start that was never answered properly has none."""
    return -1 if transaction.number is None else transaction.number


def value(measured: Measured, context: str) -> Json:
    """A SampledValue; numbers are text here."""
    sampled: Json = {"value": f"{measured.value:g}" if measured.value < 1e6 else f"{measured.value:.0f}"}
    sampled |= {"context": context, "measurand": measured.measurand, "location": "Outlet"}
    if measured.unit:
        sampled["unit"] = measured.unit
    if measured.phase:
        sampled["phase"] = measured.phase
    return sampled


# The reasons 1.6 knows (section 7.36).
REASONS = {
    name: name
    for name in (
        *("EmergencyStop", "EVDisconnected", "HardReset", "Local", "PowerLoss", "Reboot", "Remote"),
        *("SoftReset", "UnlockCommand", "DeAuthorized"),
    )
}
