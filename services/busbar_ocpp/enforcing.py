"""Sees to it that a charger obeys: compares what it draws with what it was told, and climbs the ladder."""

from contextlib import suppress
from typing import TYPE_CHECKING

from busbar_ocpp import draw, errands, obey, told
from busbar_ocpp.calls import Refused, Silent, Superseded
from busbar_ocpp.connector import Connector

if TYPE_CHECKING:
    from busbar_ocpp.charge_point import ChargePoint

DEAD_S = 10.0
"""A car and its charger have this long to follow a limit before a sample may accuse them."""


def judge(charger: "ChargePoint", connector: Connector) -> None:
    """Compare the newest sample with what was told."""
    drawn, at = connector.drawn_a(charger.desk.plan.nominal_v), connector.draw.at
    if drawn is None or at is None:
        return
    connector.measures = True
    if charger.released or not connector.wiring.controllable or connector.number in charger.steering.silent:
        return
    if connector.told_a is None:
        return
    now, now_s = charger.desk.clock.now(), charger.desk.clock.monotonic()
    before, sample_s = connector.obedience, now_s - (now - at).total_seconds()
    # What was counted from a register is a mean over some time, in which an older limit may have held.
    mean_s = draw.LONGEST_S if connector.draw.counted_at is not None else 0.0
    answer_s = charger.calls.answer_s or 0.0 if charger.calls else 0.0
    dead_s = min(DEAD_S + mean_s + answer_s, told.LONGEST_DEAD_S)
    connector.obedience = obey.seen(
        before,
        drawn_a=drawn,
        sample_s=sample_s,
        allowed_a=told.allowed(connector.told_log, sample_s, dead_s, connector.draw.legs_in_use),
        told_a=connector.told_a,
        now_s=now_s,
    )
    if connector.obedience.disobedient and not before.disobedient:
        text = f"{connector.wiring.load} draws {drawn:.1f} A, its limit is {connector.told_a:g} A"
        charger.start(charger.report("disobedient", text, severity="error"))
        charger.trust(False)
    elif connector.obedience.curbed and charger.steering.speech.disobeyed:
        charger.trust(True)
        text = f"{connector.wiring.load} follows its limits again"
        charger.start(charger.report("obeys_again", text, severity="info"))
    if connector.obedience.disobedient != before.disobedient:
        charger.changed(connector)


def enforce(charger: "ChargePoint", connector: Connector) -> None:
    """Climb the next rung against a disobedient charger."""
    now_s = charger.desk.clock.monotonic()
    allowed = charger.plan.config.hard_reset_allowed
    rung = obey.next_rung(connector.obedience, hard_allowed=allowed, now_s=now_s)
    if rung is None or charger.calls is None or charger.steering.paused:
        return
    connector.obedience = obey.acted(connector.obedience, rung, now_s)
    charger.start(_climb(charger, connector, rung))


async def _climb(charger: "ChargePoint", connector: Connector, rung: obey.Rung) -> None:
    what = rung.value.replace("_", " ")
    await charger.report(f"disobedient_{rung.value}", f"{connector.wiring.load}: {what}")
    if rung is obey.Rung.SET_AGAIN:
        await errands.set_again(charger.steering, connector)
    elif charger.calls is not None:
        with suppress(Silent, Refused, Superseded):
            await charger.calls.ask("Reset", charger.reset_payload(hard=rung is obey.Rung.HARD_RESET))
