"""What the owner asks of a charger, each once and each with an answer."""

import itertools
import logging
import re
from typing import TYPE_CHECKING, Any

from busbar_contracts.charger import ChargerAction, ChargerCommand
from busbar_ocpp import answers, errands
from busbar_ocpp.calls import Refused, Silent, Superseded
from busbar_ocpp.connector import Connector
from busbar_ocpp.profile import Purpose
from busbar_ocpp.settings import asked, keys_of, secret, variables_of
from busbar_ocpp.verifying import verify
from busbar_ocpp.wires import wires_of

if TYPE_CHECKING:
    from busbar_ocpp.charge_point import ChargePoint

log = logging.getLogger(__name__)

Payload = dict[str, Any]
_requests = itertools.count(1)
ON_IDLE = "on_idle"
NO_VARIABLE = (
    "OCPP 2.0.1 needs a component and a variable, as in SmartChargingCtrlr.RateUnit or EVSE[1].Power"
)


async def carry_out(charger: "ChargePoint", connector: Connector, command: ChargerCommand) -> str:
    """Do what was asked and say how it went, in a sentence."""
    try:
        if charger.calls is None and command.action not in (ChargerAction.RELEASE, ChargerAction.ACCEPT):
            return "the charger is not connected"
        return await _DO[command.action](charger, connector, command)
    except Silent as silent:
        return f"no answer: {silent}"
    except Refused as refused:
        return f"refused: {refused}"
    except Superseded:
        return "a newer command took its place"


async def remote_start(charger: "ChargePoint", connector: Connector, tag: str) -> str:
    """Start charging with this tag; the grant goes with it where the charger takes that (4.8)."""
    profile = errands.start_profile(charger.steering, connector)
    for carried in (profile, None) if profile is not None else (None,):
        payload: Payload
        if _is_16(charger):
            payload = {"connectorId": connector.number, "idTag": tag[:20]}
            action = "RemoteStartTransaction"
        else:
            token = {"idToken": tag[:36], "type": "Central"}
            payload = {"evseId": connector.number, "idToken": token, "remoteStartId": next(_requests)}
            action = "RequestStartTransaction"
        if carried is not None:
            payload["chargingProfile"] = wires_of(charger.steering.version).charging_profile(carried)
        try:
            status = (await _call(charger, action, payload)).get("status")
        except Refused:
            if carried is None:
                raise
            continue
        if status == "Accepted" or carried is None:
            return f"{status}"
    return "Rejected"


async def remote_stop(charger: "ChargePoint", connector: Connector) -> str:
    """Stop the running transaction."""
    if connector.transaction is None:
        return "nothing runs"
    if _is_16(charger):
        payload: Payload = {"transactionId": int(connector.transaction.wire_id)}
        return await _status(charger, "RemoteStopTransaction", payload)
    return await _status(charger, "RequestStopTransaction", {"transactionId": connector.transaction.wire_id})


async def _start(charger: "ChargePoint", connector: Connector, command: ChargerCommand) -> str:
    section = charger.desk.plan.section
    tag = command.tag or charger.plan.config.auto_start or next(iter(section.tags), None)
    if tag is None:
        return "a tag is needed: none is given, and none is configured"
    return await remote_start(charger, connector, tag)


async def _stop(charger: "ChargePoint", connector: Connector, command: ChargerCommand) -> str:
    return await remote_stop(charger, connector)


async def _unlock(charger: "ChargePoint", connector: Connector, command: ChargerCommand) -> str:
    if _is_16(charger):
        return await _status(charger, "UnlockConnector", {"connectorId": connector.number})
    return await _status(charger, "UnlockConnector", {"evseId": connector.number, "connectorId": 1})


async def _reset(charger: "ChargePoint", connector: Connector, command: ChargerCommand) -> str:
    hard = command.action is ChargerAction.HARD_RESET
    if command.value == ON_IDLE and not hard:
        if not _is_16(charger):
            return await _status(charger, "Reset", {"type": "OnIdle"})
        if any(one.transaction is not None for one in charger.connectors.values()):
            return "not now: a car charges, and OCPP 1.6 cannot wait for its end"
    return await _status(charger, "Reset", charger.reset_payload(hard=hard))


async def _clear(charger: "ChargePoint", connector: Connector, command: ChargerCommand) -> str:
    cleared = await errands.set_again(charger.steering, connector)
    return f"{cleared} profiles cleared and set again"


async def _release(charger: "ChargePoint", connector: Connector, command: ChargerCommand) -> str:
    charger.released = True
    cleared = 0
    if charger.calls is not None:
        for one in charger.connectors.values():
            cleared += await errands.clear_ours(charger.steering, one)
        await charger.steering.clear(0, Purpose.MAX.value, charger.steering.speech.form.level)
    return (
        f"released: {cleared} profiles cleared; it now charges as it was set up, without a limit of Busbar,"
        " until `accept` or a restart of the service"
    )


async def _accept(charger: "ChargePoint", connector: Connector, command: ChargerCommand) -> str:
    charger.released = False
    charger.tick()
    return "accepted: Busbar keeps its limits"


async def _availability(charger: "ChargePoint", connector: Connector, command: ChargerCommand) -> str:
    kind = "Operative" if command.action is ChargerAction.ENABLE else "Inoperative"
    if _is_16(charger):
        payload: Payload = {"connectorId": connector.number, "type": kind}
    else:
        payload = {"operationalStatus": kind, "evse": {"id": connector.number}}
    return await _status(charger, "ChangeAvailability", payload)


async def _trigger(charger: "ChargePoint", connector: Connector, command: ChargerCommand) -> str:
    payload: Payload = {"requestedMessage": command.key or "StatusNotification"}
    if payload["requestedMessage"] in ("StatusNotification", "MeterValues"):
        if _is_16(charger):
            payload["connectorId"] = connector.number
        else:
            payload["evse"] = {"id": connector.number, "connectorId": 1}
    return await _status(charger, "TriggerMessage", payload)


async def _get(charger: "ChargePoint", connector: Connector, command: ChargerCommand) -> str:
    if command.key is not None and secret(command.key):
        return f"{command.key} is a secret and is not shown"
    if _is_16(charger):
        keys = {"key": [command.key]} if command.key else {}
        found = keys_of(await _call(charger, "GetConfiguration", keys))
    else:
        if not _names_a_variable(command.key):
            return NO_VARIABLE
        wanted = {"getVariableData": [asked(command.key or "")]}
        found = variables_of(await _call(charger, "GetVariables", wanted))
    return ", ".join(f"{key} = {value}" for key, value in sorted(found.items())) or "unknown to the charger"


async def _set(charger: "ChargePoint", connector: Connector, command: ChargerCommand) -> str:
    if not command.key or command.value is None:
        return "a key and a value are needed"
    if _is_16(charger):
        payload: Payload = {"key": command.key[:50], "value": command.value[:500]}
        return await _status(charger, "ChangeConfiguration", payload)
    if not _names_a_variable(command.key):
        return NO_VARIABLE
    data = {"attributeValue": command.value, **asked(command.key)}
    answer = await _call(charger, "SetVariables", {"setVariableData": [data]})
    results = answer.get("setVariableResult")
    return str(results[0].get("attributeStatus")) if isinstance(results, list) and results else "no answer"


def _names_a_variable(key: str | None) -> bool:
    return (
        key is not None and re.fullmatch(r"\w+(\[\d{1,3}\])?\.\w+(\[[\w-]{1,50}\])?(\.max)?", key) is not None
    )


async def _diagnostics(charger: "ChargePoint", connector: Connector, command: ChargerCommand) -> str:
    if not command.value:
        return "the address to upload to is needed, for example ftp://192.168.1.2/"
    if _is_16(charger):
        answer = await _call(charger, "GetDiagnostics", {"location": command.value})
        return f"it will upload {answer.get('fileName', 'nothing')}"
    log_ = {
        "logType": "DiagnosticsLog",
        "requestId": next(_requests),
        "log": {"remoteLocation": command.value},
    }
    return await _status(charger, "GetLog", log_)


async def _verify(charger: "ChargePoint", connector: Connector, command: ChargerCommand) -> str:
    return await verify(charger, connector, reboot=command.value == "reboot")


async def _call(charger: "ChargePoint", action: str, payload: Payload) -> Payload:
    if charger.calls is None:
        raise Silent("no link")
    return await charger.calls.ask(action, payload)


async def _status(charger: "ChargePoint", action: str, payload: Payload) -> str:
    return str((await _call(charger, action, payload)).get("status", "no status"))


def _is_16(charger: "ChargePoint") -> bool:
    return answers.family(charger.version or "1.6") == "1.6"


_DO = {
    ChargerAction.START: _start,
    ChargerAction.STOP: _stop,
    ChargerAction.UNLOCK: _unlock,
    ChargerAction.RESET: _reset,
    ChargerAction.HARD_RESET: _reset,
    ChargerAction.CLEAR_PROFILES: _clear,
    ChargerAction.RELEASE: _release,
    ChargerAction.ENABLE: _availability,
    ChargerAction.DISABLE: _availability,
    ChargerAction.TRIGGER: _trigger,
    ChargerAction.GET_CONFIGURATION: _get,
    ChargerAction.SET_CONFIGURATION: _set,
    ChargerAction.DIAGNOSTICS: _diagnostics,
    ChargerAction.ACCEPT: _accept,
    ChargerAction.VERIFY: _verify,
}
