"""The site as the controller sees it at one moment: devices, wishes and what is known of each."""

from __future__ import annotations

from math import inf

from msgspec import Struct

from busbar_battery.latch import Band
from busbar_battery.samples import Trace

# Less than this is no disagreement between what was ordered and what is measured.
SLACK_W = 100.0


class BatteryNow(Struct, frozen=True, kw_only=True):
    """A battery that is ours to steer. Limits are the smallest of configuration, settings and device; W."""

    id: str
    power: Trace
    soc: float | None
    band: Band
    hysteresis: float = 5.0
    charge_max: float | None = None
    discharge_max: float | None = None
    wire_charge: float | None = None
    wire_discharge: float | None = None
    capacity_wh: float | None = None
    # The hybrid inverter at whose DC side it hangs; None for a battery with an inverter of its own.
    inverter: str | None = None
    # It answers to a window with a loop of its own, faster than ours. Otherwise every order is exact.
    follows_grid: bool = True
    # Its owner lets it take energy from the grid.
    from_grid: bool = True
    period_s: float = 1.0


class InverterNow(Struct, frozen=True, kw_only=True):
    """An inverter with its output at the AC terminals (+ generation)."""

    id: str
    power: Trace
    rating: float | None = None
    writable: bool = True
    period_s: float = 1.0


class Wishes(Struct, frozen=True, kw_only=True):
    """What owner, operator and market ask of the whole site, merged; None is no limit and no wish."""

    export_limit: float | None = None
    import_limit: float | None = None
    gen_limit: float | None = None
    # Law or contract demands a limit on generation or export: it stands when we die.
    mandatory: bool = False
    priority: str = "battery_first"
    grid_charging: bool = False
    grid_charging_max: float | None = None
    import_target: float | None = None
    export_target: float | None = None
    permissive_soc: bool = False
    # Who set each limit, for the reason.
    sources: dict[str, str] = {}


class SiteNow(Struct, frozen=True, kw_only=True):
    """Everything one step is made of. `now` and all times are seconds of one monotonic clock."""

    now: float
    grid: Trace
    grid_period_s: float = 1.0
    batteries: tuple[BatteryNow, ...] = ()
    # Not ours at the moment: in local control, in calibration, or not writable. Released, and part of the house.
    others: tuple[str, ...] = ()
    inverters: tuple[InverterNow, ...] = ()
    wishes: Wishes = Wishes()
    # The allocator is configured and silent.
    wire_stale: bool = False
    # What cars draw that are to get no battery energy, W; None: the battery may feed them.
    spared_w: float | None = None


class Window(Struct, frozen=True):
    """What a battery is told: its power stays between these (W, + charge); equal ends are exact."""

    min_w: float | None
    max_w: float | None
    grid_charging: bool = False


RELEASE = Window(None, None)


class Tuning(Struct, frozen=True, kw_only=True):
    """How briskly the controller acts."""

    deadband_w: float = 50.0
    ramp_w_per_s: float = 1000.0
    dwell_s: float = 5.0
    # 10 %/s upwards left the trackers of a GEN24 off their point for half an hour, 5 %/s did not.
    cap_rise_percent_per_s: float = 5.0
    # How long battery, cap and their readings may take together to show what a try for more sun brought.
    answer_s: float = 8.0
    # How long nothing is tried after the house broke the limit.
    settle_s: float = 5.0
    not_following_s: float = 20.0
    # After a step upwards broke the export limit or was not taken up, no other for so long.
    probe_pause_s: float = 15.0


def age_limit_s(*periods_s: float) -> float:
    """How old a reading may be: three of its periods, at least 5 s."""
    return max(5.0, 3 * max(periods_s, default=0.0))


def or_inf(limit: float | None) -> float:
    """A limit as a number that compares."""
    return inf if limit is None else limit


def smallest(*limits: float | None) -> float | None:
    """The most restrictive limit; None when there is none."""
    real = [limit for limit in limits if limit is not None]
    return min(real) if real else None
