"""What a charger's own back office asks, and how it is answered.

Its charging profiles are kept here, as a charger would keep them. The settings that the home measures by stay as they
are. Of the rest what is listed reaches the charger, with our number for a 1.6 transaction.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from busbar_ocpp import frames
from busbar_ocpp.calls import Refused, Silent, Superseded
from busbar_ocpp.outbox import Outbox
from busbar_ocpp.profile_calls import ProfileCalls
from busbar_ocpp.settings import name_of

if TYPE_CHECKING:
    from busbar_ocpp.charge_point import ChargePoint

log = logging.getLogger(__name__)

Payload = dict[str, Any]

# The home needs these as they are: without samples nothing can be limited, and by its password it comes in.
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


class BackOfficeCalls:
    """Answers the calls of one charger's back office."""

    def __init__(
        self, charger: "ChargePoint", outbox: Outbox, profiles: ProfileCalls, told: Callable[[], None]
    ) -> None:
        self._charger, self._outbox, self._profiles = charger, outbox, profiles
        self._told = told
        """Something new may wait in the outbox."""

    async def served(self, call: frames.Call) -> str:
        """The frame that answers a call. Never raises for what is asked, nor for a charger that is away."""
        try:
            return frames.result(call.id, await self._answer(call.action, call.payload))
        except Refused as refused:
            return frames.error(call.id, self._code(refused), str(refused))
        except (Silent, Superseded) as error:
            return frames.error(call.id, "InternalError", f"the charge point does not answer: {error}")
        except Exception:
            log.exception("%s: %s of the back office failed", self._charger.plan.id, call.action[:60])
            return frames.error(call.id, "InternalError", "this could not be served")

    def _code(self, refused: Refused) -> str:
        """The protocol's word for what we did not send because its schema forbids it."""
        is_16 = self._charger.version == "1.6"
        off_schema = "FormationViolation" if is_16 else "FormatViolation"
        return off_schema if refused.code == "OffSchema" else refused.code

    async def _answer(self, action: str, payload: Payload) -> Payload:
        """Profiles are answered here; the rest goes to the charger."""
        answer = self._profiles.answer(action, payload)
        if answer is not None:
            self._told()
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
            self._profiles.install(payload.get("connectorId", payload.get("evseId", 1)), profile)
            self._charger.steer_all()
        return changed
