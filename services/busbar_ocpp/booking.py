"""Books what charge points say of their transactions, and keeps connectors in step with the book."""

from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec.structs import replace

from busbar_ocpp import register
from busbar_ocpp.connector import Connector, Cost
from busbar_ocpp.draw import after
from busbar_ocpp.drift import Drift, our_time
from busbar_ocpp.entry import Entry, Price
from busbar_ocpp.ledger import LOST, Ledger
from busbar_ocpp.ledger_file import EPOCH
from busbar_ocpp.measure import Sample
from busbar_ocpp.said import TransactionSaid

PROGRESS_EVERY_S = 60.0
MOST_PLACELESS = 20


def _scaled(wh: float | None, factor: float) -> float | None:
    return None if wh is None else wh * factor


def _when(drift: Drift, said: datetime | None, now: datetime) -> datetime:
    """When something happened by our clock. A clock that was never set, and tells 1970, counts as no time at all."""
    at = our_time(drift, said, now)
    return at if at >= EPOCH else now


class Booking:
    """The transactions of one charger."""

    def __init__(
        self, ledger: Ledger, charger: str, connectors: Mapping[int, Connector], nominal_v: float
    ) -> None:
        self._ledger, self._charger, self._connectors = ledger, charger, connectors
        self._nominal_v = nominal_v
        self._noted_at_s: dict[int, float] = {}
        self.price: Callable[[], Price | None] = lambda: None
        """What a kilowatt-hour costs now, where prices are known."""
        self.factor = 1.0
        """From the unit the charger's register counts in to Wh, as found out."""
        self.gaps = 0
        """Events of the charger that are missing, by their numbers."""
        self._placeless: dict[str, TransactionSaid] = {}
        """Starts of 2.0.1 that did not name their EVSE yet (E03: first the tag, then the cable)."""

    def restore(self) -> None:
        """Take up the transactions that ran when we last lived."""
        for entry in reversed(self._ledger.running(self._charger)):
            connector = self._connectors.get(entry.connector)
            if connector is not None:
                connector.transaction = entry
                self._reckon(connector)

    def begin(self, said: TransactionSaid, now: datetime, drift: Drift) -> Entry:
        """Book a start. One that is older than the transaction running now was delivered late, and changes nothing live."""
        assert said.connector is not None
        at = _when(drift, said.at, now)
        entry = self._ledger.start(
            charger=self._charger,
            connector=said.connector,
            at=at,
            said=said.at if said.kind == "started" else None,
            tag=said.tag,
            meter_wh=_scaled(said.meter_wh, self.factor),
            wire_id=said.transaction or "",
            offline=said.offline,
        )
        connector = self._connectors.get(said.connector)
        if connector is None or entry.ended_at is not None:
            return entry
        running = connector.transaction
        if running is not None and running.number != entry.number:
            if entry.started_at < running.started_at:
                return entry
            self._ledger.stop(running.number, at=at, meter_wh=None, reason=LOST)
            connector.forget_transaction()
        connector.transaction = entry
        self._reckon(connector)
        return entry

    def booted(self) -> None:
        """The charger has rebooted; it may count its transactions anew."""
        if any(one.transaction is not None for one in self._connectors.values()):
            self._ledger.doubt(self._charger)

    def await_place(self, said: TransactionSaid) -> None:
        """Keep a start whose EVSE is still to be named, for the event that names it."""
        kept = list(self._placeless.items())[-MOST_PLACELESS + 1 :]
        self._placeless = {**dict(kept), said.transaction or "": said}

    def _placed(self, said: TransactionSaid) -> TransactionSaid:
        """An event that begins a transaction here, with what its start had told already."""
        first = self._placeless.pop(said.transaction or "", None)
        if first is None:
            return said
        meter_wh = first.meter_wh if first.meter_wh is not None else said.meter_wh
        return replace(said, at=first.at, tag=said.tag or first.tag, meter_wh=meter_wh, offline=first.offline)

    def go_on(self, said: TransactionSaid, now: datetime, drift: Drift) -> Entry | None:
        """Book an update of 2.0.1; one of a transaction never heard of begins it, one of an ended one is ignored."""
        entry = self._told_of(said, now, drift)
        if entry is None:
            if said.connector is None:
                return None
            entry = self.begin(self._placed(said), now, drift)
        if entry.ended_at is not None:
            return None
        self._count_gap(entry, said.seq)
        if said.tag is not None and entry.tag is None:
            entry = self._claimed(entry, said.tag)
        return entry

    def _claimed(self, entry: Entry, tag: str) -> Entry:
        """A car was plugged in first and its tag shown afterwards."""
        entry = self._ledger.claim(entry.number, tag) or entry
        connector = self._connectors.get(entry.connector)
        if connector is not None and connector.transaction_id == entry.wire_id:
            connector.transaction = entry
        return entry

    def finish(self, said: TransactionSaid, now: datetime, drift: Drift) -> Entry | None:
        """Book an end; None for a transaction nobody began (2.0.1 begins it from its end, so that nothing is lost)."""
        entry = self._told_of(said, now, drift)
        if entry is None:
            self._forget_unbooked(said.transaction)
            if said.connector is None:
                return None
            entry = self.begin(self._placed(said), now, drift)
        at = max(_when(drift, said.at, now), entry.started_at)
        connector = self._connectors.get(entry.connector)
        live = connector.transaction if connector is not None else None
        running = connector if live is not None and live.number == entry.number else None
        meter_wh = self._end_wh(said, entry, running)
        ended = self._ledger.stop(
            entry.number, at=at, meter_wh=meter_wh, reason=said.reason, price=self.price()
        )
        self._noted_at_s.pop(entry.number, None)
        if running is not None:
            self._reckon(running)
            running.forget_transaction()
        return ended

    def _end_wh(self, said: TransactionSaid, entry: Entry, running: Connector | None) -> float | None:
        """The register at an end: as told, where that can be meant, else as it was last measured; None: as last noted."""
        energies = [sample.energy_wh for sample in said.samples if sample.energy_wh is not None]
        told = said.meter_wh if said.meter_wh is not None else (energies[-1] if energies else None)
        told = _scaled(told, self.factor)
        if told is not None and not told < (entry.start_wh or 0.0):
            return told
        if running is None or running.draw.energy_at is None or running.draw.energy_at < entry.started_at:
            return None
        return running.draw.energy_wh

    def _told_of(self, said: TransactionSaid, now: datetime, drift: Drift) -> Entry | None:
        """The transaction that something is told of."""
        at = _when(drift, said.at, now)
        return self._ledger.by_wire_id(self._charger, said.transaction or "", said.connector, at)

    def _forget_unbooked(self, transaction: str | None) -> None:
        """End a transaction that the book could not take."""
        for connector in self._connectors.values():
            if connector.transaction_id is not None and connector.transaction_id == transaction:
                connector.forget_transaction()

    def measured(
        self, connector: Connector, sample: Sample, at: datetime, now_s: float, transaction: str | None
    ) -> None:
        """Take a sample into the connector's draw, and each minute into the book."""
        raw = sample.energy_wh
        sample = replace(sample, energy_wh=_scaled(raw, self.factor))
        connector.draw = after(connector.draw, sample, at, len(connector.wiring.legs), self._nominal_v)
        self._check_register(connector, raw, at)
        entry = connector.transaction
        if entry is None or (transaction is not None and transaction != entry.wire_id):
            return
        if now_s - self._noted_at_s.get(entry.number, -1e9) < PROGRESS_EVERY_S:
            return
        self._noted_at_s[entry.number] = now_s
        self._ledger.progress(
            entry.number,
            at=at,
            meter_wh=sample.energy_wh,
            power_w=connector.draw.power_w,
            price=self.price(),
        )
        self._reckon(connector)

    def _reckon(self, connector: Connector) -> None:
        """Add up what the session cost; its transactions are those since the car came."""
        begins = [one.started_at for one in (connector.visit, connector.transaction) if one is not None]
        booked = self._ledger.history(charger=self._charger, since=min(begins)) if begins else []
        booked = [one for one in booked if one.connector == connector.number]
        unpriced = any(one.cost is None and one.energy_wh for one in booked)
        currencies = {one.currency for one in booked if one.currency is not None}
        connector.cost = None
        if not unpriced and len(currencies) == 1:
            amount = sum(one.cost for one in booked if one.cost is not None)
            connector.cost = Cost(session=connector.session_id, amount=amount, currency=currencies.pop())

    def _check_register(self, connector: Connector, raw: float | None, at: datetime) -> None:
        """Find out whether the register counts in the unit it names."""
        connector.register = register.after(connector.register, raw, connector.draw.power_w, at)
        factor = connector.register.factor
        if factor == self.factor or not connector.register.concluded:
            return
        correction, self.factor = factor / self.factor, factor
        if connector.transaction is not None:
            self._ledger.rescale(connector.transaction.number, correction)
        visit, draw = connector.visit, connector.draw
        if visit is not None and visit.start_wh is not None:
            connector.visit = replace(visit, start_wh=visit.start_wh * correction)
        if draw.energy_wh is not None:
            connector.draw = replace(draw, energy_wh=draw.energy_wh * correction)

    def _count_gap(self, entry: Entry, seq: int | None) -> None:
        if seq is None:
            return
        # A constant number, as some chargers send it, is no gap.
        missing = seq - entry.last_seq - 1 if entry.last_seq is not None else 0
        gaps = entry.gaps + max(missing, 0)
        self.gaps += max(missing, 0)
        latest = max(seq, entry.last_seq or 0)
        self._ledger.progress(
            entry.number,
            at=entry.last_at or entry.started_at,
            meter_wh=None,
            power_w=None,
            seq=latest,
            gaps=gaps,
        )
