"""The orders in force for each inverter and battery, and what they come to."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from busbar_contracts.battery import BatterySetpoint
from busbar_contracts.meter import InverterLimit
from busbar_meter.inverter_limit import Limit
from busbar_meter.storage_window import Window
from busbar_shared.leases import LeaseBook, Refusal


class LimitKept(Struct):
    """What must outlive a crash: an inverter we may have limited, the orders, and until when they hold."""

    touched: bool = False
    orders: list[tuple[InverterLimit, datetime]] = []
    mandatory_w: float | None = None
    originals: dict[str, float] = {}


class WindowKept(Struct):
    """The same of a battery, with what its grid permission was before we came."""

    touched: bool = False
    orders: list[tuple[BatterySetpoint, datetime]] = []
    original_grid: int | None = None
    originals: dict[str, int] = {}


class Kept(Struct):
    """The state file of the meter service."""

    limits: dict[str, LimitKept] = {}
    windows: dict[str, WindowKept] = {}


def limit_lowers(order: InverterLimit, held: InverterLimit | None) -> bool:
    """A limit where there was none, or a smaller one, only makes things safer."""
    return held is None or order.limit_w <= held.limit_w


def window_lowers(order: BatterySetpoint, held: BatterySetpoint | None) -> bool:
    """Only giving the battery back to itself is always safe."""
    return order.min_w is None and order.max_w is None


class LimitOrders:
    """The limits of one inverter. The smallest in force wins.

    A mandatory limit does not end with its lease: it falls to `fallback_w`, or stands as it was,
    until a mandatory order at or above the rating lifts it.
    """

    def __init__(self, fallback_w: float | None) -> None:
        self.fallback_w = fallback_w
        self.mandatory_w: float | None = None
        self._book: LeaseBook[InverterLimit] = LeaseBook(limit_lowers)

    def offer(
        self, order: InverterLimit, now: datetime, monotonic: float, *, retained: bool
    ) -> Refusal | None:
        """Take an order, or say why not."""
        return self._book.offer(order, now=now, monotonic=monotonic, retained=retained)

    def wanted(self, monotonic: float, rating_w: float | None = None) -> Limit | None:
        """The limit to keep now, or None to release the inverter."""
        limits = [
            Limit(watts=order.limit_w, mandatory=order.mandatory, issuer=order.issuer, reason=order.reason)
            for order in self._book.in_force(monotonic)
        ]
        mandatory = [limit.watts for limit in limits if limit.mandatory]
        if mandatory:
            self.mandatory_w = min(mandatory)
            if rating_w is not None and self.mandatory_w >= rating_w:
                self.mandatory_w = None
        elif (left := self.left_behind()) is not None:
            limits.append(left)
        least = min(limits, key=lambda limit: (limit.watts, not limit.mandatory), default=None)
        if least is None or not any(limit.mandatory for limit in limits):
            return least
        # A smaller economic limit must not bring a timer that ends in no limit at all while a mandatory one holds.
        return replace(least, mandatory=True)

    def left_behind(self) -> Limit | None:
        """What stays in the inverter when the service ends: a mandatory limit, nothing else."""
        if self.mandatory_w is None:
            return None
        watts = self.mandatory_w if self.fallback_w is None else self.fallback_w
        return Limit(
            watts=watts, mandatory=True, issuer="fallback", reason="a mandatory limit outlives its orders"
        )

    def kept(
        self, now: datetime, monotonic: float, *, touched: bool, originals: dict[str, float]
    ) -> LimitKept:
        """What to write down."""
        return LimitKept(touched, _until(self._book, now, monotonic), self.mandatory_w, originals)

    def restore(self, kept: LimitKept, now: datetime, monotonic: float) -> None:
        """After a restart: the orders with what is left of their leases."""
        self.mandatory_w = kept.mandatory_w
        _restore(self._book, kept.orders, now, monotonic)


class WindowOrders:
    """The set-points of one battery; only the configured issuer's count."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._book: LeaseBook[BatterySetpoint] = LeaseBook(window_lowers)

    def offer(
        self, order: BatterySetpoint, now: datetime, monotonic: float, *, retained: bool
    ) -> Refusal | None:
        """Take an order, or say why not."""
        if order.issuer != self.issuer:
            text = f"set-points of this battery come from {self.issuer!r}, not from {order.issuer!r}"
            return Refusal("wrong_issuer", "issuer", text)
        if order.min_w is not None and order.max_w is not None and order.min_w > order.max_w:
            text = f"min_w {order.min_w:g} is above max_w {order.max_w:g}"
            return Refusal("empty_window", "min_w", text)
        return self._book.offer(order, now=now, monotonic=monotonic, retained=retained)

    def wanted(self, monotonic: float) -> Window | None:
        """The window to keep now, or None to release the battery."""
        for order in self._book.in_force(monotonic):
            return Window(
                min_w=order.min_w,
                max_w=order.max_w,
                grid_charging=order.grid_charging,
                issuer=order.issuer,
                reason=order.reason,
            )
        return None

    def kept(
        self,
        now: datetime,
        monotonic: float,
        *,
        touched: bool,
        original_grid: int | None,
        originals: dict[str, int],
    ) -> WindowKept:
        """What to write down."""
        return WindowKept(touched, _until(self._book, now, monotonic), original_grid, dict(originals))

    def restore(self, kept: WindowKept, now: datetime, monotonic: float) -> None:
        """After a restart: the orders with what is left of their leases."""
        _restore(self._book, kept.orders, now, monotonic)


def _until(book: LeaseBook[Any], now: datetime, monotonic: float) -> list[tuple[Any, datetime]]:
    return [(held.order, now + timedelta(seconds=held.until_s - monotonic)) for held in book.held(monotonic)]


def _restore(
    book: LeaseBook[Any], orders: list[tuple[Any, datetime]], now: datetime, monotonic: float
) -> None:
    for order, until in orders:
        # A clock that jumped while we were away must not lengthen a lease.
        left = min((until - now).total_seconds(), order.lease_s)
        if left > 0:
            book.restore(order, monotonic + left)
