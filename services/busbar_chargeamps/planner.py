"""The price planner of standalone mode: remembers the last good prices and plans today and tomorrow.

In hems mode it is not made at all, so it cannot write.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from busbar_chargeamps import instants
from busbar_chargeamps.plan import Plan, plan
from busbar_chargeamps.price_topic import Prices, read
from busbar_chargeamps.slots import Slots
from busbar_shared.config.services import ChargeAmpsSection


class Planner:
    """The plan for the prices heard last; a message without usable prices changes nothing."""

    def __init__(self, section: ChargeAmpsSection, zone: ZoneInfo) -> None:
        self._section, self._zone = section, zone
        self._prices = Prices(Slots())
        self._planned_for: date | None = None
        self.plan = Plan("waiting_for_prices" if section.automation_enabled else "disabled")

    @property
    def currency(self) -> str | None:
        """The currency of the prices, where the source names it."""
        return self._prices.currency

    @property
    def dropped(self) -> int:
        """How many entries of the prices heard last had no usable price or time."""
        return self._prices.found.dropped

    def hear(self, payload: bytes, now: datetime) -> bool:
        """Take new prices; True when the plan was made anew.  Raises `NoPrices`."""
        heard, before = read(payload), self._prices
        self._prices = heard
        if heard.found.slots == before.found.slots:
            return False
        self._make(now)
        return True

    def at(self, now: datetime) -> bool:
        """Plan again when a new local day has begun; True when it did.  What is over drops out each time."""
        if self._planned_for == instants.local_date(now, self._zone):
            return False
        self._make(now)
        return True

    def again(self, now: datetime) -> None:
        """Plan on the prices heard last, because the owner asks for it."""
        self._make(now)

    def state(self, now: datetime) -> str:
        """The state of the plan at `now`: a plan whose windows have all passed is idle."""
        if self.plan.state == "scheduled" and all(window.end <= now for window in self.plan.windows):
            return "idle"
        return self.plan.state

    def _make(self, now: datetime) -> None:
        self._planned_for = instants.local_date(now, self._zone)
        if self._section.automation_enabled:
            section = self._section
            self.plan = plan(
                self._prices.found.slots, now, self._zone, section.top_x_charge_count, section.price_threshold
            )
