"""In which terms one charge point is told its limits now: how much may be granted, and by whose clock, legs and steps."""

from collections.abc import Callable
from datetime import timedelta

from busbar_ocpp.bearing import Bounds
from busbar_ocpp.connector import Connector
from busbar_ocpp.draw import believed_volts
from busbar_ocpp.drift import Drift, charger_time, unsure_s
from busbar_ocpp.profile import FINEST, START_EARLY_S, Moment, Scale, Standing
from busbar_ocpp.speech import Speech
from busbar_shared.clock import Clock


class Terms:
    """What is known of one charge point that decides how a limit is told to it. Sends nothing."""

    def __init__(
        self,
        *,
        clock: Clock,
        speech: Speech,
        validity_s: float,
        hold_pause_s: float,
        lease_s: float,
        nominal_v: float,
        first_look_s: float,
    ) -> None:
        self._clock, self._speech = clock, speech
        self._validity_s, self._hold_pause_s, self._lease_s = validity_s, hold_pause_s, lease_s
        self._nominal_v, self._first_look_s = nominal_v, first_look_s
        self.step_a = FINEST
        self.start_early_s: int | None = None  # where the clock is known to drift; None: as usual
        self.drift = Drift()
        self.cap_a: Callable[[Connector], float] | None = None
        """What somebody else allows at most: the charger's own back office."""
        self.switches_phases = False
        """Whether it can change between three phases and one, and may."""
        self.unanswered: set[int] = set()
        """Connectors whose charger waits for the number of its transaction: a profile of it would be refused."""

    def bounds(self, connector: Connector) -> Bounds:
        """What a connector falls back to."""
        return Bounds(
            fallback_a=connector.wiring.fallback_a,
            least_a=connector.wiring.min_a,
            hold_pause_s=self._hold_pause_s,
            lease_s=self._lease_s,
        )

    @property
    def smallest_step_a(self) -> float:
        """The resolution of its limits, as its make is known for or as it was seen."""
        return max(self.step_a, 1.0) if self._speech.whole else self.step_a

    def scale(self, connector: Connector) -> Scale:
        """Legs the car has shown (else the cable's), and the lower of measured and nominal voltage."""
        cable = len(connector.wiring.legs)
        held = connector.holds(self.bounds(connector), self._clock.monotonic())
        asked = held.phases if held is not None and self.switches_phases else None
        return Scale(
            legs=min(asked or connector.draw.legs_in_use or cable, cable) or cable,
            volts=believed_volts(connector.draw, self._nominal_v),
            step_a=max(self.smallest_step_a, connector.wiring.step_a),
            step_w=1.0 if self._speech.whole else FINEST,
            least_a=connector.wiring.min_a,
        )

    def grantable_a(self, connector: Connector, limit_a: float) -> float:
        """What may be granted of a limit now.

        A lease needs the charger's clock, and a charger that is known to take one: until then only what could stand
        for ever. A car that draws more than its charger was told is raised no further; one that is new waits for its
        first sample.
        """
        if connector.obedience.held_a is not None:
            limit_a = min(limit_a, connector.obedience.held_a)
        elif not connector.shown(self._first_look_s, self._clock.monotonic()):
            limit_a = min(limit_a, max(connector.wiring.fallback_a, connector.told_a or 0.0))
        certain = self.drift.ahead_s is not None and self._speech.met
        return limit_a if certain else min(limit_a, connector.wiring.fallback_a)

    def standing(self, connector: Connector, limit_a: float, phases: int | None) -> Standing:
        """What shall hold at a connector under this limit."""
        cap_a = self.cap_a(connector) if self.cap_a is not None else limit_a
        return Standing(
            grant_a=min(limit_a, cap_a),
            fallback_a=min(connector.wiring.fallback_a, cap_a) if self.cap_a else connector.wiring.fallback_a,
            validity_s=int(self._validity_s),
            hold_pause_s=int(self._hold_pause_s),
            least_a=connector.wiring.min_a,
            most_a=connector.wiring.max_a,
            phases=phases if self.switches_phases else None,
        )

    def moment(self, connector: Connector) -> Moment:
        """The time by the charger's clock, and how long the transaction at a connector has run."""
        now = self._clock.now()
        entry = connector.transaction
        early_s = max((self.start_early_s or 0) - START_EARLY_S, 0)
        return Moment(
            charger_time=charger_time(self.drift, now) - timedelta(seconds=early_s),
            unsure_s=unsure_s(self.drift),
            transaction=None if connector.number in self.unanswered else connector.transaction_id,
            elapsed_s=(now - entry.started_at).total_seconds() if entry else None,
        )
