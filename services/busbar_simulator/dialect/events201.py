"""The TransactionEvents of 2.0.1: one for everything that happens to a transaction, numbered as it happens."""

from busbar_simulator.station.faults import Fault
from busbar_simulator.station.notices import (
    Ended,
    Sampled,
    Started,
    StateChanged,
    TagAccepted,
    Transaction,
)
from busbar_simulator.station.station import Station

from . import words201
from .words import Call, Json, stamp
from .words201 import Event


class Events:
    """Tells of the transactions of one station."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._held: list[Call] = []

    def calls(self, notice: Event) -> list[Call]:
        """One TransactionEvent; the number in the sequence is given here, in the order of what happened."""
        transaction = notice.transaction
        assert transaction is not None
        kind = {Started: "Started", Ended: "Ended"}.get(type(notice), "Updated")
        payload: Json = {
            "eventType": kind,
            "timestamp": stamp(notice.at),
            "triggerReason": words201.trigger_reason(notice),
            "seqNo": 0 if Fault.CONSTANT_SEQUENCE in self._station.spec.faults else transaction.sequence,
            "offline": notice.offline,
            "transactionInfo": self._info(notice, transaction),
            "evse": {"id": transaction.connector, "connectorId": 1},
        }
        transaction.sequence += 1
        if isinstance(notice, Started | Sampled | Ended):
            payload["meterValue"] = values(notice, self._station)
        if isinstance(notice, Started | TagAccepted | Ended) and transaction.tag:
            payload["idToken"] = words201.token(transaction.tag)
        calls = [
            Call(
                action="TransactionEvent",
                payload=lambda: payload,
                answered=lambda answer: self._judged(transaction, answer),
                keep=True,
            )
        ]
        if Fault.EVENTS_OUT_OF_ORDER in self._station.spec.faults:
            calls = self._shuffled(kind, calls)
        if kind == "Ended" and Fault.UPDATED_AFTER_ENDED in self._station.spec.faults:
            late = payload | {"eventType": "Updated", "seqNo": transaction.sequence}
            calls.append(Call(action="TransactionEvent", payload=lambda: late, keep=True))
        return calls

    def _shuffled(self, kind: str, calls: list[Call]) -> list[Call]:
        """Every other update is held back until after the next event."""
        if kind == "Updated" and not self._held:
            self._held = calls
            return []
        held, self._held = self._held, []
        return calls + held

    def _info(self, notice: Event, transaction: Transaction) -> Json:
        info: Json = {"transactionId": transaction.key}
        status = self._station.connectors[transaction.connector].status
        state = words201.CHARGING_STATES.get(notice.status if isinstance(notice, StateChanged) else status)
        info["chargingState"] = "Idle" if isinstance(notice, Ended) else state or "EVConnected"
        if isinstance(notice, Ended):
            info["stoppedReason"] = words201.REASONS.get(notice.reason, "Other")
        if transaction.remote_start is not None:
            info["remoteStartId"] = transaction.remote_start
        return info

    def _judged(self, transaction: Transaction, answer: Json) -> None:
        status = answer.get("idTokenInfo", {}).get("status", "Accepted")
        if status != "Accepted":
            self._station.refuse(transaction)


def values(notice: Started | Sampled | Ended, station: Station) -> list[Json]:
    """The meter values of this notice, of one moment."""
    context = {Started: "Transaction.Begin", Ended: "Transaction.End"}.get(type(notice), "Sample.Periodic")
    if isinstance(notice, Sampled):
        context = notice.context
    empty = Fault.EMPTY_METER_VALUES in station.spec.faults
    sampled = [] if empty else [words201.value(value, context) for value in notice.values]
    return [{"timestamp": stamp(notice.at), "sampledValue": sampled}]
