"""Runs the proof of a lease on a charge point (`proof.py` decides)."""

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from busbar_contracts.charger import LeaseQuality
from busbar_ocpp import errands
from busbar_ocpp.calls import Refused, Silent, Superseded
from busbar_ocpp.connector import Connector
from busbar_ocpp.proof import CannotTry, Trial, trial, verdict

if TYPE_CHECKING:
    from busbar_ocpp.charge_point import ChargePoint

log = logging.getLogger(__name__)

REBOOT_S = 180.0
FRESH_WAIT_S = 40.0
FOLLOWS_S = 5.0


async def verify(charger: "ChargePoint", connector: Connector, *, reboot: bool = False) -> str:
    """The outcome as a sentence; what was shown is remembered for this kind of charger."""
    steering = charger.steering
    if not steering.speech.controllable:
        return (
            "lease: none. It takes no limit in any form, and is reserved at its maximum while a car charges"
        )
    try:
        await _fresh_sample(charger, connector)
        running = _begin(charger, connector)
    except CannotTry as cannot:
        return _not_now(charger, cannot)
    steering.silent.add(connector.number)
    try:
        await errands.install(steering, connector, running.standing)
        running = replace(running, began_s=charger.desk.clock.monotonic())
        fell = await _watch(charger, connector, running)
        if fell and reboot:
            kept = await _reboot(charger, connector)
            charger.desk.memory.of(charger.plan.charge_point).keeps_profiles = kept
    except CannotTry as cannot:
        return _not_now(charger, cannot)
    except (Refused, Silent, Superseded) as error:
        return f"the charger did not take the profile: {error}"
    finally:
        steering.silent.discard(connector.number)
        connector.forget_profiles()
        steering.steer(connector)
    return _conclude(charger, running, fell)


def _not_now(charger: "ChargePoint", cannot: CannotTry) -> str:
    known = "; lease: none" if charger.steering.speech.quality is LeaseQuality.NONE else ""
    return f"cannot be tried now: {cannot}{known}"


async def _fresh_sample(charger: "ChargePoint", connector: Connector) -> None:
    """Wait for a sample that was taken under the limit that stands; an older one would accuse the charger."""
    clock = charger.desk.clock
    since_s = clock.monotonic()
    while clock.monotonic() - since_s < FRESH_WAIT_S:
        at, told_at = connector.draw.at, connector.told_at
        if (
            charger.calls is None
            or at is None
            or told_at is None
            or at > told_at + timedelta(seconds=FOLLOWS_S)
        ):
            return
        await clock.sleep(1.0)


def _begin(charger: "ChargePoint", connector: Connector) -> Trial:
    terms, now_s = charger.terms, charger.desk.clock.monotonic()
    holds = connector.holds(terms.bounds(connector), now_s)
    if charger.calls is None or holds is None:
        raise CannotTry("the charger is not connected" if charger.calls is None else "no limit stands yet")
    if terms.drift.ahead_s is None:
        raise CannotTry("the charger's clock is not known yet")
    return trial(
        terms.standing(connector, holds.limit_a, holds.phases),
        connector.drawn_a(charger.desk.plan.nominal_v),
        now_s,
    )


async def _watch(charger: "ChargePoint", connector: Connector, running: Trial) -> bool:
    """Say nothing and look each second."""
    clock = charger.desk.clock
    while True:
        await clock.sleep(1.0)
        now_s = clock.monotonic()
        holds = connector.holds(charger.terms.bounds(connector), now_s)
        if holds is None or holds.limit_a < running.granted_a:
            raise CannotTry("the limit was cut meanwhile")
        at = connector.draw.at
        sample_s = None if at is None else now_s - (clock.now() - at).total_seconds()
        fell = verdict(running, connector.drawn_a(charger.desk.plan.nominal_v), sample_s, now_s)
        if fell is not None:
            return fell


async def _reboot(charger: "ChargePoint", connector: Connector) -> bool | None:
    """Reset the charger and see, before anything is sent, whether a profile survived."""
    clock = charger.desk.clock
    boots = charger.boots
    if charger.calls is None or (await charger.calls.ask("Reset", charger.reset_payload(hard=False))).get(
        "status"
    ) not in ("Accepted", "Scheduled"):
        return None
    since_s = clock.monotonic()
    while charger.boots == boots or charger.calls is None:
        if clock.monotonic() - since_s > REBOOT_S:
            return None
        await clock.sleep(1.0)
    limit = await charger.composite_a(connector)
    return None if limit is None else limit <= connector.wiring.max_a


def _conclude(charger: "ChargePoint", running: Trial, fell: bool) -> str:
    steering, known = charger.steering, charger.desk.memory.of(charger.plan.charge_point)
    steering.speech.proof = fell
    if fell:
        charger.trust(True)
    known.form, known.proof, known.proof_form = steering.speech.form, fell, steering.speech.form
    charger.desk.memory.save_learned()
    if not fell:
        return (
            f"lease: none. It was told {running.granted_a:g} A for 20 s and {running.then_a:g} A after, heard nothing"
            f" more, and went on drawing; what Busbar grants it must fit for ever"
        )
    kept = {True: "; a profile survived its reboot", False: "; it forgets its profiles when it reboots"}
    more = kept.get(known.keeps_profiles, "") if known.keeps_profiles is not None else ""
    return f"lease: proven. It fell from {running.granted_a:g} A to {running.then_a:g} A by itself, without a word{more}"
