"""Single errands on a charger's profiles, beside the steady work of `limits.py`."""

from msgspec.structs import replace

from busbar_ocpp.calls import Refused, Silent, Superseded
from busbar_ocpp.connector import Connector
from busbar_ocpp.limits import Steering
from busbar_ocpp.profile import Profile, Purpose, Standing, lease_profiles, unit_profile
from busbar_ocpp.standing import Urgency
from busbar_ocpp.wires import wires_of


async def install(steering: Steering, connector: Connector, standing: Standing) -> None:
    """Send what says this standing and wait until it is accepted; raises as `Calls.ask`."""
    terms = steering.terms
    profiles = lease_profiles(
        standing, steering.speech.form, terms.scale(connector), connector.number, terms.moment(connector)
    )
    for profile in profiles:
        if steering.calls is None:
            raise Silent("no link")
        answer = await steering.calls.ask(
            "SetChargingProfile", wires_of(steering.version).set_charging_profile(profile), Urgency.RAISE
        )
        if answer.get("status") != "Accepted":
            raise Refused(str(answer.get("status")), profile.purpose.value)


def start_profile(steering: Steering, connector: Connector) -> Profile | None:
    """The grant as a TxProfile without its transaction, to go with a remote start (1.6 section 5.11)."""
    terms = steering.terms
    holds = connector.holds(terms.bounds(connector), steering.clock.monotonic())
    if holds is None or steering.speech.form.during is not Purpose.TX or not connector.wiring.controllable:
        return None
    standing = terms.standing(connector, terms.grantable_a(connector, holds.limit_a), holds.phases)
    moment = replace(terms.moment(connector), transaction="", elapsed_s=0.0)
    lease, *_ = lease_profiles(
        standing, steering.speech.form, terms.scale(connector), connector.number, moment
    )
    return replace(lease, transaction=None)


async def clear_ours(steering: Steering, connector: Connector) -> int:
    """Clear what we installed at a connector; how many profiles that were."""
    slots = list(connector.installed)
    connector.forget_profiles()
    for number, purpose, level in slots:
        await steering.clear(number, purpose.value, level)
    return len(slots)


async def clear_kept(steering: Steering, connector: Connector) -> None:
    """Clear the profile of a transaction that has ended, in a charger that would keep it."""
    await steering.clear(connector.number, Purpose.TX.value, steering.speech.form.level)


async def set_again(steering: Steering, connector: Connector) -> int:
    """Clear our profiles at a connector and set them anew."""
    cleared = await clear_ours(steering, connector)
    steering.steer(connector)
    return cleared


async def limit_unit(steering: Steering, connector: Connector) -> None:
    """Tell the unit its own maximum, once per boot. A charger that does not know the purpose is excused."""
    if steering.unit_max_a is None or steering.unit_told or steering.calls is None:
        return
    terms = steering.terms
    profile = unit_profile(
        steering.unit_max_a, steering.speech.form, terms.scale(connector), terms.moment(connector)
    )
    steering.unit_told = True
    try:
        answer = await steering.calls.ask(
            "SetChargingProfile", wires_of(steering.version).set_charging_profile(profile), Urgency.RAISE
        )
    except Refused as refused:
        await steering.report(
            "unit_limit_refused", f"its own maximum of {steering.unit_max_a:g} A: {refused}"
        )
    except (Silent, Superseded):
        steering.unit_told = False
    else:
        if answer.get("status") != "Accepted":
            text = f"its own maximum of {steering.unit_max_a:g} A: {answer.get('status')}"
            await steering.report("unit_limit_refused", text)
