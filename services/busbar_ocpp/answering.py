"""What a call of a charge point is answered with: what was said is understood, its transaction booked, its tag judged."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from busbar_ocpp import answers, frames, hear16, hear201
from busbar_ocpp.drift import Drift, heard
from busbar_ocpp.entry import Entry
from busbar_ocpp.hear16 import Unreadable
from busbar_ocpp.said import Booted, Said, TransactionSaid

if TYPE_CHECKING:
    from busbar_ocpp.charge_point import ChargePoint

HEARTBEAT_S = 60


async def answer(
    charger: "ChargePoint", call: frames.Call, version: str
) -> tuple[Said | None, dict[str, Any]]:
    """What was said, booked, and its answer. Raises Unreadable for what is not served, or not understood."""
    now = charger.desk.clock.now()
    said = _heard(charger, call, version)
    if isinstance(said, Booted):
        return said, answers.boot(now, HEARTBEAT_S, accepted=True)
    if isinstance(said, TransactionSaid):
        accepted = await _admits(charger, said, version)
        return said, _book(charger, said, now, version, accepted=accepted)
    if call.action == "Authorize":
        accepted = await charger.authorising.admits(_tag(call.payload, version), version, None)
        return None, answers.authorized(accepted, version)
    plain = answers.plain(call.action, version, now, passed_on=charger.proxy is not None)
    if plain is None:
        raise Unreadable(answers.unknown(call.action, version), f"{call.action[:60]} is not served here")
    return said, plain


def _heard(charger: "ChargePoint", call: frames.Call, version: str) -> Said | None:
    """What a call says; a transaction of 2.0.1 that names no EVSE is at the only one."""
    if answers.family(version) == "1.6":
        return hear16.read(call.action, call.payload)
    said = hear201.read(call.action, call.payload)
    if isinstance(said, TransactionSaid) and said.connector is None and len(charger.connectors) == 1:
        return replace(said, connector=next(iter(charger.connectors)))
    return said


async def _admits(charger: "ChargePoint", said: TransactionSaid, version: str) -> bool:
    """Whether the tag of a transaction may charge. Nobody is asked about a tag that ends one."""
    if said.tag is None:
        return True
    if said.kind == "ended":
        return charger.authorising.knows(said.tag)
    return await charger.authorising.admits(said.tag, version, said.connector)


def _book(
    charger: "ChargePoint", said: TransactionSaid, now: datetime, version: str, *, accepted: bool
) -> dict[str, Any]:
    """Book what happened to a transaction, and give its answer. A tag that may not charge claims none that runs."""
    is_16 = answers.family(version) == "1.6"
    authorized = answers.authorized(accepted, version)
    only_201 = authorized if said.tag is not None and not is_16 else {}
    known = said if accepted else replace(said, tag=None)
    if said.kind == "updated":
        charger.booking.go_on(known, now, _drift_at(charger, said, now))
    elif said.kind == "ended":
        charger.booking.finish(said, now, _drift_at(charger, said, now))
    elif said.connector is None:  # 2.0.1 may name the EVSE later; the event that does begins it here
        charger.booking.await_place(known)
    else:
        entry = _begin(charger, said.connector, said, now)
        return {"transactionId": entry.number, **authorized} if is_16 else only_201
    return only_201


def _begin(charger: "ChargePoint", number: int, said: TransactionSaid, now: datetime) -> Entry:
    connector = charger.connectors.get(number)
    before = connector.transaction_id if connector is not None else None
    entry = charger.booking.begin(said, now, _drift_at(charger, said, now))
    if connector is not None and connector.transaction_id != before:
        charger.terms.unanswered.add(number)
    return entry


def _drift_at(charger: "ChargePoint", said: TransactionSaid, now: datetime) -> Drift:
    """How far its clock is off by all that is known, this message included; a queued one tells nothing."""
    drift = charger.terms.drift
    known = heard(drift, said.at, now, charger.desk.clock.monotonic())
    return drift if known.ahead_s is None else known


def _tag(payload: dict[str, Any], version: str) -> str:
    if answers.family(version) == "1.6":
        return hear16.as_kind(payload, hear16.Authorize).id_tag
    return hear16.as_kind(payload, hear201.Authorize).id_token.id_token
