"""Whatever a charger tells, twice, late or after a restart of ours: each transaction is in the book once, and right.

The truth is a list of cars that charged; the charger tells of them over a line that breaks, and tells things again.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from ocpp_house import SITE

from busbar_ocpp.booking import Booking
from busbar_ocpp.config import plan_of
from busbar_ocpp.connector import Connector
from busbar_ocpp.drift import Drift
from busbar_ocpp.ledger import Ledger
from busbar_ocpp.said import TransactionSaid
from busbar_shared.config.root import Site

BEGIN = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)
PLACES = (1, 2)
SURE = Drift(ahead_s=0.0)


@dataclass
class Charge:
    """One car, as it truly charged."""

    place: int
    name: str
    tag: str
    began: datetime
    start_wh: float
    ended: datetime | None = None
    stop_wh: float = 0.0
    end_is_lost: bool = False
    told_start: bool = False
    told_end: bool = False
    number: int | None = None
    forgotten: bool = False
    """The charger cannot tell of it again."""


class Book(RuleBasedStateMachine):
    """A charger with two connectors; `names`: whether it names its transactions itself, as in 2.0.1, from 1 again."""

    names = False

    @initialize()
    def first(self) -> None:
        self.now, self.energy_wh, self.online, self.booted = BEGIN, 1000.0, True, False
        self.charges: list[Charge] = []
        self.counts = dict.fromkeys(PLACES, 0)
        self.ledger = Ledger(None, BEGIN)
        site = SITE.replace('charge_point = "CP-1"', 'charge_point = "CP-1"\nconnectors = { 1 = {}, 2 = {} }')
        self.plan = plan_of(msgspec.toml.decode(site, type=Site)).chargers["left"]
        self.restart()

    @rule()
    def restart(self) -> None:
        """Our service dies and comes back; the book is all it has."""
        self.connectors = {
            number: Connector(number=number, wiring=wiring, born_s=0.0)
            for number, wiring in self.plan.connectors.items()
        }
        self.booking = Booking(self.ledger, "left", self.connectors, 230.0)
        self.booking.restore()

    @rule()
    def reboot(self) -> None:
        """The charger loses power: no car charges any more, and it counts anew."""
        for place in PLACES:
            charge = self.live(place)
            if charge is not None:
                charge.ended, charge.end_is_lost = self.later(), True
        if self.names:  # one that counts anew has no memory, and what it had not told is lost with it
            self.charges = [one for one in self.charges if one.told_start]
            for one in self.charges:
                one.forgotten, one.end_is_lost = True, one.end_is_lost or not one.told_end
        self.counts = dict.fromkeys(PLACES, 0)
        self.booted = True
        self.tell_boot()

    @rule()
    def line_breaks(self) -> None:
        self.online = False

    @rule()
    def line_is_back(self) -> None:
        self.online = True
        self.tell_boot()
        told = [(one.began, self.tell_start, one) for one in self.charges if not one.told_start]
        told += [
            (one.ended, self.tell_end, one)
            for one in self.charges
            if one.ended is not None and not one.told_end and not one.end_is_lost
        ]
        for _, tell, charge in sorted(told, key=lambda one: one[0]):
            tell(charge)

    @rule(place=st.sampled_from(PLACES), tag=st.sampled_from(["ANN", "BOB"]))
    def car_begins(self, place: int, tag: str) -> None:
        if self.live(place) is not None:
            return
        self.counts[place] += 1
        charge = Charge(place, str(self.counts[place]), tag, self.later(), self.energy_wh)
        self.charges.append(charge)
        if self.online:
            self.tell_start(charge)

    @rule(place=st.sampled_from(PLACES))
    def car_ends(self, place: int) -> None:
        charge = self.live(place)
        if charge is None:
            return
        charge.ended, charge.stop_wh = self.later(), self.energy_wh
        if self.online:
            self.tell_end(charge)

    @precondition(lambda self: self.online and any(one.told_start for one in self.charges))
    @rule(which=st.integers(0, 50), end=st.booleans())
    def tells_again(self, which: int, end: bool) -> None:
        """An answer did not arrive."""
        told = [
            one for one in self.charges if (one.told_end if end else one.told_start) and not one.forgotten
        ]
        if told:
            (self.tell_end if end else self.tell_start)(told[which % len(told)])

    # -- the charger ---------------------------------------------------------------------------

    def live(self, place: int) -> Charge | None:
        return next((one for one in self.charges if one.place == place and one.ended is None), None)

    def later(self) -> datetime:
        self.now += timedelta(seconds=90)
        self.energy_wh += 250.0
        return self.now

    def tell_boot(self) -> None:
        if self.online and self.booted:
            self.booking.booted()
            self.booted = False

    def tell_start(self, charge: Charge) -> None:
        said = TransactionSaid(
            kind="started", connector=charge.place, transaction=charge.name if self.names else None,
            at=charge.began, tag=charge.tag, meter_wh=charge.start_wh,
        )  # fmt: skip
        entry = self.booking.begin(said, self.now, SURE)
        assert charge.number in (None, entry.number), "told twice it has another number"
        charge.number, charge.told_start = entry.number, True

    def tell_end(self, charge: Charge) -> None:
        said = TransactionSaid(
            kind="ended", connector=charge.place if self.names else None,
            transaction=charge.name if self.names else str(charge.number),
            at=charge.ended, meter_wh=charge.stop_wh, reason="Local",
        )  # fmt: skip
        self.booking.finish(said, self.now, SURE)
        charge.told_end = True

    # -- what must be true ---------------------------------------------------------------------

    @invariant()
    def each_is_booked_once_and_right(self) -> None:
        rows = {entry.number: entry for entry in self.ledger.history()}
        told = [one for one in self.charges if one.told_start]
        assert sorted(rows) == sorted(one.number for one in told)
        for one in told:
            row = rows[one.number]
            assert (row.connector, row.tag, row.started_at, row.start_wh) == (
                one.place, one.tag, one.began, one.start_wh,
            )  # fmt: skip
            if one.told_end:
                assert (row.ended_at, row.stop_wh, row.reason) == (one.ended, one.stop_wh, "Local")

    @invariant()
    def what_runs_is_what_we_believe_to_run(self) -> None:
        for place in PLACES:
            charge, believed = self.live(place), self.connectors[place].transaction
            if charge is not None and charge.told_start:
                assert believed is not None
                assert believed.number == charge.number
            elif believed is not None:
                [true] = [one for one in self.charges if one.number == believed.number]
                assert not true.told_end, "it has ended, and we were told so"


class BookOfNames(Book):
    names = True


limits = settings(max_examples=60, stateful_step_count=40, deadline=None)
BookOfNumbersTest = Book.TestCase
BookOfNumbersTest.settings = limits
BookOfNamesTest = BookOfNames.TestCase
BookOfNamesTest.settings = limits
