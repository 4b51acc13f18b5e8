"""Whether the grid meter seems to count the wrong way round. Pure; it warns and never turns a sign.

More sun means less import. When the inverter's power steps and the meter's power steps the same way
by about as much, again and again, the meter counts export as positive and its sign is not set.
"""

from msgspec import Struct

# Smaller steps drown in the household; slower ones are not steps.
STEP_W = 400.0
SHARE = 0.5
WITHIN_S = 5.0
EVIDENCE = 5


class SignWatch(Struct):
    """The evidence so far."""

    inverter_w: float | None = None
    grid_w: float | None = None
    at_s: float = 0.0
    seen_grid_w: float | None = None
    right: int = 0
    wrong: int = 0
    told: bool = False

    def grid(self, power_w: float | None) -> None:
        """The meter's latest power, import positive as far as we know."""
        self.seen_grid_w = power_w

    def inverter(self, power_w: float | None, now_s: float) -> str:
        """The inverter's latest power; a warning when the evidence is enough, once."""
        grid = self.seen_grid_w
        if power_w is None or grid is None:
            return ""
        before, grid_before, at_s = self.inverter_w, self.grid_w, self.at_s
        self.inverter_w, self.grid_w, self.at_s = power_w, grid, now_s
        if before is None or grid_before is None or now_s - at_s > WITHIN_S:
            return ""
        step, answer = power_w - before, grid - grid_before
        if abs(step) < STEP_W or abs(answer) < SHARE * abs(step):
            return ""
        if step * answer < 0:
            self.right += 1
        else:
            self.wrong += 1
        if self.told or self.wrong < EVIDENCE or self.wrong < 4 * self.right:
            return ""
        self.told = True
        return (
            f"in {self.wrong} of {self.wrong + self.right} steps of the inverter the meter moved the same way: "
            "it seems to count export as positive; check with a kettle and set sign"
        )
