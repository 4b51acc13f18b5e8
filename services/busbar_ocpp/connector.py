"""All that is known of one connector: its status, its car, what it was told and what it said."""

from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct

from busbar_contracts.charger import ChargerLimit, ConnectorStatus
from busbar_ocpp.bearing import Bearing, Past, bearing, lowers, remembered
from busbar_ocpp.bearing import Bounds as Bounds
from busbar_ocpp.draw import Draw
from busbar_ocpp.entry import Entry
from busbar_ocpp.obey import Obedience, left
from busbar_ocpp.profile import Purpose
from busbar_ocpp.register import Register
from busbar_ocpp.standing import Installed, Slot
from busbar_ocpp.told import Told
from busbar_shared.config.wiring import Connector as Wiring
from busbar_shared.leases import LeaseBook

PLUGGED = frozenset(
    {
        ConnectorStatus.PREPARING,
        ConnectorStatus.CHARGING,
        ConnectorStatus.SUSPENDED_EV,
        ConnectorStatus.SUSPENDED_EVSE,
        ConnectorStatus.FINISHING,
    }
)
FREE = frozenset({ConnectorStatus.AVAILABLE, ConnectorStatus.RESERVED})
# Of an EVSE with several outlets the first of these words that one of them says is the EVSE's.
SAYS_MOST = (
    ConnectorStatus.PREPARING,
    ConnectorStatus.RESERVED,
    ConnectorStatus.AVAILABLE,
    ConnectorStatus.FAULTED,
    ConnectorStatus.UNAVAILABLE,
)
MOST_OUTLETS = 10


class Visit(Struct, frozen=True, kw_only=True):
    """One car, from plugged in to gone. Kept over restarts."""

    id: str
    started_at: datetime
    start_wh: float | None = None


class Cost(Struct, frozen=True, kw_only=True):
    """What a session cost so far; known only while every kilowatt-hour of it had a price."""

    session: str
    amount: float
    currency: str


@dataclass
class Connector:
    """One connector. Only its charge point changes it."""

    number: int
    wiring: Wiring
    born_s: float
    status: ConnectorStatus = ConnectorStatus.UNKNOWN
    outlets: dict[int, ConnectorStatus] = field(default_factory=dict)
    """2.0.1: what each outlet of the EVSE last said."""
    error: str = "NoError"
    transaction: Entry | None = None
    visit: Visit | None = None
    cost: Cost | None = None
    """Of the session it names."""
    draw: Draw = field(default_factory=Draw)
    register: Register = field(default_factory=Register)
    book: LeaseBook[ChargerLimit] = field(default_factory=lambda: LeaseBook(lowers))
    past: Past | None = None
    installed: dict[Slot, Installed] = field(default_factory=dict)
    told_a: float | None = None
    told_at: datetime | None = None
    confirmed: bool = False
    told_log: tuple[Told, ...] = ()
    measures: bool = False
    """Its draw was measured since the start of the service."""
    unseen_since_s: float | None = None
    """Since when a transaction runs without a sample that shows whether it follows its limit."""
    obedience: Obedience = field(default_factory=Obedience)
    stopped_tag: str | None = None
    """The tag of a car that was stopped because 0 A does not pause it."""
    asked_s: float = -1e9
    """When a remote start or stop was last asked for."""
    last_refusal: str | None = None
    last_answer: str | None = None

    @property
    def session_id(self) -> str:
        """What the session is called: by the car that is plugged in, or where that was not seen by its transaction."""
        return self.visit.id if self.visit is not None else f"{self.wiring.load}-{self.transaction_id}"

    @property
    def transaction_id(self) -> str | None:
        """The running transaction as the charger calls it."""
        return None if self.transaction is None else self.transaction.wire_id

    def drawn_a(self, nominal_v: float) -> float | None:
        """What the car takes on its busiest leg, as far as it is known; rather too little than too much."""
        return self.draw.estimated_a(len(self.wiring.legs), self.draw.least_volts or nominal_v)

    def holds(self, bounds: Bounds, now_s: float) -> Bearing | None:
        """The limit that holds now, None while nothing may be ordered yet."""
        held = self.book.held(now_s)
        self.past = remembered(self.past, held)
        return bearing(held, self.past, self.born_s, bounds, now_s)

    def shown(self, patience_s: float, now_s: float) -> bool:
        """Whether the running car was seen to follow its limit, or shows nothing however long one waits."""
        if self.transaction is None or not self.measures or self.obedience.followed:
            self.unseen_since_s = None
            return True
        if self.unseen_since_s is None:
            self.unseen_since_s = now_s
        return now_s - self.unseen_since_s >= patience_s

    def forget_profiles(self) -> None:
        """Nothing is known to be in the charger any more."""
        self.installed.clear()
        self.confirmed = False

    def forget_transaction(self) -> None:
        """The transaction has ended, and its profile with it."""
        self.transaction, self.unseen_since_s = None, None
        self.obedience = left(self.obedience)
        for slot in [one for one in self.installed if one[1] is Purpose.TX]:
            del self.installed[slot]

    def with_outlet(self, outlet: int, status: ConnectorStatus) -> ConnectorStatus:
        """What the EVSE does, now that one of its outlets has said this: a free socket beside a used cable is no news."""
        if outlet in self.outlets or len(self.outlets) < MOST_OUTLETS:
            self.outlets[outlet] = status
        said = set(self.outlets.values())
        return next((one for one in SAYS_MOST if one in said), status)

    def plug(self, status: ConnectorStatus, at: datetime) -> None:
        """Take the status, and know when a car has come or gone."""
        came = status in PLUGGED and self.visit is None
        went = status in FREE and self.transaction is None
        self.status = status
        if came:
            self.visit = Visit(
                id=f"{self.wiring.load}-{int(at.timestamp()):x}", started_at=at, start_wh=self.draw.energy_wh
            )
        if went:
            self.visit = None
            self.obedience = left(self.obedience)
            self.draw = Draw(energy_wh=self.draw.energy_wh, energy_at=self.draw.energy_at)
