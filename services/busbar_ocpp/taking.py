"""What follows from what a charge point said, after it was answered."""

from datetime import datetime
from typing import TYPE_CHECKING

from busbar_contracts.charger import ConnectorStatus
from busbar_ocpp import errands, hear201
from busbar_ocpp.connector import PLUGGED, Connector
from busbar_ocpp.drift import heard, our_time, synchronised
from busbar_ocpp.enforcing import judge
from busbar_ocpp.measure import Sample
from busbar_ocpp.said import Booted, Measured, Noted, Reported, Said, StatusSaid, TransactionSaid

if TYPE_CHECKING:
    from busbar_ocpp.charge_point import ChargePoint

_WITH_CAR = frozenset(hear201.CHARGING.values())


async def take(charger: "ChargePoint", said: Said) -> None:
    """What follows from what was said, after it was answered."""
    if isinstance(said, Booted):
        charger.identity = said
        charger.boots += 1
        charger.booking.booted()
        charger.steering.forget()
        charger.terms.drift = synchronised()
        for connector in charger.connectors.values():
            connector.forget_profiles()
            connector.outlets.clear()
        charger.greeting.booted(said)
        charger.all_changed()
    elif isinstance(said, StatusSaid):
        _status(charger, said)
    elif isinstance(said, TransactionSaid):
        _transaction(charger, said)
    elif isinstance(said, Measured):
        _measured(charger, said.connector, said.samples, said.transaction)
    elif isinstance(said, Noted):
        await charger.chatter.note(said.code, said.text, said.severity)
    elif isinstance(said, Reported):
        for tell in charger.on_report:
            tell(said)


def _status(charger: "ChargePoint", said: StatusSaid) -> None:
    _tell_time(charger, said.at)
    connector = charger.connectors.get(said.connector)
    if connector is None:
        return  # 0 is the unit; numbers we were not told of are no loads
    status = said.status if said.outlet is None else connector.with_outlet(said.outlet, said.status)
    occupied = said.outlet is not None and status is ConnectorStatus.PREPARING
    # Occupied is all 2.0.1 says here; what the car does comes with its transaction, and one that has
    # just ended is not a car that waits.
    running = connector.transaction is not None and connector.status in _WITH_CAR
    if occupied and (running or connector.status is ConnectorStatus.FINISHING):
        status = connector.status
    connector.error = said.error
    _plug(charger, connector, status)
    charger.moved(connector)


def _plug(charger: "ChargePoint", connector: Connector, status: ConnectorStatus) -> None:
    before = connector.status, connector.visit
    connector.plug(status, charger.desk.clock.now())
    if before != (connector.status, connector.visit):
        charger.desk.remember(connector)


def _transaction(charger: "ChargePoint", said: TransactionSaid) -> None:
    if not said.offline and said.kind == "updated":
        _tell_time(charger, said.at)
    entry = (
        charger.desk.ledger.by_wire_id(charger.plan.id, said.transaction, said.connector)
        if said.transaction
        else None
    )
    number = said.connector if said.connector is not None else entry.connector if entry else None
    connector = charger.connectors.get(number) if number is not None else None
    if connector is None:
        return
    live = entry is None or entry.ended_at is None or said.kind == "ended"
    status = said.charging
    if said.kind == "ended" and connector.transaction is None and connector.status in PLUGGED:
        status = ConnectorStatus.FINISHING
    if live and status is not None and not said.offline:
        _plug(charger, connector, status)
    _measured(charger, connector.number, said.samples, said.transaction)
    charger.moved(connector)
    charger.learning.transaction(connector, said)
    if said.kind == "ended" and charger.quirk.keeps_tx_profile:
        charger.start(errands.clear_kept(charger.steering, connector))


def _measured(
    charger: "ChargePoint", number: int, samples: tuple[Sample, ...], transaction: str | None
) -> None:
    connector = charger.connectors.get(number)
    if connector is None and number == 0 and len(charger.connectors) == 1:
        connector = next(
            iter(charger.connectors.values())
        )  # a unit with one outlet often measures as a whole
    if connector is None or not samples:
        return
    now, now_s = charger.desk.clock.now(), charger.desk.clock.monotonic()
    _tell_time(charger, samples[-1].at)
    for sample in samples:
        charger.booking.measured(
            connector, sample, our_time(charger.terms.drift, sample.at, now), now_s, transaction
        )
        judge(charger, connector)
    if connector.status is ConnectorStatus.UNKNOWN and connector.transaction is not None:
        _plug(charger, connector, ConnectorStatus.CHARGING)
    charger.moved(connector)


def _tell_time(charger: "ChargePoint", said: datetime | None) -> None:
    clock, terms = charger.desk.clock, charger.terms
    terms.drift = heard(terms.drift, said, clock.now(), clock.monotonic())
    known, ahead_s = charger.desk.memory.of(charger.plan.charge_point), terms.drift.ahead_s
    if ahead_s is not None and (known.ahead_s is None or abs(known.ahead_s - ahead_s) > 1):
        known.ahead_s = round(ahead_s, 1)
