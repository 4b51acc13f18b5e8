"""What a load draws, whether it has had enough, and whether it would run if it might."""

from busbar_contracts.load import LoadMode
from busbar_plugs import learn, watch
from busbar_plugs.setup import Setup
from busbar_shared.moment import Moment


class Appetite:
    """One load, followed from sample to sample; what was learned of it outlives the process."""

    def __init__(self, setup: Setup, learned: learn.Learned | None) -> None:
        """With what was learned of it before the last stop, if anything."""
        self._setup = setup
        self.learned = learned if learned is not None else learn.Learned()
        self.rests = False
        """While last seen on it drew no more than its standby since the settle time."""
        self._watch = watch.Watch()
        self._done_since_s: float | None = None

    def switched(self, on: bool, now: Moment) -> None:
        """Its relay was said to stand so."""
        self._watch, self.learned = watch.after_switch(self._watch, self.learned, on, now.s, now.calendar_s)

    def drew(self, power_w: float, relay_on: bool | None, now: Moment) -> None:
        """It was measured to draw so much; where its relay stands may be unknown."""
        on = relay_on if relay_on is not None else power_w > learn.LEAST_DRAW_W
        self._watch, self.learned = watch.after_sample(
            self._watch, self.learned, power_w, on, now.s, now.calendar_s
        )

    def pass_time(self, relay_on: bool | None, now: Moment) -> None:
        """Count a cycle that is over, and remember since when the load is done.

        A load that is switched on again gets a fresh chance.
        """
        self._watch, self.learned = watch.settled(self._watch, self.learned, now.s, self._setup.settle_s)
        if not relay_on:
            # An off plug keeps what it was: done stays done until the next try, not done stays hungry.
            return
        self.rests = watch.is_idle(self._watch, now.s, self._setup.settle_s)
        if not (self.rests and watch.is_idle(self._watch, now.s, self._setup.done_after_s)):
            self._done_since_s = None
        elif self._done_since_s is None:
            self._done_since_s = now.s

    def wants_power(self, mode: LoadMode | None, relay_on: bool | None, now: Moment) -> bool:
        """It would run if it might: off is not absent, and only being done ends the wish of a follower."""
        if mode is LoadMode.OFF:
            return False
        if mode in (None, LoadMode.CONTINUOUS, LoadMode.STANDARD) or self._done_since_s is None:
            return True
        return not relay_on and now.s - self._done_since_s >= self._setup.retry_s

    def figures(self, now: Moment) -> learn.Figures:
        """The load in numbers."""
        return learn.figures(self.learned, now.calendar_s)

    def planned_w(self, now: Moment) -> float:
        """The power to plan with, in W."""
        return learn.planned_w(self.figures(now), self._setup.rating_w, watch.held_w(self._watch, now.s))
