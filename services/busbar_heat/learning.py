"""What the power and the temperature of one heater teach: what it draws when it runs, and how it warms and cools."""

from busbar_heat import power, thermal
from busbar_heat.memory import HeatLore
from busbar_heat.setup import Setup


class Learning:
    """Follows one heater from value to value and writes what it learns into its lore. Times in monotonic seconds."""

    def __init__(self, setup: Setup, lore: HeatLore) -> None:
        """The lore outlives the process; the stretch and the run under way do not."""
        self._setup, self._lore = setup, lore
        self.drew_since_s: float | None = None
        """Since when it draws; None while it does not."""
        self._stretch: thermal.Stretch | None = None
        self._fitted: tuple[object, object, thermal.Model] | None = None

    def model(self) -> thermal.Model:
        """The thermal model as far as it is known; fitted anew only when something was added to the log."""
        log, given = self._lore.log, self._setup
        if (
            self._fitted is None
            or self._fitted[0] is not log.losses_per_h
            or self._fitted[1] is not log.rises
        ):
            made = thermal.fitted(log, given.capacity_wh_per_k, given.loss_w_per_k, given.time_constant_s)
            self._fitted = (log.losses_per_h, log.rises, made)
        return self._fitted[2]

    def planned_w(self, seen_w: float | None) -> float:
        """The power to plan with, in W: the rating, or what it was seen to draw."""
        return power.planned_w(self._lore.drawn, self._setup.rating_w, seen_w)

    def saw_power(self, drawing: bool, seen_w: float | None, now_s: float) -> None:
        """It draws or it does not, and so much where that is measured."""
        if drawing and self.drew_since_s is None:
            self.drew_since_s = now_s
        elif not drawing and self.drew_since_s is not None:
            self.drew_since_s = None
            power.ran(self._lore.drawn)
        if seen_w is not None:
            since = self.drew_since_s
            power.sampled(self._lore.drawn, seen_w, None if since is None else now_s - since)

    def saw_warmth(
        self, celsius: float | None, watts: float, drawing: bool, around_c: float, now_s: float
    ) -> None:
        """It is so warm at this power; a temperature that cannot be believed ends the stretch."""
        self._stretch = (
            None
            if celsius is None
            else thermal.observed(self._lore.log, self._stretch, now_s, celsius, watts, drawing, around_c)
        )
