"""Settings as a charge point tells them: keys of 1.6, variables of 2.0.1, never a secret.

A variable is `component.variable`; of a component that exists once per EVSE `component[1].variable`. The largest value
a station names for one, as an attribute or in its report, has the ending `.max`.
"""

from collections.abc import Mapping
from typing import Any

LONGEST = 1000
SECRETS = ("authorizationkey", "password", "secret", "basicauth", "apikey")


def secret(key: str) -> bool:
    """Whether a setting holds a secret: it is neither logged, kept nor published."""
    name = key.lower()
    return any(word in name for word in SECRETS)


def keys_of(answer: Mapping[str, Any]) -> dict[str, str]:
    """Keys and values of a GetConfiguration answer, without secrets."""
    found: dict[str, str] = {}
    entries = answer.get("configurationKey")
    for entry in entries if isinstance(entries, list) else []:
        key, value = (entry.get("key"), entry.get("value")) if isinstance(entry, dict) else (None, None)
        if isinstance(key, str) and value is not None and not secret(key):
            found[key] = str(value)[:LONGEST]
    return found


def variables_of(answer: Mapping[str, Any]) -> dict[str, str]:
    """Variables of a GetVariables answer, without secrets."""
    found: dict[str, str] = {}
    entries = answer.get("getVariableResult")
    for entry in entries if isinstance(entries, list) else []:
        try:
            name = _name(entry["component"], entry["variable"])
            name += ".max" if entry.get("attributeType") == "MaxSet" else ""
            if entry["attributeStatus"] == "Accepted" and not secret(name):
                found[name] = str(entry["attributeValue"])[:LONGEST]
        except (KeyError, TypeError, AttributeError):
            continue
    return found


def report_of(report: object) -> dict[str, str]:
    """Variables of a part of an inventory (NotifyReport), without secrets."""
    found: dict[str, str] = {}
    for entry in report if isinstance(report, list) else []:
        try:
            name = _name(entry["component"], entry["variable"])
            if secret(name):
                continue
            for attribute in entry["variableAttribute"]:
                if attribute.get("type", "Actual") == "Actual" and "value" in attribute:
                    found[name] = str(attribute["value"])[:LONGEST]
            most = (entry.get("variableCharacteristics") or {}).get("maxLimit")
            if most is not None:
                found[f"{name}.max"] = str(most)[:LONGEST]
        except (KeyError, TypeError, AttributeError):
            continue
    return found


def asked(name: str) -> dict[str, Any]:
    """The variable of this name as GetVariables and SetVariables ask for it."""
    component, _, variable = name.partition(".")
    more: dict[str, Any] = {}
    if variable.endswith(".max"):
        variable, more = variable.removesuffix(".max"), {"attributeType": "MaxSet"}
    component, _, place = component.partition("[")
    wanted: dict[str, Any] = {"name": component}
    if place:
        wanted["evse"] = {"id": int(place.rstrip("]"))}
    variable, _, instance = variable.partition("[")
    return {
        "component": wanted,
        "variable": {"name": variable, **({"instance": instance.rstrip("]")} if instance else {})},
        **more,
    }


def name_of(entry: Mapping[str, Any]) -> str:
    """The name of the variable in an entry of GetVariables or SetVariables; empty for what is none."""
    try:
        return _name(entry["component"], entry["variable"])
    except (KeyError, TypeError, AttributeError):
        return ""


def _name(component: Mapping[str, Any], variable: Mapping[str, Any]) -> str:
    evse = component.get("evse")
    place = f"[{evse['id']}]" if evse else ""
    instance = f"[{variable['instance']}]" if variable.get("instance") else ""
    return f"{component['name']}{place}.{variable['name']}{instance}"
