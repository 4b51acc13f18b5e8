"""From an outcome to letters: orders as leases, the decision, the settings, each when it is due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite

from msgspec import Struct
from msgspec.structs import replace

from busbar_battery.config import Plan
from busbar_battery.control import Outcome
from busbar_battery.sending import Sent, due
from busbar_battery.site import RELEASE, Window, Wishes
from busbar_contracts.battery import BatteryDecision, BatterySetpoint, BatterySettings, BatteryShare
from busbar_contracts.meter import InverterLimit
from busbar_shared.leases import OrderStamp

DECISION_EACH_S = 10.0
ISSUER = "battery"


class Letter(Struct, frozen=True):
    """One message with the parameters of its topic."""

    message: Struct
    ids: dict[str, str]


class Said(Struct, frozen=True):
    """What is to be said now, in order."""

    letters: tuple[Letter, ...]


class Post:
    """Remembers what was said to whom, so that only what is due goes out."""

    def __init__(self, plan: Plan, instance: str, standing: tuple[str, ...]) -> None:
        self._plan = plan
        self._stamp = OrderStamp(ISSUER, instance)
        self._batteries: dict[str, Sent] = {}
        self._inverters: dict[str, Sent] = {}
        self._settings: dict[str, BatterySettings] = {}
        self._decision: tuple[BatteryDecision, float] | None = None
        # Inverters that hold a mandatory limit of ours: it stands until it is taken back.
        self.standing = tuple(name for name in standing if name in plan.inverters)

    def letters(
        self,
        outcome: Outcome,
        wishes: Wishes,
        settings: Mapping[str, BatterySettings],
        now: datetime,
        now_s: float,
    ) -> Said:
        """Everything that is due at this moment. In a dry run nobody is ordered anything."""
        reason = (outcome.decision.reason + _sources(wishes))[:1000]
        orders: list[Letter] = []
        if not self._plan.flow.dry_run:
            orders += self._caps(outcome, wishes, reason, now, now_s)
            orders += self._windows(outcome.windows, reason, now, now_s)
        return Said((*orders, *self._decisions(outcome, reason, now, now_s), *self._wishes(settings)))

    def farewell(self, now: datetime) -> Said:
        """The batteries that were steered are given back; a limit of an inverter stands or lapses by its kind."""
        reason = "Busbar stops; the battery goes back to its own control."
        steered = [name for name, sent in self._batteries.items() if sent.order != RELEASE]
        return Said(tuple(self._setpoint(name, RELEASE, reason, now) for name in steered))

    def _windows(
        self, windows: Mapping[str, Window], reason: str, now: datetime, now_s: float
    ) -> list[Letter]:
        letters = []
        for name, window in windows.items():
            last = self._batteries.get(name)
            if not self._plan.batteries[name].writable or (last is None and window == RELEASE):
                continue
            # Told once; should the word be lost, the last lease ends by itself.
            if window == RELEASE and last is not None and last.order == RELEASE:
                continue
            if due(last, window, now_s, self._plan.site.lease_s, self._plan.flow.deadband_w):
                self._batteries[name] = Sent(window, now_s)
                letters.append(self._setpoint(name, window, reason, now))
        return letters

    def _setpoint(self, name: str, window: Window, reason: str, now: datetime) -> Letter:
        order = BatterySetpoint(
            **self._stamp.next(now),
            lease_s=self._plan.site.lease_s,
            reason=reason,
            min_w=_round(window.min_w),
            max_w=_round(window.max_w),
            grid_charging=window.grid_charging,
        )
        return Letter(order, {"battery": name})

    def _caps(
        self, outcome: Outcome, wishes: Wishes, reason: str, now: datetime, now_s: float
    ) -> list[Letter]:
        letters = []
        for name, cap in outcome.caps.items():
            if not self._plan.inverters[name].writable:
                continue
            if cap is None:
                letters += self._freed(name, now)
                continue
            # Down to the watt, never up: half a watt too much is too much.
            cap = float(int(cap))
            last = self._inverters.get(name)
            if due(last, cap, now_s, self._plan.site.lease_s, self._plan.flow.deadband_w):
                self._inverters[name] = Sent(cap, now_s)
                letters.append(self._limit(name, cap, wishes.mandatory, reason, now))
                self.standing = _with(self.standing, name, wishes.mandatory)
        return letters

    def _freed(self, name: str, now: datetime) -> list[Letter]:
        """A mandatory limit that no longer holds is replaced by one that lapses; others just lapse."""
        self._inverters.pop(name, None)
        if name not in self.standing:
            return []
        self.standing = _with(self.standing, name, False)
        rating = self._plan.inverters[name].rating_w
        reason = "No limit any more; this one lapses with its lease."
        return [self._limit(name, rating if rating is not None else 1e6, False, reason, now)]

    def _limit(self, name: str, watts: float, mandatory: bool, reason: str, now: datetime) -> Letter:
        order = InverterLimit(
            **self._stamp.next(now),
            lease_s=self._plan.site.lease_s,
            reason=reason,
            limit_w=watts,
            mandatory=mandatory,
        )
        return Letter(order, {"inverter": name})

    def _decisions(self, outcome: Outcome, reason: str, now: datetime, now_s: float) -> list[Letter]:
        decision = _decision(outcome, reason, self._plan.flow.dry_run, now)
        if self._decision is not None:
            last, said_s = self._decision
            waited = now_s - said_s
            if waited < 1 or (waited < DECISION_EACH_S and not _differs(last, decision)):
                return []
        self._decision = (decision, now_s)
        return [Letter(decision, {})]

    def _wishes(self, settings: Mapping[str, BatterySettings]) -> list[Letter]:
        if not self._plan.owns_settings:
            return []
        new = {name: one for name, one in settings.items() if self._settings.get(name) != one}
        self._settings |= new
        return [Letter(one, {"battery": name}) for name, one in new.items()]


def _decision(outcome: Outcome, reason: str, dry_run: bool, now: datetime) -> BatteryDecision:
    made = outcome.decision
    shares = {
        name: BatteryShare(
            power_w=None if window == RELEASE else _round(outcome.shares.get(name)),
            min_w=_round(window.min_w),
            max_w=_round(window.max_w),
        )
        for name, window in outcome.windows.items()
    }
    return BatteryDecision(
        at=now,
        control=made.control,
        battery_w=_round(made.battery) or 0.0,
        mode=made.mode,
        export_w=_round(made.export),
        import_w=_round(made.import_),
        pv_w=_round(made.pv),
        solar_limit_w=_round(made.solar_limit),
        ac_limit_w=_round(made.ac_limit),
        flags=made.flags,
        reason=reason,
        dry_run=dry_run,
        batteries=shares,
    )


def _differs(before: BatteryDecision, after: BatteryDecision, step_w: float = 50.0) -> bool:
    """Whether someone who reads along would want to know."""
    same = replace(after, at=before.at)
    if (before.control, before.mode, before.flags) != (same.control, same.mode, same.flags):
        return True
    figures = ("battery_w", "solar_limit_w", "ac_limit_w")
    return any(_apart(getattr(before, name), getattr(same, name), step_w) for name in figures)


def _apart(before: float | None, after: float | None, step_w: float) -> bool:
    if before is None or after is None:
        return before is not after
    return abs(before - after) >= step_w


def _round(watts: float | None) -> float | None:
    return None if watts is None or not isfinite(watts) else round(watts, 1) + 0.0


def _with(names: tuple[str, ...], name: str, inside: bool) -> tuple[str, ...]:
    rest = tuple(one for one in names if one != name)
    return (*rest, name) if inside else rest


def _sources(wishes: Wishes) -> str:
    """Who set the limits in force: the most restrictive of each kind, by name."""
    values = {
        "export": wishes.export_limit,
        "import": wishes.import_limit,
        "generation": wishes.gen_limit,
    }
    named = [
        f"{kind} at most {values[kind]:.0f} W ({source})"
        for kind, source in wishes.sources.items()
        if values[kind] is not None
    ]
    return f" Limits: {', '.join(named)}." if named else ""
