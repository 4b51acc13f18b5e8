"""One connector's life: from plugging in to pulling out, with the contactor and the pilot of its socket."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from busbar_simulator.plant.socket import Socket

from .composite import Session
from .notices import Status, Transaction

LEAST_A = 6.0
# A driver whose card got no answer tries again.
SHOWN_AGAIN_S = 20.0


@dataclass(kw_only=True)
class Connector:
    """State of one connector. Its socket belongs to the plant."""

    number: int
    socket: Socket
    status: Status = Status.AVAILABLE
    available: bool = True
    faulted: bool = False
    transaction: Transaction | None = None
    authorised: bool = False
    plugged_for_s: float = 0.0
    shown_tag: bool = False
    # A card whose question was lost on the way is shown again.
    tag_answered: bool = False
    shown_at_s: float = 0.0
    # After a stop the cable must be pulled, or a new start be asked for from afar.
    finished: bool = False
    awaiting: tuple[str, int | None, float] | None = None
    offered_a: float = 0.0
    next_sample_s: float = 0.0
    last_offer: tuple[float, int | None] | None = None
    pending_offers: list[tuple[float, float, int | None]] = field(default_factory=list)

    @property
    def session(self) -> Session | None:
        """What the composite schedule needs of its transaction."""
        if self.transaction is None:
            return None
        return Session(transaction=self.transaction.key, began=self.transaction.began)

    def unplugged(self, now_s: float) -> None:
        """No cable: what was asked for from afar is kept while it may still come."""
        self.plugged_for_s, self.shown_tag, self.finished = 0.0, False, False
        if self.awaiting is not None and self.awaiting[2] < now_s:
            self.awaiting = None

    def card_due(self, now_s: float, after_s: float) -> bool:
        """Whether the driver shows the card now: so long after plugging in, and again when nobody answered."""
        patient = self.tag_answered or now_s < self.shown_at_s + SHOWN_AGAIN_S
        if self.finished or (self.shown_tag and patient):
            return False
        return self.available and not self.faulted and self.plugged_for_s >= after_s

    def card_shown(self, now_s: float) -> None:
        """The card is held to the reader."""
        self.shown_tag, self.tag_answered, self.shown_at_s = True, False, now_s

    def begin(
        self, tag: str, at: datetime, remote_start: int | None = None, *, authorised: bool = True
    ) -> Transaction:
        """Start a transaction; the contactor closes once it is authorised."""
        self.transaction = Transaction(
            key=str(uuid.uuid4()),
            connector=self.number,
            tag=tag,
            began=at,
            meter_start_wh=round(self.socket.energy_wh),
            remote_start=remote_start,
        )
        self.finished, self.awaiting, self.authorised, self.offered_a = False, None, authorised, 0.0
        return self.transaction

    def end(self) -> Transaction:
        """Stop the transaction and open the contactor."""
        assert self.transaction is not None
        ended, self.transaction = self.transaction, None
        self._offer_nothing()
        self.authorised, self.finished, self.shown_tag = False, self.socket.occupied, True
        return ended

    def go_dark(self) -> None:
        """The charge point has no power: no contactor, no pilot."""
        self.socket.closed, self.socket.pilot_a = False, 0.0
        self._offer_nothing()

    def wake(self) -> None:
        """It has power again, and has forgotten who stood there; the status follows from what it finds."""
        self.status, self.finished, self.shown_tag = Status.AVAILABLE, False, False

    def _offer_nothing(self) -> None:
        self.offered_a, self.last_offer = 0.0, None
        self.pending_offers.clear()

    def offer(self, now_s: float, amps: float, phases: int | None, after_s: float) -> None:
        """Change the pilot after the firmware's own delay."""
        if self.last_offer != (amps, phases):
            self.last_offer = (amps, phases)
            self.pending_offers.append((now_s + after_s, amps, phases))

    def apply(self, now_s: float, switches_phases: bool) -> None:
        """Let due offers reach the pilot and the contactor."""
        while self.pending_offers and self.pending_offers[0][0] <= now_s:
            _, self.offered_a, phases = self.pending_offers.pop(0)
            if switches_phases:
                # 1.6 section 7.9: three phases are meant where none are said.
                self.socket.phases = min(max(phases or 3, 1), len(self.socket.spec.legs))
        self.socket.closed = self.transaction is not None and self.authorised
        self.socket.pilot_a = self.offered_a if self.socket.closed and self.offered_a >= LEAST_A else 0.0

    def should_be(self) -> Status:
        """The status that follows from everything."""
        if self.faulted:
            return Status.FAULTED
        if self.transaction is None:
            if not self.socket.occupied:
                return Status.AVAILABLE if self.available else Status.UNAVAILABLE
            return Status.FINISHING if self.finished else Status.PREPARING
        if not self.authorised:
            return Status.PREPARING
        if max(self.socket.legs_a) > 0.5:
            return Status.CHARGING
        return Status.SUSPENDED_EVSE if self.socket.pilot_a < LEAST_A else Status.SUSPENDED_EV
