"""Forwards a charger to its own back office, while Busbar keeps the limits.

What the charger says is answered at home first and passed on afterwards; a back office that is away changes
nothing at home, and hears of transactions later, with their own times. What the back office asks reaches the
charger, except its charging profiles: those are kept here and cap what Busbar grants. Transaction numbers are
ours towards the charger and are translated upstream (1.6; in 2.0.1 they are the charger's own).
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from busbar_ocpp import frames
from busbar_ocpp.calls import Refused, Silent, Superseded
from busbar_ocpp.connector import Connector
from busbar_ocpp.discovering import OUR_REQUESTS
from busbar_ocpp.measure import number
from busbar_ocpp.outbox import LASTING, Outbox, Waiting
from busbar_ocpp.profile_calls import ProfileCalls, Whose
from busbar_ocpp.settings import name_of
from busbar_ocpp.upstream_link import NoUpstream, UpstreamLink, upstream

if TYPE_CHECKING:
    from busbar_ocpp.charge_point import ChargePoint

log = logging.getLogger(__name__)

Payload = dict[str, Any]

FIRST_RETRY_S, LAST_RETRY_S = 2.0, 60.0
ANSWER_S = 10.0
AUTHORIZE_S = 4.0
# While it is not accepted a charge point asks again at the pace it is told, and sends nothing else (1.6 section 4.2).
SOONEST_BOOT_S, LATEST_BOOT_S = 10.0, 900.0
# A transaction that a back office fails to take is tried again before it is given up (1.6 section 4.10, 9.1.23).
FAILURES = frozenset({"InternalError", "GenericError", "SecurityError"})
TRIES = 3
MOST_STATUSES = 50

# The home needs these as they are: without samples and status nothing can be limited.
# Keys are compared without case (1.6 CiString).
OURS = frozenset(
    {"metervaluesampleinterval", "metervaluessampleddata", "clockaligneddatainterval", "authorizationkey"}
)
OURS_201 = frozenset(
    {
        "SampledDataCtrlr.TxUpdatedInterval",
        "SampledDataCtrlr.TxUpdatedMeasurands",
        "AlignedDataCtrlr.Interval",
        "SecurityCtrlr.BasicAuthPassword",
    }
)
# What the back office may ask of the charger itself.
PASSED_ON = frozenset(
    {
        "RemoteStartTransaction",
        "RemoteStopTransaction",
        "RequestStartTransaction",
        "RequestStopTransaction",
        "UnlockConnector",
        "Reset",
        "ChangeAvailability",
        "TriggerMessage",
        "ExtendedTriggerMessage",
        "GetConfiguration",
        "ChangeConfiguration",
        "GetVariables",
        "GetBaseReport",
        "GetReport",
        "ClearCache",
        "SendLocalList",
        "GetLocalListVersion",
        "ReserveNow",
        "CancelReservation",
        "GetDiagnostics",
        "GetLog",
        "UpdateFirmware",
        "DataTransfer",
        "GetTransactionStatus",
        "CustomerInformation",
        "SetMonitoringBase",
        "SetMonitoringLevel",
        "SetVariableMonitoring",
        "ClearVariableMonitoring",
        "GetMonitoringReport",
    }
)


class Proxy:
    """One charger's line to its back office."""

    def __init__(self, charger: "ChargePoint", url: str, outbox: Outbox) -> None:
        self._charger, self._url, self._outbox = charger, url, outbox
        whose = Whose(charger.plan.id, charger.connectors, charger.desk.clock, charger.desk.plan.nominal_v)
        self.profiles = ProfileCalls(whose, outbox)
        self._link: UpstreamLink | None = None
        self._answers: dict[str, asyncio.Future[frames.Result | frames.Error]] = {}
        self._wake = asyncio.Event()
        self._boot: Payload | None = None
        self._introduced = False
        """The back office has heard who it is, since it connected or booted."""
        self._admitted: set[str] = set()
        """Tags the back office has let in since the service started."""
        self._statuses: dict[tuple[str, str], Payload] = {}
        self._tries = (0, 0)
        """The message that failed last, by its place, and how often."""

    # -- from the charger ----------------------------------------------------------------------

    async def pass_on(self, action: str, payload: Payload, answer: Payload) -> None:
        """Take what the charger said and was answered, for the back office; what must arrive is on the disk then."""
        if action == "BootNotification":
            self._boot, self._introduced = payload, False
            self._wake.set()
            return
        if action == "StatusNotification":
            self._note_status(payload)
        self._forget_ended(action, payload)
        if action == "NotifyReport" and (number(payload.get("requestId")) or 0) > OUR_REQUESTS:
            return  # it answers us
        if action == "StartTransaction":
            ours = str(answer.get("transactionId"))
            if self._outbox.knows_start(self._charger.plan.id, ours):
                return  # told again, because the answer did not reach the charger
            payload = {**payload, "_ours": ours}
        if action in LASTING or (self._link is not None and action != "Authorize"):
            self._outbox.put(self._charger.plan.id, action, payload)
            self._wake.set()
        if action in LASTING:
            await self._outbox.durable()

    def _forget_ended(self, action: str, payload: Payload) -> None:
        """A transaction has ended, and with it the back office's profiles for it."""
        id, evse = payload.get("transactionId"), payload.get("evse")
        if action == "TransactionEvent" and payload.get("eventType") == "Ended":
            info = payload.get("transactionInfo")
            id = info.get("transactionId") if isinstance(info, dict) else None
        elif action != "StopTransaction":
            return
        place = number(evse.get("id")) if isinstance(evse, dict) else None
        place = None if place is None else int(place)
        entry = self._charger.desk.ledger.by_wire_id(self._charger.plan.id, str(id), place)
        self.profiles.forget_transaction(str(id), entry.connector if entry is not None else None)

    def _note_status(self, payload: Payload) -> None:
        """Keep the last word of each connector for a back office that comes back."""
        places = payload.get("connectorId"), payload.get("evseId")
        key = str(places[0])[:8], str(places[1])[:8]
        if key in self._statuses or len(self._statuses) < MOST_STATUSES:
            self._statuses[key] = payload

    async def authorize(self, tag: str, version: str) -> bool:
        """Whether the back office lets a tag charge that is unknown at home; no answer is no."""
        if tag in self._admitted:
            return True
        if version == "1.6":
            payload: Payload = {"idTag": tag}
        else:
            payload = {"idToken": {"idToken": tag, "type": "ISO14443"}}
        try:
            async with asyncio.timeout(AUTHORIZE_S):
                said = await self._ask("Authorize", payload)
        except (NoUpstream, TimeoutError):
            return False
        answer = said.payload if isinstance(said, frames.Result) else {}
        info = answer.get("idTagInfo", answer.get("idTokenInfo"))
        admitted = isinstance(info, dict) and info.get("status") == "Accepted"
        if admitted:
            self._admitted = {*list(self._admitted)[-99:], tag}
        return admitted

    def cap_a(self, connector: Connector) -> float:
        """The most the back office allows now."""
        return self.profiles.cap_a(connector)

    # -- the line ------------------------------------------------------------------------------

    async def run(self) -> None:
        """Stay connected while the service lives."""
        retry_s = FIRST_RETRY_S
        told = False
        while True:
            version = self._charger.version
            if version is None:
                retry_s = FIRST_RETRY_S  # nobody was there yet to be forwarded
            else:
                try:
                    async with upstream(self._url, self._charger.plan.charge_point, version) as link:
                        retry_s, told = FIRST_RETRY_S, False
                        await self._live(link)
                except NoUpstream as error:
                    if not told:
                        await self._charger.report(
                            "back_office_away", f"its back office: {error}", severity="info"
                        )
                    told = True
                except Exception:
                    log.exception("%s: the line to the back office failed", self._charger.plan.id)
            await self._charger.desk.clock.sleep(retry_s)
            retry_s = min(retry_s * 2, LAST_RETRY_S)

    async def _live(self, link: UpstreamLink) -> None:
        self._link = link
        sending = asyncio.create_task(self._send(link))
        try:
            async for text in link.messages():
                await self._receive(text, link)
        finally:
            self._link = None
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(NoUpstream("the line was lost"))

    async def _send(self, link: UpstreamLink) -> None:
        """Who we are first, until the back office takes it; then what waits, one after the other."""
        await self._introduce()
        for status in list(self._statuses.values()):
            await self._patiently("StatusNotification", status)
        while True:
            if not self._introduced:
                await self._introduce()
            waiting = self._outbox.first(self._charger.plan.id)
            if waiting is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._deliver(waiting)

    async def _introduce(self) -> None:
        """Say who it is until that is accepted."""
        self._introduced = True
        while (pause_s := await self._not_accepted()) is not None:
            await self._charger.desk.clock.sleep(pause_s)

    async def _not_accepted(self) -> float | None:
        """Say who it is; gives how long to wait before it is said again, None when it may go on."""
        boot = self._boot if self._boot is not None else self._known_boot()
        said = await self._patiently("BootNotification", boot) if boot is not None else None
        if not isinstance(said, frames.Result) or said.payload.get("status") not in ("Pending", "Rejected"):
            return None
        pause_s = number(said.payload.get("interval")) or 0.0
        return min(max(pause_s, SOONEST_BOOT_S), LATEST_BOOT_S)

    async def _patiently(self, action: str, payload: Payload) -> frames.Result | frames.Error | None:
        """The answer, or None when there is none in time."""
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._ask(action, payload)
        except TimeoutError:
            log.info("%s: the back office does not answer %s", self._charger.plan.id, action)
            return None

    def _known_boot(self) -> Payload | None:
        """Who it is, for a charger that has only reconnected since the service started."""
        identity = self._charger.identity
        if identity is None:
            return None
        firmware = {"firmwareVersion": identity.firmware} if identity.firmware else {}
        if self._charger.version == "1.6":
            vendor, model = identity.vendor[:20], identity.model[:20]
            return {"chargePointVendor": vendor, "chargePointModel": model, **firmware}
        station = {"vendorName": identity.vendor, "model": identity.model[:20], **firmware}
        return {"chargingStation": station, "reason": "ApplicationReset"}

    async def _deliver(self, waiting: Waiting) -> None:
        payload = dict(waiting.payload)
        ours = payload.pop("_ours", None)
        id = payload.get("transactionId")
        if isinstance(id, int):
            theirs = self._outbox.theirs(self._charger.plan.id, str(id))
            payload["transactionId"] = (
                int(theirs) if theirs is not None and theirs.lstrip("-").isdecimal() else id
            )
        said = await self._patiently(waiting.action, payload)
        if said is None or self._failed(waiting, said):
            await self._charger.desk.clock.sleep(FIRST_RETRY_S)
            return
        if ours is not None and isinstance(said, frames.Result):
            self._outbox.learn_id(self._charger.plan.id, ours, str(said.payload.get("transactionId")))
        self._outbox.done(waiting.place)

    def _failed(self, waiting: Waiting, said: frames.Result | frames.Error) -> bool:
        """Whether the back office could not take a transaction just now, and shall be asked again."""
        if isinstance(said, frames.Result) or said.code not in FAILURES:
            return False
        if waiting.action not in LASTING or waiting.action == "MeterValues":
            return False
        place, count = self._tries
        self._tries = waiting.place, count + 1 if place == waiting.place else 1
        log.warning("%s: the back office: %s: %s", self._charger.plan.id, waiting.action, said.code)
        return self._tries[1] < TRIES

    async def _ask(self, action: str, payload: Payload) -> frames.Result | frames.Error:
        link, id = self._link, str(uuid4())
        if link is None:
            raise NoUpstream("no line")
        answer: asyncio.Future[frames.Result | frames.Error] = asyncio.get_running_loop().create_future()
        self._answers[id] = answer
        try:
            await link.send(frames.plain_call(id, action, payload))
            return await answer
        finally:
            del self._answers[id]

    # -- from the back office ------------------------------------------------------------------

    async def _receive(self, text: str | bytes, link: UpstreamLink) -> None:
        try:
            message = frames.read(text, self._charger.version or "1.6")
        except frames.BadFrame as bad:
            log.info("%s: the back office: %s", self._charger.plan.id, bad)
            return
        if not isinstance(message, frames.Call):
            waiting = self._answers.get(message.id)
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
            return
        self._charger.start(self._serve(message, link))

    async def _serve(self, call: frames.Call, link: UpstreamLink) -> None:
        try:
            text = frames.result(call.id, await self._answer(call.action, call.payload))
        except Refused as refused:
            text = frames.error(call.id, self._code(refused), str(refused))
        except (Silent, Superseded) as error:
            text = frames.error(call.id, "InternalError", f"the charge point does not answer: {error}")
        except Exception:
            log.exception("%s: %s of the back office failed", self._charger.plan.id, call.action[:60])
            text = frames.error(call.id, "InternalError", "this could not be served")
        try:
            await link.send(text)
        except NoUpstream:
            return

    def _code(self, refused: Refused) -> str:
        """The protocol's word for what we did not send because its schema forbids it."""
        is_16 = self._charger.version == "1.6"
        off_schema = "FormationViolation" if is_16 else "FormatViolation"
        return off_schema if refused.code == "OffSchema" else refused.code

    async def _answer(self, action: str, payload: Payload) -> Payload:
        """Profiles are answered here; the rest goes to the charger."""
        answer = self.profiles.answer(action, payload)
        if answer is not None:
            self._wake.set()
            self._charger.steer_all()
            return answer
        if action == "ChangeConfiguration" and str(payload.get("key")).casefold() in OURS:
            return {"status": "Rejected"}
        if action == "SetVariables":
            return await self._set_variables(payload)
        if action not in PASSED_ON:
            raise Refused("NotSupported", f"{action[:60]} is not passed on")
        calls = self._charger.calls
        if calls is None:
            raise Silent("no link")
        return await calls.ask(action, self._for_charger(action, payload))

    async def _set_variables(self, payload: Payload) -> Payload:
        """SetVariables of 2.0.1, without those that the home needs as they are."""
        entries = payload.get("setVariableData")
        asked = [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
        theirs = [one for one in asked if name_of(one) not in OURS_201]
        calls = self._charger.calls
        if calls is None:
            raise Silent("no link")
        answer = await calls.ask("SetVariables", {**payload, "setVariableData": theirs}) if theirs else {}
        results = answer.get("setVariableResult", [])
        kept = [
            {"attributeStatus": "Rejected", "component": one["component"], "variable": one["variable"]}
            for one in asked
            if name_of(one) in OURS_201
        ]
        return {"setVariableResult": [*results, *kept]}

    def _for_charger(self, action: str, payload: Payload) -> Payload:
        """The same with our transaction number, and without a profile."""
        changed = dict(payload)
        if action == "RemoteStopTransaction":
            ours = self._outbox.ours(self._charger.plan.id, str(payload.get("transactionId")))
            if ours is not None and ours.isdecimal():
                changed["transactionId"] = int(ours)
        profile = changed.pop("chargingProfile", None)
        if profile is not None:
            self.profiles.install(payload.get("connectorId", payload.get("evseId", 1)), profile)
            self._charger.steer_all()
        return changed
