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
from busbar_ocpp.foreign_profiles import ForeignProfiles
from busbar_ocpp.outbox import LASTING, Outbox, Waiting
from busbar_ocpp.rfc3339 import to_wire
from busbar_ocpp.settings import name_of
from busbar_ocpp.upstream_link import NoUpstream, UpstreamLink, upstream

if TYPE_CHECKING:
    from busbar_ocpp.charge_point import ChargePoint

log = logging.getLogger(__name__)

Payload = dict[str, Any]

FIRST_RETRY_S, LAST_RETRY_S = 2.0, 60.0
ANSWER_S = 10.0
AUTHORIZE_S = 4.0

# The home needs these as they are: without samples and status nothing can be limited.
OURS = frozenset(
    {"MeterValueSampleInterval", "MeterValuesSampledData", "ClockAlignedDataInterval", "AuthorizationKey"}
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
        legs = max((len(one.wiring.legs) for one in charger.connectors.values()), default=3)
        self.profiles = ForeignProfiles(charger.desk.plan.nominal_v, legs)
        self.profiles.kept = outbox.profiles(charger.plan.id)
        self._link: UpstreamLink | None = None
        self._answers: dict[str, asyncio.Future[frames.Result | frames.Error]] = {}
        self._wake = asyncio.Event()
        self._boot: Payload | None = None
        self._admitted: set[str] = set()
        """Tags the back office has let in since the service started."""
        self._statuses: dict[tuple[object, object], Payload] = {}

    # -- from the charger ----------------------------------------------------------------------

    def pass_on(self, action: str, payload: Payload, answer: Payload) -> None:
        """Take what the charger said and was answered, for the back office."""
        if action == "BootNotification":
            self._boot = payload
        elif action == "StatusNotification":
            self._statuses[payload.get("connectorId"), payload.get("evseId")] = payload
        self._forget_ended(action, payload)
        if action == "NotifyReport" and payload.get("requestId", 0) > OUR_REQUESTS:
            return  # it answers us
        if action == "StartTransaction":
            payload = {**payload, "_ours": str(answer.get("transactionId"))}
        if action in LASTING or (self._link is not None and action != "Authorize"):
            self._outbox.put(self._charger.plan.id, action, payload)
            self._wake.set()

    def _forget_ended(self, action: str, payload: Payload) -> None:
        """A transaction has ended, and with it the back office's profiles for it."""
        id = payload.get("transactionId")
        if action == "TransactionEvent" and payload.get("eventType") == "Ended":
            info = payload.get("transactionInfo")
            id = info.get("transactionId") if isinstance(info, dict) else None
        elif action != "StopTransaction":
            return
        entry = self._charger.desk.ledger.by_wire_id(self._charger.plan.id, str(id))
        if self.profiles.forget_transaction(str(id), entry.connector if entry is not None else None):
            self._keep()

    def _keep(self) -> None:
        """What the back office allows outlives a restart, as it would in a charger."""
        self._outbox.keep_profiles(self._charger.plan.id, self.profiles.kept)

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
        entry = connector.transaction
        return self.profiles.cap_a(
            connector.number,
            self._charger.desk.clock.now(),
            connector.transaction_id,
            entry.started_at if entry else None,
        )

    # -- the line ------------------------------------------------------------------------------

    async def run(self) -> None:
        """Stay connected while the service lives."""
        retry_s = FIRST_RETRY_S
        told = False
        while True:
            version = self._charger.version
            if version is not None:
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
        """Who we are first, then what waits, one after the other."""
        boot = self._boot if self._boot is not None else self._known_boot()
        if boot is not None:
            await self._ask("BootNotification", boot)
        for status in list(self._statuses.values()):
            await self._ask("StatusNotification", status)
        while True:
            waiting = self._outbox.first(self._charger.plan.id)
            if waiting is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._deliver(waiting)

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
        try:
            async with asyncio.timeout(ANSWER_S):
                said = await self._ask(waiting.action, payload)
        except TimeoutError:
            log.info("%s: the back office does not answer %s", self._charger.plan.id, waiting.action)
            await asyncio.sleep(FIRST_RETRY_S)
            return
        if ours is not None and isinstance(said, frames.Result):
            self._outbox.learn_id(self._charger.plan.id, ours, str(said.payload.get("transactionId")))
        self._outbox.done(waiting.place)

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
            text = frames.error(call.id, refused.code, str(refused))
        except (Silent, Superseded) as error:
            text = frames.error(call.id, "InternalError", f"the charge point does not answer: {error}")
        try:
            await link.send(text)
        except NoUpstream:
            return

    async def _answer(self, action: str, payload: Payload) -> Payload:
        """Profiles are answered here; the rest goes to the charger."""
        if action == "SetChargingProfile":
            wire = payload.get("csChargingProfiles", payload.get("chargingProfile"))
            return self._install(payload.get("connectorId", payload.get("evseId")), wire)
        if action == "ClearChargingProfile":
            answer = {"status": self.profiles.clear(payload)}
            self._keep()
            self._charger.steer_all()
            return answer
        if action == "GetChargingProfiles":
            return self._report_profiles(payload)
        if action == "GetCompositeSchedule":
            return self._composite(payload)
        if action == "ChangeConfiguration" and payload.get("key") in OURS:
            return {"status": "Rejected"}
        if action == "SetVariables":
            return await self._set_variables(payload)
        if action not in PASSED_ON:
            raise Refused("NotSupported", f"{action[:60]} is not passed on")
        calls = self._charger.calls
        if calls is None:
            raise Silent("no link")
        return await calls.ask(action, self._for_charger(action, payload))

    def _install(self, connector: object, wire: object) -> Payload:
        if isinstance(wire, dict) and "transactionId" in wire:
            ours = self._outbox.ours(self._charger.plan.id, str(wire["transactionId"]))
            wire = {**wire, "transactionId": ours if ours is not None else wire["transactionId"]}
        answer = {"status": self.profiles.install(connector, wire)}
        self._keep()
        self._charger.steer_all()
        return answer

    def _report_profiles(self, payload: Payload) -> Payload:
        """GetChargingProfiles of 2.0.1 (K09): from the store, one report for each EVSE."""
        places = self.profiles.matching(payload)
        for number, (evse, wires) in enumerate(sorted(places.items()), start=1):
            report = {
                "requestId": payload.get("requestId", 0), "chargingLimitSource": "CSO", "evseId": evse,
                "chargingProfile": wires, "tbc": number < len(places),
            }  # fmt: skip
            self._outbox.put(self._charger.plan.id, "ReportChargingProfiles", report)
        self._wake.set()
        return {"status": "Accepted" if places else "NoProfiles"}

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
            self._install(payload.get("connectorId", payload.get("evseId", 1)), profile)
        return changed

    def _composite(self, payload: Payload) -> Payload:
        """What Busbar and the back office together allow at this moment."""
        number = payload.get("connectorId", payload.get("evseId"))
        connector = self._charger.connectors.get(number) if isinstance(number, int) else None
        if connector is None:
            return {"status": "Rejected"}
        limit = min(connector.told_a if connector.told_a is not None else 0.0, self.cap_a(connector))
        now = to_wire(self._charger.desk.clock.now())
        period = {"startPeriod": 0, "limit": int(limit * 10) / 10}
        if "connectorId" in payload:
            schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [period], "startSchedule": now}
            return {
                "status": "Accepted",
                "connectorId": number,
                "scheduleStart": now,
                "chargingSchedule": schedule,
            }
        return {
            "status": "Accepted",
            "schedule": {
                "evseId": number,
                "duration": payload.get("duration", 60),
                "scheduleStart": now,
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [period],
            },
        }
