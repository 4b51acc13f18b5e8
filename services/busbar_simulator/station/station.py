"""A charge point's firmware: what it does with time, cables and cards, and what the central system asks of it."""

import random
from datetime import datetime

from busbar_simulator.plant.phases import Phases
from busbar_simulator.plant.socket import Socket

from .clock import StationClock
from .composite import Reader
from .connector import Connector
from .faults import Fault
from .meter import Meter
from .notices import (
    Beat,
    Booted,
    Ended,
    Notice,
    Sampled,
    Started,
    StateChanged,
    StatusChanged,
    TagAccepted,
    TagShown,
    Transaction,
)
from .profiles import Profile, Profiles, Purpose, Rejected
from .spec import StationSpec

START_WITHIN_S = 60.0


class Station:
    """Pure firmware on the plant's sockets. `step` lives on; what it says comes back as notices."""

    def __init__(self, spec: StationSpec, sockets: dict[int, Socket]) -> None:
        self.spec = spec
        dice = random.Random(f"{spec.seed}/{spec.id}")
        drift = 600.0 if Fault.DRIFTING_CLOCK in spec.faults else spec.drift_s_per_h
        self.clock = StationClock(spec.clock_offset_s, drift, obeys=spec.obeys_clock)
        self.profiles = Profiles(spec.shelf, spec.faults)
        self.connectors = {number: Connector(number=number, socket=s) for number, s in sockets.items()}
        self.meter = Meter(spec.faults)
        self.beat_s = 300.0
        self.online = False
        self.now_s = 0.0
        self.utc: datetime | None = None
        self.volts: Phases = (230.0, 230.0, 230.0)
        self._phase_s = {number: dice.random() for number in self.connectors}
        self._off_until_s: float | None = None
        self._next_beat_s = self.beat_s
        self._after_reboot = "PowerUp"
        self._said: list[Notice] = []
        self._rebooted = False

    @property
    def off(self) -> bool:
        """Whether it is rebooting: no link, no current."""
        return self._off_until_s is not None

    def time(self) -> datetime:
        """What its own clock shows."""
        assert self.utc is not None, "a charge point knows no time before its first step"
        return self.clock.read(self.utc)

    def step(self, dt_s: float, utc: datetime, volts: Phases) -> list[Notice]:
        """Live for `dt_s`; what it has to tell."""
        self.now_s += dt_s
        self.utc, self.volts = utc, volts
        self.clock.tick(dt_s)
        if self._off_until_s is not None:
            self._sleep_or_wake()
        else:
            for connector in self.connectors.values():
                self._live(connector, dt_s)
            self._beat()
        said, self._said = self._said, []
        return said

    def say(self, notice: Notice) -> None:
        """Tell it with the next step."""
        self._said.append(notice)

    # What the central system asks for.

    def install(self, profile: Profile) -> None:
        """Take a charging profile, or Rejected."""
        if profile.connector and profile.connector not in self.connectors:
            raise Rejected("Rejected", f"no connector {profile.connector}")
        if profile.purpose is Purpose.TX:
            transaction = self.connectors[profile.connector].transaction if profile.connector else None
            if transaction is None or profile.transaction not in (None, transaction.key):
                raise Rejected("Rejected", "no such transaction")
        self.profiles.install(profile)

    def allowed_a(self, connector: Connector) -> tuple[float, int | None]:
        """What the profiles allow this connector now, and on how many phases."""
        allowed = self.reader(connector).allowed(
            self.profiles.installed, connector.number, connector.session, self.time()
        )
        most = connector.socket.spec.max_a
        amps = most if allowed.amps is None else min(allowed.amps, most)
        if Fault.DISOBEYS in self.spec.faults:
            amps = most
        if Fault.ZERO_DOES_NOT_STOP in self.spec.faults:
            amps = max(amps, 6.0)
        return max(amps, 0.0), allowed.phases

    def reader(self, connector: Connector) -> Reader:
        """How it reads profiles for this connector, given what its car was seen to use."""
        legs = sum(1 for amps in connector.socket.legs_a if amps > 0.5)
        busy = sum(1 for other in self.connectors.values() if other.transaction is not None)
        return Reader(
            faults=self.spec.faults, legs=legs or len(connector.socket.spec.legs), connectors=max(busy, 1)
        )

    def start(self, number: int, tag: str, remote_start: int | None = None) -> bool:
        """Start from afar: at once with a cable, else within a minute of plugging in."""
        connector = self.connectors.get(number)
        if connector is None or connector.authorised or connector.faulted or not connector.available:
            return False
        if connector.transaction is not None:
            self._accept(connector, tag, remote_start)
        elif connector.socket.occupied:
            self._begin(connector, tag, remote_start)
        else:
            connector.awaiting = (tag, remote_start, self.now_s + START_WITHIN_S)
        return True

    def card_answered(self, number: int) -> None:
        """The central system has judged the card, one way or the other."""
        self.connectors[number].tag_answered = True

    def authorised(self, number: int, tag: str) -> None:
        """The card was accepted."""
        connector = self.connectors[number]
        if connector.transaction is not None and not connector.authorised:
            self._accept(connector, tag, None)
        elif connector.transaction is None and connector.socket.occupied:
            self._begin(connector, tag, None)

    def refuse(self, transaction: Transaction) -> None:
        """The central system does not accept the tag of a running transaction."""
        connector = self.connectors[transaction.connector]
        if connector.transaction is transaction:
            self._end(connector, "DeAuthorized")

    def stop(self, connector: Connector, reason: str) -> None:
        """End its transaction, if it has one."""
        if connector.transaction is not None:
            self._end(connector, reason)

    def reboot(self, reason: str) -> None:
        """Go down: transactions end with this reason, profiles stay as the model keeps them."""
        for connector in self.connectors.values():
            if connector.transaction is not None:
                self._end(connector, reason)
            connector.go_dark()
        self.profiles.reboot()
        self.online = False
        self._off_until_s, self._after_reboot = self.now_s + self.spec.reboot_s, reason

    def sample(self, connector: Connector, context: str) -> Sampled:
        """Meter values of this moment."""
        return Sampled(
            connector=connector.number,
            transaction=connector.transaction,
            values=self.meter.read(connector, self.volts),
            at=self.time(),
            context=context,
            offline=not self.online,
        )

    def status(self, connector: Connector) -> StatusChanged:
        """Its status, to be said again."""
        return StatusChanged(connector=connector.number, status=connector.status, at=self.time())

    # Its own life.

    def _live(self, connector: Connector, dt_s: float) -> None:
        self._cable(connector, dt_s)
        if connector.transaction is not None:
            amps, phases = self.allowed_a(connector)
            connector.offer(self.now_s, amps, phases, self.spec.answer_s)
            self._sample(connector)
        connector.apply(self.now_s, self.spec.phase_switching)
        status = connector.should_be()
        if status is not connector.status:
            connector.status = status
            self.say(self.status(connector))
            if connector.transaction is not None:
                self.say(
                    StateChanged(
                        transaction=connector.transaction,
                        status=status,
                        at=self.time(),
                        offline=not self.online,
                    )
                )

    def _cable(self, connector: Connector, dt_s: float) -> None:
        if not connector.socket.occupied:
            if connector.transaction is not None:
                self._end(connector, "EVDisconnected")
            connector.unplugged(self.now_s)
            return
        connector.plugged_for_s += dt_s
        if connector.authorised:
            return
        if connector.awaiting is not None:
            tag, remote_start, _ = connector.awaiting
            self._begin(connector, tag, remote_start)
        elif self.spec.starts_with_cable and connector.transaction is None and not connector.finished:
            self._begin(connector, "", None, authorised=False)
        elif self.spec.tag is not None and connector.card_due(self.now_s, self.spec.tag_after_s):
            connector.card_shown(self.now_s)
            if self.online:
                self.say(TagShown(connector=connector.number, tag=self.spec.tag))
            elif self.spec.starts_offline:
                self.authorised(connector.number, self.spec.tag)

    def _accept(self, connector: Connector, tag: str, remote_start: int | None) -> None:
        assert connector.transaction is not None
        connector.authorised, connector.transaction.tag = True, tag
        connector.transaction.remote_start = remote_start
        self.say(TagAccepted(transaction=connector.transaction, at=self.time(), offline=not self.online))

    def _begin(
        self, connector: Connector, tag: str, remote_start: int | None, *, authorised: bool = True
    ) -> None:
        transaction = connector.begin(tag, self.time(), remote_start, authorised=authorised)
        connector.next_sample_s = self.now_s + self.meter.sample_s * self._phase_s[connector.number]
        self.say(
            Started(
                transaction=transaction,
                values=self.meter.read(connector, self.volts),
                at=self.time(),
                offline=not self.online,
            )
        )

    def _end(self, connector: Connector, reason: str) -> None:
        values = self.meter.read(connector, self.volts)
        self.say(
            Ended(
                transaction=connector.end(), values=values, meter_stop_wh=round(connector.socket.energy_wh),
                reason=reason, at=self.time(), offline=not self.online,
            )
        )  # fmt: skip
        self.profiles.end_transaction(connector.number)

    def _sample(self, connector: Connector) -> None:
        if self.meter.sample_s <= 0 or self.now_s < connector.next_sample_s:
            return
        connector.next_sample_s = max(connector.next_sample_s + self.meter.sample_s, self.now_s)
        self.say(self.sample(connector, "Sample.Periodic"))
        if Fault.REBOOTS_IN_TRANSACTION in self.spec.faults and not self._rebooted:
            self._rebooted = True
            self.reboot("PowerLoss")

    def _beat(self) -> None:
        if self.beat_s > 0 and self.now_s >= self._next_beat_s:
            self._next_beat_s = self.now_s + self.beat_s
            self.say(Beat())

    def _sleep_or_wake(self) -> None:
        assert self._off_until_s is not None
        if self.now_s < self._off_until_s:
            return
        self._off_until_s = None
        for connector in self.connectors.values():
            connector.wake()
        self.say(Booted(reason=self._after_reboot, at=self.time()))
