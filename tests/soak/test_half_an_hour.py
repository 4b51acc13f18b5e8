"""Half an hour of real processes at 60-fold speed, while something goes wrong at random all the time.

Judged by the plant's true currents, the renewal of every lease, and the memory and file handles of each process.
Writes its figures into docs/reliability.md. BUSBAR_SOAK_MINUTES and BUSBAR_SOAK_SEED choose another run.
"""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from busbar_contracts.allocation import SiteSettings
from busbar_contracts.battery import BatterySettings
from busbar_contracts.charger import ChargerLimit
from busbar_contracts.load import HeatOrder, LoadSettings, PlugSwitch
from busbar_contracts.service import ServiceStatus
from busbar_shared.bus import MqttBus
from mischief import draw
from soak_report import CURVES, as_curves, as_table, put
from vitals import Vitals, trend
from whole_house import SERVICES, WholeHouse, faketime, whole_house

MINUTES = float(os.environ.get("BUSBAR_SOAK_MINUTES", "34"))
SEED = int(os.environ.get("BUSBAR_SOAK_SEED", "20261120"))
ENDS_SHARE = 0.25
"""In the first quarter services are also killed; then they live on, so that a leak would be seen."""
BEAT_S = 7.0
LEASE_S, RENEWED_WITHIN_S = 6.0, 60.0
CALM_S = 8.0
MEMORY_MIB, HANDLES = 2.0, 3
"""What a process may have grown by between its first minutes and its last ones: less than a tenth of it."""

pytestmark = [
    pytest.mark.soak, pytest.mark.system, pytest.mark.timeout(MINUTES * 60 + 600),
    pytest.mark.skipif(faketime() is None, reason="clocks that jump need Debian's package faketime"),
]  # fmt: skip


class Renewals:
    """When each order was last renewed, and the longest gap between two while nothing went wrong."""

    def __init__(self) -> None:
        self.last_s: dict[str, float] = {}
        self.calm_since_s: float | None = None
        self.longest_calm_s: dict[str, float] = {}
        self.settings: dict[str, Any] = {}
        self.idle: set[str] = set()
        self.online_s: dict[str, float] = {}

    async def hear(self, bus: MqttBus) -> None:
        """Listen for ever."""
        heard = bus.listen(
            ChargerLimit, PlugSwitch, HeatOrder, LoadSettings, SiteSettings, BatterySettings, ServiceStatus
        )
        async for one in heard:
            if isinstance(one.message, ServiceStatus):
                self.online_s[one.ids["service"]] = one.at_s if one.message.state == "online" else 0.0
            elif isinstance(one.message, (ChargerLimit, PlugSwitch, HeatOrder)):
                gap_s = one.at_s - self.last_s.get(one.topic, one.at_s)
                # A gap that began while something was wrong tells nothing.
                if self.calm_since_s is not None and one.at_s - gap_s >= self.calm_since_s:
                    self.longest_calm_s[one.topic] = max(self.longest_calm_s.get(one.topic, 0.0), gap_s)
                self.last_s[one.topic] = one.at_s
            else:
                # What was last refused is no setting.
                plain = getattr(one.message, "refused", None) is None
                self.settings[one.topic] = (
                    one.message if plain else msgspec.structs.replace(one.message, refused="")
                )

    def all_fresh(self, now_s: float) -> bool:
        """Whether every order that was ever given was renewed within its lease, and every service said that it lives."""
        return (
            set(self.online_s) >= set(SERVICES)
            and all(now_s - self.online_s[name] < BEAT_S for name in SERVICES)
            and all(now_s - at_s < LEASE_S for name, at_s in self.last_s.items() if name not in self.idle)
        )


class Log:
    """What was done, and how long everything took to come back."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.back_s: list[tuple[float, str]] = []
        self.dropped: dict[str, int] = {}
        self.state_bytes: list[int] = []
        self.problems: list[str] = []
        self.broken: list[object] = []


@contextlib.asynccontextmanager
async def task(coroutine: Any) -> AsyncIterator[None]:
    """A task beside the body, ended with it."""
    made = asyncio.create_task(coroutine)
    try:
        yield
    finally:
        made.cancel()
        await asyncio.gather(made, return_exceptions=True)


async def watch(whole: WholeHouse, vitals: Vitals, log: Log, folder: Path) -> None:
    """Look at every process each 5 s."""
    while True:
        vitals.take({name: child.pid for name, child in whole.house.supervisor.children.items()})
        for name, status in whole.house.scene.services.items():
            log.dropped[name] = max(log.dropped.get(name, 0), status.dropped)
        with contextlib.suppress(OSError):
            log.state_bytes.append(
                sum(one.stat().st_size for one in (folder / "state").rglob("*") if one.is_file())
            )
        await asyncio.sleep(5)


async def until_renewed(whole: WholeHouse, renewals: Renewals, words: str, log: Log) -> None:
    """Everything is back: every lease is renewed, and every process lives."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    children = whole.house.supervisor.children
    # A charger without a car is told nothing new.
    renewals.idle = {
        f"hems/charger/{load.rpartition('-')[0]}/1/limit/set"
        for load, state in whole.house.scene.chargers.items()
        if state.session is None
    }
    while not (
        renewals.all_fresh(loop.time())
        and all(one.pid is not None for one in children.values())
        and all(one.link for one in whole.house.scene.chargers.values())
    ):
        waited_s = loop.time() - began_s
        if waited_s >= RENEWED_WITHIN_S:
            # Remembered, and judged at the end: what comes after is worth seeing too.
            log.problems.append(
                f"after {words}: {renewals.last_s}, {renewals.online_s}; {whole.house.describe()}"
            )
            print(log.problems[-1], flush=True)
            break
        await asyncio.sleep(0.2)
    log.back_s.append((loop.time() - began_s, words))


async def storm(
    whole: WholeHouse, renewals: Renewals, log: Log, seconds: float, *, ends: bool, dice: Random
) -> None:
    """One or two things at a time go wrong, until the time is over; each time everything must come back."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + seconds
    while loop.time() < until_s:
        some = [draw(dice, ends=ends) for _ in range(dice.choice((1, 1, 2)))]
        words = " and ".join(one.words for one in some)
        log.done.append(words)
        print(f"{datetime.now(UTC):%H:%M:%S} {words}", flush=True)
        await asyncio.gather(*(one.do(whole) for one in some))
        await until_renewed(whole, renewals, words, log)
        renewals.calm_since_s = loop.time()
        await asyncio.sleep(CALM_S)
        renewals.calm_since_s = None
        broken = whole.house.truth.detail["broken"]
        if len(broken) > len(log.broken):
            print(f"a phase was overloaded after {words}: {broken[-1]}; {whole.house.describe()}", flush=True)
            log.broken = [*broken]


async def test_nothing_leaks_and_everything_comes_back(tmp_path: Path) -> None:
    dice, vitals, log, renewals = Random(SEED), Vitals(), Log(), Renewals()
    async with whole_house(tmp_path, speed=60, seed=SEED % 1000, clocks=True) as whole:
        bus = whole.house.bus
        async with task(renewals.hear(bus)), task(watch(whole, vitals, log, tmp_path)):
            await asyncio.sleep(60)
            await until_renewed(whole, renewals, "the start", log)
            before = dict(renewals.settings)
            await storm(whole, renewals, log, MINUTES * 60 * ENDS_SHARE, ends=True, dice=dice)
            await storm(whole, renewals, log, MINUTES * 60 * (1 - ENDS_SHARE), ends=False, dice=dice)
            whole.jump(0)
            await asyncio.sleep(30)
            trends = {name: one for name in vitals.samples if (one := trend(vitals.longest_life(name), 120))}
            unready = [
                name for name, one in whole.house.scene.services.items() if not one.ready or one.passive
            ]
            write(log, vitals, renewals, trends)

            assert log.problems == []
            assert whole.house.truth.verdict == "ok", log.broken
            assert renewals.settings == before, "no setting drifted"
            assert unready == []
            assert set(trends) >= set(SERVICES)
            for name, one in trends.items():
                assert one.memory_mib[1] - one.memory_mib[0] <= MEMORY_MIB, (name, one)
                assert one.handles[1] - one.handles[0] <= HANDLES, (name, one)
                assert one.threads[1] - one.threads[0] <= HANDLES, (name, one)
            assert max(renewals.longest_calm_s.values()) < LEASE_S


def write(log: Log, vitals: Vitals, renewals: Renewals, trends: dict[str, Any]) -> None:
    """Put the figures into the page, and draw the curves."""
    commit = subprocess.check_output(
        ["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, text=True
    ).strip()
    worst_s, worst = max(log.back_s)
    half_s = sorted(log.back_s)[len(log.back_s) // 2][0]
    gap_s = max(renewals.longest_calm_s.values(), default=0.0)
    put(
        "soak",
        "\n".join((
            f"Measured at commit {commit} on {datetime.now(UTC).date()}, {vitals.now_s / 60:.0f} min at 60-fold speed "
            f"with seed {SEED}.",
            f"{len(log.done)} times something went wrong, and the plant's own ledger saw "
            f"{len(log.broken) or 'no'} overload for which Busbar's grants were to blame.",
            f"All leases were renewed, all services online and all chargers linked again within {half_s:.1f} s "
                "after half of them, "
            f"and at the latest after {worst_s:.1f} s ({worst}).",
            f"While nothing was wrong the longest gap between two renewals of a lease of {LEASE_S:g} s was {gap_s:.1f} s.",
            f"Not back within {RENEWED_WITHIN_S:g} s: {len(log.problems)} times.",
            f"Messages dropped by a full queue: {sum(log.dropped.values())}.",
            "The state on disk, with what SQLite has not yet folded in (at most 4 MiB a database), "
            f"took {log.state_bytes[0] // 1024} KiB at the start and "
            f"{log.state_bytes[-1] // 1024} KiB at the end.",
            "",
            as_table(trends),
        )),
    )  # fmt: skip
    CURVES.write_text(as_curves(vitals.samples), encoding="utf-8")
