"""The device model of a 2.0.1 charging station: components and variables that do something or tell."""

from collections.abc import Callable, Mapping
from typing import Any

from busbar_simulator.station.faults import Fault
from busbar_simulator.station.samples import SUPPORTED
from busbar_simulator.station.station import Station

from .words import Json


class Variables:
    """GetVariables, SetVariables and the base report of one station."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self._set: dict[tuple[str, str], Callable[[str], bool]] = {
            ("SampledDataCtrlr", "TxUpdatedInterval"): self._interval,
            ("SampledDataCtrlr", "TxUpdatedMeasurands"): self._measurands,
            ("OCPPCommCtrlr", "HeartbeatInterval"): self._beat,
        }

    def values(self) -> dict[tuple[str, str], str]:
        """All variables by component and name."""
        shelf, faults = self.station.spec.shelf, self.station.spec.faults
        units = "W" if Fault.WATTS_ONLY in faults else "A" if Fault.AMPS_ONLY in faults else "A,W"
        values = {
            ("SampledDataCtrlr", "TxUpdatedInterval"): f"{self.station.meter.sample_s:g}",
            ("SampledDataCtrlr", "TxUpdatedMeasurands"): ",".join(self.station.meter.measurands),
            ("OCPPCommCtrlr", "HeartbeatInterval"): f"{self.station.beat_s:g}",
            ("SmartChargingCtrlr", "Available"): "true",
            ("SmartChargingCtrlr", "Enabled"): "true",
            ("SmartChargingCtrlr", "RateUnit"): units,
            ("SmartChargingCtrlr", "ProfileStackLevel"): "0"
            if Fault.LEVEL_ZERO_ONLY in faults
            else str(shelf.max_level),
            ("SmartChargingCtrlr", "PeriodsPerSchedule"): "1"
            if Fault.ONE_PERIOD in faults
            else str(shelf.max_periods),
            ("SmartChargingCtrlr", "Entries"): str(shelf.most),
            ("SmartChargingCtrlr", "Phases3to1"): str(self.station.spec.phase_switching).lower(),
            ("ChargingStation", "VendorName"): self.station.spec.vendor,
            ("ChargingStation", "Model"): self.station.spec.model,
        }
        for number, connector in self.station.connectors.items():
            values["EVSE", f"SupplyPhases/{number}"] = str(len(connector.socket.spec.legs))
            values["EVSE", f"AvailabilityState/{number}"] = (
                "Occupied" if connector.socket.car is not None else "Available"
            )
        return values

    def get(self, payload: Mapping[str, Any]) -> Json:
        """The variables asked for."""
        results = []
        for asked in payload["getVariableData"]:
            key, values = _key(asked), self.values()
            status = _found(key, values)
            if asked.get("attributeType", "Actual") != "Actual":
                status = "NotSupportedAttributeType"
            result: Json = {
                "attributeStatus": status,
                "component": asked["component"],
                "variable": asked["variable"],
            }
            if status == "Accepted":
                result["attributeValue"] = values[key]
            results.append(result)
        return {"getVariableResult": results}

    def set(self, payload: Mapping[str, Any]) -> Json:
        """Change variables."""
        results = []
        for asked in payload["setVariableData"]:
            key = _key(asked)
            status = _found(key, self.values())
            if status == "Accepted" and (key not in self._set or not self._set[key](asked["attributeValue"])):
                status = "Rejected"
            results.append(
                {"attributeStatus": status, "component": asked["component"], "variable": asked["variable"]}
            )
        return {"setVariableResult": results}

    def reports(self, request: int, now: str) -> list[Json]:
        """The base report in parts of five."""
        entries = [
            {
                "component": _component(component, name),
                "variable": {"name": name.split("/")[0]},
                "variableAttribute": [
                    {
                        "value": value,
                        "mutability": "ReadWrite" if (component, name) in self._set else "ReadOnly",
                    }
                ],
                "variableCharacteristics": {"dataType": "string", "supportsMonitoring": False},
            }
            for (component, name), value in self.values().items()
        ]
        parts = [entries[at : at + 5] for at in range(0, len(entries), 5)]
        return [
            {
                "requestId": request,
                "generatedAt": now,
                "seqNo": n,
                "tbc": n < len(parts) - 1,
                "reportData": part,
            }
            for n, part in enumerate(parts)
        ]

    def _interval(self, value: str) -> bool:
        if value.isdigit():
            self.station.meter.sample_s = float(value)
        return value.isdigit()

    def _beat(self, value: str) -> bool:
        if value.isdigit():
            self.station.beat_s = float(value)
        return value.isdigit()

    def _measurands(self, value: str) -> bool:
        wanted = tuple(name.strip() for name in value.split(",") if name.strip())
        if any(name not in SUPPORTED for name in wanted):
            return False
        self.station.meter.measurands = wanted
        return True


def _key(asked: Mapping[str, Any]) -> tuple[str, str]:
    component, name = asked["component"], asked["variable"]["name"]
    evse = component.get("evse", {}).get("id")
    return component["name"], f"{name}/{evse}" if evse else name


def _found(key: tuple[str, str], values: Mapping[tuple[str, str], str]) -> str:
    if key in values:
        return "Accepted"
    return "UnknownVariable" if any(component == key[0] for component, _ in values) else "UnknownComponent"


def _component(component: str, name: str) -> Json:
    return {"name": component, **({"evse": {"id": int(name.split("/")[1])}} if "/" in name else {})}
