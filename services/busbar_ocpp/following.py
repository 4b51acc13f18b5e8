"""Starts a car that waits for a tag, and stops one that 0 A does not pause.

Both are asked at most each 30 s: a charger needs its time, and an owner may have said no at the charger.
"""

from contextlib import suppress
from typing import TYPE_CHECKING

from busbar_contracts.charger import ConnectorStatus
from busbar_ocpp import owner
from busbar_ocpp.calls import Refused, Silent, Superseded
from busbar_ocpp.connector import PLUGGED, Connector
from busbar_ocpp.obey import TOLERANCE_A

if TYPE_CHECKING:
    from busbar_ocpp.charge_point import ChargePoint

ASK_AGAIN_S = 30.0


def follow(charger: "ChargePoint", connector: Connector) -> None:
    """Ask for a start or a stop where one is due."""
    now_s = charger.desk.clock.monotonic()
    if charger.calls is None or charger.steering.paused or charger.released:
        return
    if now_s - connector.asked_s < ASK_AGAIN_S:
        return
    holds = connector.holds(charger.terms.bounds(connector), now_s)
    granted = holds is not None and holds.limit_a >= connector.wiring.min_a
    if connector.transaction is None or _unclaimed(connector):
        tag = _waiting_tag(charger, connector, granted=granted)
        if tag is not None:
            connector.asked_s = now_s
            charger.start(_start(charger, connector, tag))
        return
    draws = (connector.drawn_a(charger.desk.plan.nominal_v) or 0.0) > TOLERANCE_A
    if charger.quirk.zero_does_not_stop and holds is not None and not granted and draws:
        connector.asked_s = now_s
        connector.stopped_tag = connector.transaction.tag
        charger.start(_stop(charger, connector))


def _unclaimed(connector: Connector) -> bool:
    """A transaction of 2.0.1 that began with the cable (TxStartPoint EVConnected), and still waits for a tag."""
    running = connector.transaction
    return running is not None and running.tag is None and connector.status is ConnectorStatus.PREPARING


def _waiting_tag(charger: "ChargePoint", connector: Connector, *, granted: bool) -> str | None:
    if connector.stopped_tag is not None and connector.status in PLUGGED:
        if not granted:
            return None
        tag, connector.stopped_tag = connector.stopped_tag, None
        return tag
    if connector.status is not ConnectorStatus.PREPARING:
        return None
    if charger.quirk.zero_does_not_stop and not granted:
        return None
    return charger.plan.config.auto_start


async def _start(charger: "ChargePoint", connector: Connector, tag: str) -> None:
    with suppress(Silent, Refused, Superseded):
        await owner.remote_start(charger, connector, tag)


async def _stop(charger: "ChargePoint", connector: Connector) -> None:
    with suppress(Silent, Refused, Superseded):
        await owner.remote_stop(charger, connector)
