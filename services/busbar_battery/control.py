"""The controller: one step in time, as a function of its state and of what is known now.

`step` brings the samples to one instant, asks for the decision, and gives it the pace a house can bear: down to a
limit at once, everything else on a ramp, a rest at zero before the direction turns. Without usable readings it
lets go, in an order in which every intermediate state is safe.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from busbar_battery.beside_the_sun import Caps, beside_the_sun
from busbar_battery.capping import anticipated, cap_after, caps_of, making_room, taken_up
from busbar_battery.caps import (
    TOLERANCE_W,
    Cap,
    blind_cap,
    excess_now,
    rise_w_per_s,
    wanted_cap,
)
from busbar_battery.decide import Decision, choose, consequences, released
from busbar_battery.fleet import Fleet, fleet, shares
from busbar_battery.following import Following, after_samples, told, trusted
from busbar_battery.held_back import asking_more, sight
from busbar_battery.inputs import Inputs, fault
from busbar_battery.latch import Band, Latches, latched
from busbar_battery.pace import bounds_of, not_worse, paced, rest_s
from busbar_battery.probe import Probe, probed
from busbar_battery.ramp import Motion
from busbar_battery.reason import Choice
from busbar_battery.recent import Need, Recent, need_of, over_limit, remembered, surplus_of
from busbar_battery.samples import Pair, newest_pair
from busbar_battery.scene import Scene, look
from busbar_battery.site import RELEASE, SLACK_W, SiteNow, Tuning, Window, age_limit_s, smallest
from busbar_battery.windows import Style, all_surplus, divided, narrowed, style_of, window_of

# While sun is held back, less than this is not worth a discharge: the cap closes the gap.
GAP_W = 150.0


class State(Struct, frozen=True, kw_only=True):
    """What one step must remember for the next."""

    motion: Motion = Motion()
    style: Style = Style.FREE
    recent: Recent = Recent()
    latches: dict[str, Latches] = {}
    cap: Cap = Cap()
    caps: Caps = Caps()
    probe: Probe = Probe()
    short_since: float | None = None
    over_since: float | None = None
    lost_since: float | None = None
    windows: dict[str, Window] = {}
    following: dict[str, Following] = {}


class Outcome(Struct, frozen=True, kw_only=True):
    """What to say: the decision, a window for each battery, a cap (W) for each inverter or None for none."""

    decision: Decision
    windows: dict[str, Window]
    caps: dict[str, float | None]
    shares: dict[str, float]


def step(state: State, site: SiteNow, tuning: Tuning) -> tuple[State, Outcome]:
    """One step. Never raises, whatever was measured; without a usable pair of readings the battery is let go."""
    latches, bands = _thresholds(state, site)
    state = replace(state, latches=latches)
    pair = newest_pair(site.grid, [one.power for one in site.batteries])
    limit_s = age_limit_s(site.grid_period_s, *(one.period_s for one in site.batteries))
    if pair is None or site.now - pair.at_s > limit_s:
        return _blind(state, site, 2 * limit_s)
    together = fleet(site.batteries, bands, site.wishes.permissive_soc)
    state = replace(state, recent=remembered(state.recent, site, pair))
    # The filter must never cost a limit: where one is broken, the newest pair counts as it is.
    hurry = over_limit(site, pair)
    surplus, need = surplus_of(state.recent, pair, hurry), need_of(state.recent, hurry)
    load = need.load if need is not None else None
    inputs = _inputs(site, together, pair, surplus, load, tuning)
    wrong = fault(inputs)
    scene = look(inputs)
    if wrong is not None or scene is None:
        return _blind(state, site, 2 * limit_s, wrong)
    return _seeing(replace(state, lost_since=None), site, tuning, pair, scene, need, bands)


def _thresholds(state: State, site: SiteNow) -> tuple[dict[str, Latches], dict[str, Band]]:
    latches: dict[str, Latches] = {}
    bands: dict[str, Band] = {}
    for one in site.batteries:
        before = state.latches.get(one.id, Latches())
        latches[one.id], bands[one.id] = latched(before, one.soc, one.band, one.hysteresis)
    return latches, bands


def _inputs(
    site: SiteNow, together: Fleet, pair: Pair, surplus: float, load: float | None, tuning: Tuning
) -> Inputs:
    wishes = site.wishes
    # A car is spared by letting the battery cover no more than the rest of the house lacks.
    spare = None if site.spared_w is None else max(0.0, -(surplus + site.spared_w))
    return Inputs(
        pv=None if load is None else max(0.0, load + surplus),
        battery=pair.battery,
        grid=pair.battery - surplus,
        soc=together.soc,
        soc_min=together.band.lowest,
        soc_target=together.band.target,
        soc_max=together.band.highest,
        charge_max=together.charge_max,
        discharge_max=smallest(together.discharge_max, spare),
        wire_charge_max=together.wire_charge,
        wire_discharge_max=together.wire_discharge,
        wire_stale=site.wire_stale,
        export_limit=wishes.export_limit,
        import_limit=wishes.import_limit,
        gen_limit=wishes.gen_limit,
        priority=wishes.priority,
        grid_charging=wishes.grid_charging,
        grid_charging_max=wishes.grid_charging_max,
        import_target=wishes.import_target,
        export_target=_target(site),
        deadband=tuning.deadband_w,
        unknown_soc="permissive" if wishes.permissive_soc else "conservative",
    )


def _target(site: SiteNow) -> float | None:
    """The export target, a little inside the limit: at the limit every flicker of the house would break it."""
    target, limit = site.wishes.export_target, site.wishes.export_limit
    return target if target is None or limit is None else min(target, max(0.0, limit - SLACK_W))


def _seeing(
    state: State,
    site: SiteNow,
    tuning: Tuning,
    pair: Pair,
    scene: Scene,
    need: Need | None,
    bands: Mapping[str, Band],
) -> tuple[State, Outcome]:
    state, choice, refuses = _sought(state, site, tuning, pair, scene)
    probing, spared = state.probe.since is not None, site.spared_w is not None
    style = style_of(scene, choice, site.batteries, probing, spared)
    bounds = not_worse(bounds_of(scene, choice), state.motion.power, pair.battery, excess_now(site, pair))
    doubtful, over_s = state.recent.doubts > 0, _over_s(state, pair)
    loops = taken_up(site, state.windows)
    rising = cap_after(state.cap, site, tuning, pair, need, over_s=over_s, doubtful=doubtful, taken_up=loops)
    room = making_room(state.cap, rising, site, pair, need)
    if room is not None and not any(one.inverter for one in site.batteries) and not probing:
        bounds = (min(max(bounds[0], -room), bounds[1]), bounds[1])
    if not probing and not all(one.follows_grid for one in site.batteries):
        bounds = beside_the_sun(
            bounds, state.motion.power, state.caps, rising, site, pair, state.recent.needs
        )
    tuning = replace(tuning, dwell_s=rest_s(site, scene.pv, tuning))
    motion, style = paced((state.motion, state.style), choice, style, bounds, site.now, tuning)
    from_grid = site.wishes.grid_charging and motion.power > max(0.0, scene.surplus)
    known = after_samples(state.following, site.batteries, pair.batteries, site.now, tuning.not_following_s)
    parts = shares(motion.power, site.batteries, bands, site.wishes.permissive_soc, from_grid, trusted(known))
    following = {name: told(one, parts[name]) for name, one in known.items()}
    window = window_of(style, scene, motion.power, from_grid)
    taking = [one for one in site.batteries if one.inverter is None and one.follows_grid]
    absorbs = bool(taking) and all_surplus(scene) and pair.battery < scene.allowed.charge - SLACK_W
    window = narrowed(window, room)
    windows = divided(window, motion.power, parts) | dict.fromkeys(site.others, RELEASE)
    need = anticipated(need, site, pair, windows)
    cap = cap_after(
        state.cap, site, tuning, pair, need,
        over_s=over_s, doubtful=doubtful, taken_up=loops, absorbs=absorbs,
    )  # fmt: skip
    decision = consequences(scene, _told(choice, motion))
    decision = _flagged(decision, refuses, need, site)
    caps = state.caps.after(cap, site.now)
    state = replace(
        state, motion=motion, style=style, cap=cap, caps=caps, windows=windows, following=following
    )
    return state, Outcome(decision=decision, windows=windows, caps=caps_of(cap, site), shares=parts)


def _sought(
    state: State, site: SiteNow, tuning: Tuning, pair: Pair, scene: Scene
) -> tuple[State, Choice, bool]:
    """What is wanted of the battery, more than the surplus while sun is held back, and whether it refuses."""
    choice = choose(scene)
    short_since = _short_since(state, pair, site.now)
    state = replace(state, over_since=_over_since(state, pair, scene), short_since=short_since)
    refuses = short_since is not None and site.now - short_since >= tuning.not_following_s
    seen = sight(
        site,
        tuning,
        pair,
        scene,
        choice,
        cap=state.cap,
        style=state.style,
        refuses=refuses,
        broken=_over_s(state, pair) > 0,
    )
    if seen is None:
        return replace(state, probe=Probe(not_before=state.probe.not_before)), choice, refuses
    if seen.held_back and -GAP_W < choice.power < 0:
        choice = choice.stilled()
    state = replace(state, probe=probed(state.probe, seen, tuning))
    if state.probe.since is not None:
        choice = asking_more(choice, scene, pair.surplus, rise_w_per_s(site.inverters, tuning))
    return state, choice, refuses


def _over_s(state: State, pair: Pair) -> float:
    return 0.0 if state.over_since is None else pair.at_s - state.over_since


def _over_since(state: State, pair: Pair, scene: Scene) -> float | None:
    """Since which sample the export limit is broken without a break."""
    if -pair.grid <= scene.allowed.export + 2 * TOLERANCE_W:
        return None
    return state.over_since if state.over_since is not None else pair.at_s


def _short_since(state: State, pair: Pair, now: float) -> float | None:
    """Since when the battery does clearly less than it was told."""
    wanted = state.motion.power
    reached = pair.battery if wanted >= 0 else -pair.battery
    if abs(wanted) <= SLACK_W or reached >= 0.8 * abs(wanted) - SLACK_W:
        return None
    return state.short_since if state.short_since is not None else now


def _told(choice: Choice, motion: Motion) -> Choice:
    """The choice with the power of this moment, and why that is not yet the one chosen."""
    if motion.power == choice.power:
        return choice
    resting = motion.resting_since is not None and motion.power == 0
    why = "resting before it turns" if resting else f"on the way to {choice.power:.0f} W"
    return replace(choice, power=motion.power, bound=why)


def _flagged(decision: Decision, refuses: bool, need: Need | None, site: SiteNow) -> Decision:
    """The decision with what time tells: a battery that does not follow, and a cap for what it really takes."""
    solar = decision.solar_limit
    if need is not None:
        solar = wanted_cap(site, need.load + need.charging)
    flags = (*decision.flags, *(["battery_not_following"] if refuses else []))
    reason = decision.reason + (" The battery does not do as it is told." if refuses else "")
    return replace(decision, solar_limit=solar, flags=flags, reason=reason)


def _blind(state: State, site: SiteNow, patience_s: float, wrong: str | None = None) -> tuple[State, Outcome]:
    """Without readings: forced flows stop now, windows end after the patience, a cap is never raised."""
    since = state.lost_since if state.lost_since is not None else site.now
    if site.now - since >= patience_s:
        windows = {one.id: RELEASE for one in site.batteries}
    else:
        windows = {name: _unforced(window) for name, window in state.windows.items()}
    windows |= dict.fromkeys(site.others, RELEASE)
    grid_seen = site.grid.last_s is not None and site.now - site.grid.last_s <= age_limit_s(
        site.grid_period_s
    )
    decision = released(Inputs(battery=None) if grid_seen else Inputs(grid=None))
    if wrong is not None:
        decision = replace(
            decision, flags=("configuration_invalid",), reason=f"The battery is left alone: {wrong}."
        )
    cap = blind_cap(replace(state.cap, sun_lost_since=since), site, patience_s) if site.inverters else Cap()
    state = replace(
        state,
        lost_since=since,
        windows=windows,
        cap=cap,
        caps=Caps(),
        motion=Motion(),
        style=Style.FREE,
        recent=Recent(),
        probe=Probe(),
        short_since=None,
        following={},
    )
    return state, Outcome(decision=decision, windows=windows, caps=caps_of(cap, site), shares={})


def _unforced(window: Window) -> Window:
    forced = (window.min_w or 0.0) > 0 or (window.max_w or 0.0) < 0
    return Window(0.0, 0.0) if forced else window
