"""Controllers to compare with, of our own writing: how surplus charging is commonly done, told in their rules.

    python -m busbar_cli.simulate_references surplus 30

`surplus`, every 30 s or 10 s: one charger in turn gets what is exported plus what it draws itself, divided by 230 V and
its phases. Starts after 60 s of enough, stops after 180 s of too little. A circuit's meter holds it below the breaker:
limit less the highest phase, its own current added back. So do evcc's documents describe it (docs.evcc.io, reference
"interval" and "loadpoints", features "load management"; one loadpoint an interval and 60 s and 180 s by its source,
core/site.go and core/loadpoint.go). It is not evcc: boost, plans, tariffs and vehicles are left out, and so are its
limits of batteries.

`equal`, every 10 s: what the highest phase of the house leaves of the main breaker, in equal parts for all cars that
are there, whatever their phases and modes: the simplest load balancer there is, after nobody in particular.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

Seen = dict[str, Any]
VOLTS = 230.0
START_AFTER_S = 60.0
STOP_AFTER_S = 180.0
DRAWS_A = 1.0
PRESENT = ("Preparing", "Charging", "SuspendedEV", "SuspendedEVSE")


class Surplus:
    """Surplus by interval, one charger at a time."""

    def __init__(self, site: Seen, every_s: float) -> None:
        """Nothing is wanted before the first interval is over."""
        self.site, self.every_s = site, every_s
        self.next_s: float | None = None
        self.turn = 0
        self.limits = dict.fromkeys(site["chargers"], 0.0)
        self.legs = {name: len(one["legs"]) for name, one in site["chargers"].items()}
        self.since: dict[str, float] = {}

    def decide(self, seen: Seen) -> Seen:
        """The new limit of the charger whose turn it is."""
        meter = seen["meters"].get(self.site["grid_meter"])
        if meter is None or (self.next_s is not None and seen["s"] < self.next_s) or not self.limits:
            return {}
        self.next_s = seen["s"] + self.every_s
        name = list(self.limits)[self.turn % len(self.limits)]
        self.turn += 1
        state = seen["chargers"].get(name)
        self.limits[name] = 0.0 if state is None else self._limit(name, state, meter, seen)
        return {"chargers": {name: self.limits[name]}}

    def _limit(self, name: str, state: Seen, meter: Seen, seen: Seen) -> float:
        one, drawn = self.site["chargers"][name], _drawn(state)
        if state["status"] not in PRESENT:
            self.since.pop(name, None)
            return 0.0
        if active := sum(amps > DRAWS_A for amps in drawn):
            self.legs[name] = active
        wanted = self._wanted(name, one, sum(drawn) * VOLTS, meter, seen)
        most = min(one["max_a"], self._below_breakers(one["circuit"], name, max(drawn, default=0.0), seen))
        limit = min(wanted, most)
        return 0.0 if limit < one["min_a"] else _stepped(limit, one["step_a"])

    def _wanted(self, name: str, one: Seen, drawn_w: float, meter: Seen, seen: Seen) -> float:
        price, cheap = seen["prices"].get("import"), one["grid_price_max"]
        if one["mode"] == "standard" or (cheap is not None and price is not None and price <= cheap):
            self.since.pop(name, None)
            return float(one["max_a"])
        spare_w = (
            drawn_w - meter["power_w"] - (self.site["excess_threshold_w"] if one["mode"] == "excess" else 0)
        )
        amps = float(spare_w / VOLTS / self.legs[name])
        least = float(one["min_a"])
        if one["mode"] == "solar_priority":
            return max(amps, least)
        if one["mode"] not in ("solar_only", "excess"):
            return 0.0
        runs = self.limits[name] > 0
        # Waiting counts while the sun says otherwise than what is done.
        if (amps >= least) is runs:
            self.since.pop(name, None)
            return amps if runs else 0.0
        waited = seen["s"] - self.since.setdefault(name, seen["s"])
        if waited < (STOP_AFTER_S if runs else START_AFTER_S):
            return least if runs else 0.0
        self.since.pop(name)
        return 0.0 if runs else amps

    def _below_breakers(self, circuit: str | None, name: str, own_a: float, seen: Seen) -> float:
        most = float("inf")
        while circuit is not None:
            one = self.site["circuits"][circuit]
            limit = min(one["limit_a"].values())
            meter = seen["meters"].get(one["meter"])
            if meter is not None:
                most = min(most, limit - max(meter["current_a"].values()) + own_a)
            else:
                others = [
                    n for n, c in self.site["chargers"].items() if c["circuit"] == circuit and n != name
                ]
                most = min(most, limit - sum(self.limits[other] for other in others))
            circuit = one["parent"]
        return most


class Equal:
    """Equal parts of what the highest phase leaves."""

    def __init__(self, site: Seen, every_s: float) -> None:
        """Nothing is wanted before the first interval is over."""
        self.site, self.every_s = site, every_s
        self.next_s: float | None = None
        self.limits = dict.fromkeys(site["chargers"], 0.0)

    def decide(self, seen: Seen) -> Seen:
        """The same limit for everybody who is there."""
        meter = seen["meters"].get(self.site["grid_meter"])
        if meter is None or (self.next_s is not None and seen["s"] < self.next_s):
            return {}
        self.next_s = seen["s"] + self.every_s
        here = [
            n for n in self.limits if (s := seen["chargers"].get(n)) is not None and s["status"] in PRESENT
        ]
        drawn = sum(max(_drawn(seen["chargers"][name]), default=0.0) for name in here)
        main = next(one for one in self.site["circuits"].values() if one["parent"] is None)
        free = min(main["limit_a"].values()) - max(meter["current_a"].values()) + drawn
        share = free / len(here) if here else 0.0
        for name in self.limits:
            one = self.site["chargers"][name]
            limit = min(share, one["max_a"]) if name in here else 0.0
            self.limits[name] = 0.0 if limit < one["min_a"] else _stepped(limit, one["step_a"])
        return {"chargers": dict(self.limits)}


def _drawn(state: Seen) -> list[float]:
    return [amps or 0.0 for amps in state["legs_a"] or ()]


def _stepped(amps: float, step_a: float) -> float:
    return amps if step_a <= 0 else round(int(amps / step_a + 1e-6) * step_a, 3)


KINDS: dict[str, Callable[[Seen, float], Surplus | Equal]] = {"surplus": Surplus, "equal": Equal}


class Reference:
    """One of them in this process, spoken to as a program is."""

    def __init__(self, kind: str, every_s: float) -> None:
        self._kind, self._every_s = kind, every_s
        self._one: Surplus | Equal | None = None

    def ask(self, line: bytes) -> bytes:
        """The answer to a line: the first one tells the site."""
        seen = json.loads(line)
        if self._one is None:
            self._one = KINDS[self._kind](seen["site"], self._every_s)
            return b"{}"
        return json.dumps(self._one.decide(seen)).encode()

    def close(self) -> None:
        """Nothing is held."""


def main() -> None:
    """Answer line by line until there are no more."""
    talk = Reference(sys.argv[1], float(sys.argv[2]))
    for line in sys.stdin:
        sys.stdout.write(talk.ask(line.encode()).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
