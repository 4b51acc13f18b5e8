"""A plug as others are told of it."""

from busbar_contracts.load import PlugState
from busbar_plugs.plug import Plug
from busbar_plugs.relay import is_manual, may_switch_at
from busbar_plugs.seen import fresh
from busbar_shared.moment import Moment


def state_of(plug: Plug, now: Moment) -> PlugState:
    """All that is known of the plug, each measured value with its own time."""
    figures, held = plug.appetite.figures(now), plug.orders.lease(now)
    span = plug.setup.range
    power_w = plug.appetite.planned_w(now)
    earliest = may_switch_at(plug.relay, now.s, plug.setup.rules)
    return PlugState(
        at=now.at,
        link=plug.link,
        on=plug.relay.on,
        switched_at=now.when(plug.relay.switched_at_s),
        power_w=fresh(plug.known.power, now.s, plug.setup.stale_after_s),
        sampled_at=now.when(plug.known.power.at_s) if plug.known.power is not None else None,
        energy_wh=None if plug.known.energy is None else plug.known.energy.value,
        energy_at=None if plug.known.energy is None else now.when(plug.known.energy.at_s),
        min_w=power_w if span is None else span.min_w,
        max_w=power_w if span is None else span.max_w,
        step_w=None if span is None or not span.stepped else span.step_w,
        learned_w=_rounded(figures.running_w),
        standby_w=_rounded(figures.standby_w),
        duty_percent=None if figures.duty is None else round(100 * figures.duty, 1),
        peak_w=_rounded(figures.peak_w),
        wants_power=plug.appetite.wants_power(plug.mode, plug.relay.on, now),
        idle=bool(plug.relay.on) and plug.appetite.rests,
        manual=is_manual(plug.relay, now.s),
        measures=plug.known.power is not None,
        safe_state="on" if plug.setup.rules.safe_on else "off",
        power_on=plug.known.power_on,
        device_timer=plug.duty.is_armed(plug.setup.driver) and plug.setup.proven_timer,
        may_switch_at=now.when(earliest) if earliest > now.s else None,
        order_on=None if held is None else held.order.on,
        order_until=None if held is None else now.when(held.until_s),
        issuer=None if held is None else held.order.issuer,
        last_refusal=plug.last_refusal,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
