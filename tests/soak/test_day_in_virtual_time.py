"""A day and a night in virtual time: allocator, battery, plugs, heat and leases as they run live, with random faults.

No process and no clock: the plant, the services' own code, and the messages between them. Judged by the plant's ledger,
by the renewal of leases, by what was kept, and by how many things the services hold on to after a day.
Writes its figures into docs/reliability.md. BUSBAR_SOAK_HOURS and BUSBAR_SOAK_SEED choose another run.
"""

import gc
import os
import subprocess
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import FunctionType, ModuleType
from typing import Any

import pytest

import busbar_cli
from busbar_cli.simulate import Simulation
from busbar_cli.simulate_scenario import Scenario, scenario_of
from busbar_contracts.charger import ChargerLimit
from busbar_contracts.load import HeatOrder, PlugSwitch
from soak_report import put

HOURS = float(os.environ.get("BUSBAR_SOAK_HOURS", "24"))
SEED = int(os.environ.get("BUSBAR_SOAK_SEED", "20261120"))
LEASE_S, CALM_AFTER_S = 30.0, 120.0
LEFT = "left-1"

pytestmark = [pytest.mark.soak, pytest.mark.timeout(7200)]


def faults(dice: Random, hours: float) -> Iterator[dict[str, Any]]:
    """Something every ten minutes on average, of every kind; the last half hour is calm."""
    at_s = 300.0
    while at_s < hours * 3600 - 1800:
        for_s = round(dice.uniform(1, 240))
        yield {
            "at_s": round(at_s), "for_s": for_s,
            **dice.choice((
                {"extra_w": [0.0, dice.uniform(500, 3000), 0.0]}, {"extra_w": [dice.uniform(500, 3000)] * 3},
                {"meter": "gone"}, {"meter": "frozen"}, {"trip": True}, {"silent": [LEFT]}, {"silent": ["right-1"]},
                {"allocator_dead": True}, {"broker_dead": True},
            )),
        }  # fmt: skip
        at_s += for_s + dice.uniform(120, 900)


def a_day(seed: int, hours: float) -> Scenario:
    """The demo house from midnight on, with its battery under orders."""
    demo = Path(busbar_cli.__file__).with_name("demo.toml")
    data = tomllib.loads(demo.read_text(encoding="utf-8"))
    data["simulate"] = {"hours": hours, "events": list(faults(Random(seed), hours))}
    data["battery_flow"] = {"dry_run": False}
    data["batteries"]["house"]["writable"] = True
    data["simulator"] |= {"start": "00:00", "seed": seed % 1000}
    for car in data["simulator"]["cars"].values():
        car |= {"battery_wh": 5_000_000.0}
    return scenario_of(data, {})


class Watched(Simulation):
    """The simulated house, with a calendar that jumps and an ear on every lease."""

    def __init__(self, scenario: Scenario) -> None:
        self.renewed_s: dict[str, float] = {}
        self.gaps_s: dict[str, float] = {}
        self.jumps: list[float] = []
        super().__init__(scenario)
        events = scenario.run.events
        # The time of a fault, and the minutes after it in which everything comes back, count for no gap.
        self._wild = [(one.at_s, one.at_s + one.for_s + CALM_AFTER_S) for one in events]

    def jump(self, seconds: float) -> None:
        """Move the calendar of everybody, as a time server does that was away."""
        self._start += timedelta(seconds=seconds)
        self.jumps.append(self.now.s)
        self._wild.append((self.now.s, self.now.s + CALM_AFTER_S))

    def _device(self, message: Any, ids: dict[str, str]) -> None:
        if isinstance(message, (ChargerLimit, PlugSwitch, HeatOrder)):
            name = f"{type(message).__name__} {'/'.join(ids.values())} by {message.issuer}"
            before_s = self.renewed_s.get(name, self.now.s)
            if not any(begin <= self.now.s and before_s <= end for begin, end in self._wild):
                self.gaps_s[name] = max(self.gaps_s.get(name, 0.0), self.now.s - before_s)
            self.renewed_s[name] = self.now.s
        super()._device(message, ids)

    def held(self) -> int:
        """How many objects the services hold on to."""
        minds = [self.mind, self._plugs, self._heaters, self._chargers, self._batteries, self._inverters]
        seen, waiting = set(map(id, minds)), list(minds)
        while waiting:
            for one in gc.get_referents(waiting.pop()):
                if (
                    id(one) not in seen
                    and not isinstance(one, (type, ModuleType, FunctionType))
                    and one is not self
                ):
                    seen.add(id(one))
                    waiting.append(one)
        return len(seen)

    def granted(self) -> dict[str, float]:
        """The last order to each charger."""
        return {load: self._ordered.get(load, 0.0) for load in self._chargers}


def test_after_a_day_of_faults_nothing_has_grown_and_nothing_has_drifted() -> None:
    scenario = a_day(SEED, HOURS)
    house, dice = Watched(scenario), Random(SEED)
    modes, held, next_jump_s = None, [], 1800.0
    away = 0.0
    for second in house.run(HOURS * 3600):
        if second == 300:
            modes = house.mind.modes()
        if second % 1800 == 0:
            held.append(house.held())
        if second >= next_jump_s and second < HOURS * 3600 - 1800:
            step = -away if away else dice.choice((3600.0, -3600.0))
            house.jump(step)
            away += step
            next_jump_s = second + dice.uniform(600, 5400)
    before = house.granted()
    house.mind.die()
    house.mind.rise(1000.0 + house.now.s)
    reborn = Reborn(house)
    after = reborn.granted_after(180.0)
    write(house, held, before, after, len(scenario.run.events))

    assert list(house.house.ledger.broken) == []
    assert house.mind.modes() == modes
    # Warm after the first hour; what was learned of a whole day may add a little.
    assert held[-1] <= max(held[2:6]) * 1.25, held
    assert max(house.gaps_s.values()) < LEASE_S, house.gaps_s
    assert after == pytest.approx(before, abs=1.0), "a new-born allocator decides as the one of a day"


class Reborn:
    """The same house, gone on with an allocator that was just born."""

    def __init__(self, house: Watched) -> None:
        self._house = house

    def granted_after(self, seconds: float) -> dict[str, float]:
        """What it grants once it has seen the house for so long."""
        began_s = self._house.now.s
        for number in range(1, round(seconds * 4) + 1):
            self._house._live(began_s + number * 0.25)
        return self._house.granted()


def write(
    house: Watched, held: list[int], before: dict[str, float], after: dict[str, float], faults_made: int
) -> None:
    """Put the figures into the page."""
    commit = subprocess.check_output(
        ["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, text=True
    ).strip()
    shown = held[:: max(len(held) // 12, 1)]
    put(
        "virtual",
        "\n".join((
            f"Measured at commit {commit} on {datetime.now(UTC).date()}, {HOURS:g} h with seed {SEED}.",
            f"{faults_made} faults, and the calendar jumped by an hour {len(house.jumps)} times.",
            f"Overloads for which Busbar's grants were to blame: {len(house.house.ledger.broken)}.",
            f"Longest gap between two renewals of a lease of {LEASE_S:g} s, away from faults: "
            f"{max(house.gaps_s.values()):.1f} s.",
            f"Objects held by the services, every {len(held) / max(len(shown), 1) / 2:g} h: {', '.join(map(str, shown))}.",
            f"At the end the chargers were granted {_amps(before)}, and three minutes later by a new-born allocator "
            f"{_amps(after)}.",
        )),
    )  # fmt: skip


def _amps(granted: dict[str, float]) -> str:
    return ", ".join(f"{load} {amps:g} A" for load, amps in granted.items())
