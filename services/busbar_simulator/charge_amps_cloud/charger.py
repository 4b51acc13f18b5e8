"""A simulated charger in the cloud's view: what it was told, which car is plugged in, what it draws.

Every behaviour is marked `verified` (seen in working clients or the vendor's documents) or `assumed`.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

WEEK_S = 604_800
LEAST_A = 6.0
VOLTS = 230.0


@dataclass
class Connector:
    """One connector and the car on it."""

    charge_point: str
    number: int
    mode: str = "On"
    user_current: float = 16.0
    schedule: dict[str, Any] | None = None
    written_at: datetime | None = None
    plugged: bool = False
    car_amps: float = 16.0
    car_phases: int = 3
    full: bool = False
    stopped: bool = False
    """A remote stop holds until the car is unplugged or a remote start. assumed."""
    measured_a: float | None = None
    """What its own meter shows of the car; None where there is no car in a plant, and it takes what it is offered."""
    faulted: bool = False
    energy_wh: float = 0.0
    counted_to: datetime | None = None
    session_began: datetime | None = None
    writes: list[str] = field(default_factory=list)

    def plug(self, amps: float = 16.0, phases: int = 3) -> None:
        """A car that wants to charge is plugged in."""
        self.plugged, self.car_amps, self.car_phases = True, amps, phases
        self.full, self.stopped, self.energy_wh = False, False, 0.0

    def unplug(self) -> None:
        """The car drives away."""
        self.plugged, self.stopped, self.session_began = False, False, None

    def offered_a(self, now: datetime) -> float:
        """What the charger offers the car, in amperes per phase."""
        if self.faulted or self.stopped:
            return 0.0
        mode = self.mode.lower()
        if mode == "off":
            return 0.0
        # verified: 0 A user current pauses (hass-chargeamps issue 43).
        if mode == "on":
            return self.user_current
        return min(self._scheduled_a(now), self.user_current)

    def _scheduled_a(self, now: datetime) -> float:
        schedule = self.schedule
        if schedule is None or not schedule.get("isActive", True):
            # assumed: mode Schedule without a schedule charges nothing.
            return 0.0
        start = datetime.fromisoformat(schedule["startOfSchedule"].replace("Z", "+00:00"))
        # assumed: the week repeats (the charger holds it as an OCPP 1.6 recurring profile).
        second = (now - start).total_seconds() % WEEK_S
        for period in schedule.get("schedulePeriods") or []:
            if period["from"] <= second < period["to"]:
                return float(period["maxCurrent"])
        return float(schedule.get("defaultCurrent") or 0.0)

    def draws_a(self, now: datetime) -> float:
        """What the car draws, in amperes per phase; less than 6 A is a pause (IEC 61851)."""
        offered = self.offered_a(now)
        if not self.plugged or self.full:
            return 0.0
        if self.measured_a is not None:
            return self.measured_a
        return min(offered, self.car_amps) if offered >= LEAST_A else 0.0

    def power_w(self, now: datetime) -> float:
        """What it draws, in watts."""
        return self.draws_a(now) * VOLTS * self.car_phases

    def count(self, now: datetime) -> None:
        """Add the energy since the last call, at what is drawn now."""
        if self.counted_to is not None and now > self.counted_to:
            hours = (now - self.counted_to) / timedelta(hours=1)
            self.energy_wh += self.power_w(self.counted_to) * hours
        self.counted_to = now

    def synced(self, now: datetime, after_s: float) -> bool:
        """assumed: the charger has taken the schedule some seconds after it was written."""
        return self.written_at is not None and (now - self.written_at).total_seconds() >= after_s

    def ocpp_status(self, now: datetime) -> str:
        """The connector's status in OCPP words; verified list, assumed transitions."""
        if self.faulted:
            return "Faulted"
        if not self.plugged:
            return "Unavailable" if self.mode.lower() == "off" else "Available"
        if self.draws_a(now) > 0:
            return "Charging"
        if self.full:
            return "SuspendedEV"
        return "SuspendedEVSE" if self.session_began else "Preparing"

    def capi_status(self, now: datetime) -> str:
        """The same in the words of a charger without OCPP; verified list."""
        if self.faulted:
            return "Error"
        if not self.plugged:
            return "Available"
        return "Charging" if self.draws_a(now) > 0 else "Connected"

    def wrote(self, what: str) -> None:
        """Keep what was written, for whoever checks how often the cloud was bothered."""
        self.writes.append(what)


def utc(now: datetime) -> str:
    """An instant as this cloud writes it."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
