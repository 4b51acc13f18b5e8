"""A week in a household, in virtual time: real appliances behind a plug, the sun deciding, the relay counted."""

import itertools
import json
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from busbar_contracts.load import LoadMode, PlugSwitch
from busbar_plugs.drivers.shelly2 import Shelly2
from busbar_plugs.plug import Plug
from busbar_plugs.portrait import state_of
from busbar_plugs.relay import Rules
from busbar_plugs.setup import Setup
from busbar_shared.device_topics import Send
from busbar_shared.leases import OrderStamp
from busbar_shared.moment import Moment

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
STEP_S = 10
WEEK = 7 * 86_400 // STEP_S


class Boiler:
    """2 kW for forty minutes of every four hours in which it has power; then its thermostat opens."""

    def __init__(self) -> None:
        self.missing_wh = 1300.0

    def draws(self, on: bool, rng: random.Random) -> float:
        self.missing_wh = min(self.missing_wh + 330 * STEP_S / 3600, 4000.0)
        if not on or self.missing_wh < 30:
            return 1.0 * on
        self.missing_wh -= 2000 * STEP_S / 3600
        if self.missing_wh < 30:
            self.missing_wh = -300.0
        return rng.gauss(2000, 20)


class Fridge:
    """100 W for a quarter of each hour, with a start peak."""

    def __init__(self) -> None:
        self.seconds = 0

    def draws(self, on: bool, rng: random.Random) -> float:
        self.seconds += STEP_S * on
        phase = self.seconds % 3600
        if not on or phase >= 900:
            return 0.8 * on
        return 750.0 if phase < STEP_S else rng.gauss(100, 1)


class Washer:
    """Runs at ten each day when it has power: heats, turns, spins, is done."""

    def __init__(self, pause_s: int = 0) -> None:
        self.left_s, self.pause_s = 0, pause_s

    def draws(self, on: bool, rng: random.Random) -> float:
        if self.left_s <= 0 or not on:
            return 1.4 * on
        self.left_s -= STEP_S
        done = 5100 - self.left_s
        if done < 900:
            return rng.gauss(2050, 20)
        if 1500 <= done < 1500 + self.pause_s or 3000 <= done < 3000 + self.pause_s:
            return 3.0
        return rng.gauss(180, 25) if done < 4500 else rng.gauss(420, 40)


@dataclass
class Socket:
    """A Shelly with an appliance behind it, and the plug core that manages it."""

    plug: Plug
    appliance: Boiler | Fridge | Washer
    on: bool = False
    off_at_s: float | None = None
    stamp: OrderStamp = field(default_factory=lambda: OrderStamp("allocator"))
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    moves: list[float] = field(default_factory=list)
    left_at_off: list[int] = field(default_factory=list)
    """Of a programme, each time it was switched off."""
    drawn_on_command_wh: float = 0.0
    learned_after: dict[int, float] = field(default_factory=dict)

    def live(self, steps: int, order: Callable[["Socket", Moment], bool | None]) -> None:
        for step in range(steps):
            now = Moment(MONDAY + timedelta(seconds=step * STEP_S), 1000.0 + step * STEP_S)
            if (
                isinstance(self.appliance, Washer)
                and now.at.hour == 10
                and now.at.minute == 0
                and now.at.second == 0
            ):
                self.appliance.left_s = 5100
            if self.off_at_s is not None and now.s >= self.off_at_s:
                self._move(False, now, None)
            watts = self.appliance.draws(self.on, self.rng)
            self._says({"id": 0, "output": self.on, "apower": round(watts, 1)}, now)
            wish = order(self, now)
            if wish is not None:
                self.plug.order(
                    PlugSwitch(**self.stamp.next(now.at), lease_s=30.0, reason="test", on=wish), now
                )
            for out in self.plug.tick(now):
                if isinstance(out, Send) and out.topic == "dev/rpc":
                    params = json.loads(out.payload)
                    if params["method"] == "Switch.Set":
                        self._move(params["params"]["on"], now, params["params"].get("toggle_after"))
            cycles = self.plug.appetite.learned.cycles
            if cycles not in self.learned_after:
                self.learned_after[cycles] = self.plug.appetite.planned_w(now)

    def _move(self, on: bool, now: Moment, timer_s: float | None) -> None:
        if on != self.on:
            self.moves.append(now.s)
            if not on and isinstance(self.appliance, Washer):
                self.left_at_off.append(self.appliance.left_s)
        self.on, self.off_at_s = on, None if timer_s is None else now.s + timer_s
        self._says({"id": 0, "output": on, "source": "MQTT"}, now)

    def _says(self, status: dict[str, object], now: Moment) -> None:
        self.plug.hear("dev/status/switch:0", json.dumps(status).encode(), now)


def socket(
    appliance: Boiler | Fridge | Washer, rating_w: float, mode: LoadMode, *, safe_on: bool = False
) -> Socket:
    rules = Rules(safe_on=safe_on, device_lease_s=None if safe_on else 60.0)
    setup = Setup(
        id="x", driver=Shelly2("dev", 0, "busbar/x", timed=not safe_on), rules=rules, rating_w=rating_w
    )
    plug = Plug(setup, Moment(MONDAY, 1000.0))
    plug.settings(mode, True)
    return Socket(plug, appliance)


def always(socket: Socket, now: Moment) -> bool:
    return True


def clouds(socket: Socket, now: Moment) -> bool:
    """A sun that comes and goes each few minutes, and an allocator that follows it blindly."""
    day = 8 <= now.at.hour < 18
    return (
        day and math.sin(now.s / 97.0) + math.sin(now.s / 41.0) > 0 and state_of(socket.plug, now).wants_power
    )


def busiest_hour(moves: list[float]) -> int:
    return max((sum(1 for later in moves if at <= later < at + 3600) for at in moves), default=0)


@pytest.mark.parametrize("rating_w", [1000.0, 4000.0], ids=["half its power", "twice its power"])
def test_a_boiler_with_the_wrong_rating_is_known_after_three_cycles(rating_w: float) -> None:
    house = socket(Boiler(), rating_w, LoadMode.CONTINUOUS)
    house.live(WEEK // 3, always)

    assert house.learned_after[3] == pytest.approx(2000, rel=0.05)


def test_clouds_do_not_wear_the_relay_out() -> None:
    house = socket(Boiler(), 2000.0, LoadMode.SOLAR_ONLY)
    house.live(WEEK, clouds)

    assert busiest_hour(house.moves) <= 12
    assert len(house.moves) > 50, "the sun was used all the same"
    assert house.plug.appetite.planned_w(
        Moment(MONDAY + timedelta(days=7), 1000.0 + WEEK * STEP_S)
    ) == pytest.approx(2000, rel=0.05)


def test_a_satisfied_boiler_frees_its_share_and_gets_it_back() -> None:
    house = socket(Boiler(), 2000.0, LoadMode.CONTINUOUS)
    idle, wants = [], []

    def watched(one: Socket, now: Moment) -> bool:
        state = state_of(one.plug, now)
        idle.append(state.idle)
        wants.append(state.wants_power)
        return True

    house.live(WEEK // 7, watched)

    assert True in idle
    assert idle[-1] is False or idle.index(True) < len(idle) - 1
    assert any(was and not is_idle for was, is_idle in itertools.pairwise(idle)), (
        "it drew again and was not idle"
    )
    assert all(wants), "in Continuous it always wants power"
    assert house.moves == [1000.0], "idle is no reason to switch"


def test_a_fridge_that_must_stay_on_is_never_switched_and_is_known_without_its_peak() -> None:
    house = socket(Fridge(), 2000.0, LoadMode.CONTINUOUS, safe_on=True)
    house.live(WEEK, lambda one, now: None)
    state = state_of(house.plug, Moment(MONDAY + timedelta(days=7), 1000.0 + WEEK * STEP_S))

    assert house.moves == [1000.0 + 30.0]
    assert state.learned_w == pytest.approx(100, rel=0.05)
    assert state.peak_w == pytest.approx(750, rel=0.01)
    assert state.duty_percent == pytest.approx(25, abs=2)


def follower(socket: Socket, now: Moment) -> bool:
    """An allocator on a sunny day: whoever wants power has it."""
    return 8 <= now.at.hour < 18 and state_of(socket.plug, now).wants_power


@pytest.mark.parametrize("pause_s", [60, 300, 780])
def test_the_pauses_of_a_washing_machine_do_not_end_it(pause_s: int) -> None:
    house = socket(Washer(pause_s), 2000.0, LoadMode.SOLAR_ONLY)
    house.live(3 * 86_400 // STEP_S, follower)

    assert house.left_at_off, "done, it is switched off"
    # The tick in which it begins may be the one in which it would have been switched off.
    assert {left_s for left_s in house.left_at_off if 0 < left_s < 5000} == set(), "but not in between"


def test_a_washing_machine_is_known_by_its_heater() -> None:
    house = socket(Washer(), 2000.0, LoadMode.EXCESS)
    house.live(WEEK, always)
    state = state_of(house.plug, Moment(MONDAY + timedelta(days=7), 1000.0 + WEEK * STEP_S))

    assert state.learned_w == pytest.approx(2050, rel=0.05)
    assert house.plug.appetite.learned.cycles == 7
    assert state.wants_power is False
    assert state.idle is True
