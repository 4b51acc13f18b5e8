"""Whether sun is held back by a cap, whether the battery could take it, and how it is asked to."""

from __future__ import annotations

from msgspec.structs import replace

from busbar_battery.caps import Cap, cut_lately, output_at, rating_of, rise_w_per_s
from busbar_battery.probe import Sight
from busbar_battery.reason import Choice
from busbar_battery.samples import Pair
from busbar_battery.scene import Scene
from busbar_battery.site import SLACK_W, SiteNow, Tuning, or_inf
from busbar_battery.windows import Style, all_surplus

# An inverter that gives less holds no sun back: it is night. Asked to, the battery would take it from the grid.
DARK_W = 20.0


def sight(
    site: SiteNow,
    tuning: Tuning,
    pair: Pair,
    scene: Scene,
    choice: Choice,
    *,
    cap: Cap,
    style: Style,
    refuses: bool,
    broken: bool,
) -> Sight | None:
    """What speaks for and against asking a capped sun for more; None where nothing is capped."""
    output = output_at(site.inverters, pair.at_s)
    if output is None or cap.total is None:
        return None
    # Before the samples show what a cut brought, nobody knows whether sun is held back.
    settled = not cut_lately(cap, site.now) and output > DARK_W
    binding = settled and cap.total < min(rating_of(site.inverters), or_inf(site.wishes.gen_limit)) - SLACK_W
    into_dc = sum(
        power for one, power in zip(site.batteries, pair.batteries, strict=True) if one.inverter is not None
    )
    # A hybrid that must give exactly what the house takes has no room left for its own sun under the cap.
    on_dc = any(one.inverter is not None for one in site.batteries)
    crowded = choice.power < 0 and on_dc and style is Style.EXACT and scene.wanted_export == 0
    room = (0 <= choice.power < scene.allowed.charge - SLACK_W) or crowded
    room = room and not scene.given.grid_charging
    # A hybrid puts what may not leave it into its battery by itself, as far as the window lets it.
    alone = len(site.batteries) == 1 and site.batteries[0].follows_grid and all_surplus(scene)
    room = room and not (alone and site.batteries[0].inverter is not None)
    return Sight(
        now=site.now,
        sun=output + into_dc,
        held_back=binding
        and output >= 0.97 * cap.total - SLACK_W / 2
        and (crowded or pair.battery > -SLACK_W),
        room=room and not refuses,
        broken=broken,
        step=rise_w_per_s(site.inverters, tuning),
    )


def asking_more(choice: Choice, scene: Scene, surplus: float, step_w: float) -> Choice:
    """The choice with a little more for the battery than the surplus shows, or a little less from it."""
    if choice.power < 0:
        return replace(choice, power=min(0.0, choice.power + step_w), bound="the sun that is held back")
    base = max(0.0, choice.power, surplus - scene.allowed.export)
    power = min(scene.allowed.charge, base + step_w)
    return replace(choice, power=power, bound="the sun that is held back")
