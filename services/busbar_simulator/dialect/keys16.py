"""The configuration keys of a 1.6 charge point (section 9), those that do something and those that tell."""

from collections.abc import Callable, Mapping
from typing import Any

from busbar_simulator.station.faults import Fault
from busbar_simulator.station.samples import SUPPORTED
from busbar_simulator.station.station import Station

from .words import Json, NotAnswered

MOST_KEYS = 50


class Keys:
    """GetConfiguration and ChangeConfiguration of one station."""

    def __init__(self, station: Station, password: str | None) -> None:
        self.station = station
        self.password = password
        self.other = {
            "ConnectionTimeOut": "60",
            "AuthorizeRemoteTxRequests": "false",
            "ClockAlignedDataInterval": "0",
        }
        self.other |= {"WebSocketPingInterval": "0", "StopTransactionOnEVSideDisconnect": "true"}
        self.other |= {
            "ResetRetries": "1",
            "TransactionMessageAttempts": "3",
            "TransactionMessageRetryInterval": "10",
        }

    def _readonly(self) -> dict[str, str]:
        shelf, faults = self.station.spec.shelf, self.station.spec.faults
        units = (
            "Power"
            if Fault.WATTS_ONLY in faults
            else "Current"
            if Fault.AMPS_ONLY in faults
            else "Current,Power"
        )
        return {
            "NumberOfConnectors": str(len(self.station.connectors)),
            "SupportedFeatureProfiles": "Core,SmartCharging,RemoteTrigger,LocalAuthListManagement",
            "ChargeProfileMaxStackLevel": "0" if Fault.LEVEL_ZERO_ONLY in faults else str(shelf.max_level),
            "ChargingScheduleAllowedChargingRateUnit": units,
            "ChargingScheduleMaxPeriods": "1" if Fault.ONE_PERIOD in faults else str(shelf.max_periods),
            "MaxChargingProfilesInstalled": str(shelf.most),
            "ConnectorSwitch3to1PhaseSupported": str(self.station.spec.phase_switching).lower(),
            "GetConfigurationMaxKeys": str(MOST_KEYS),
            "LocalAuthListEnabled": "false",
        }

    def _writable(self) -> dict[str, str]:
        return {
            "MeterValueSampleInterval": f"{self.station.meter.sample_s:g}",
            "MeterValuesSampledData": ",".join(self.station.meter.measurands),
            "HeartbeatInterval": f"{self.station.beat_s:g}",
            **self.other,
        }

    def get(self, payload: Mapping[str, Any]) -> Json:
        """The keys asked for, or all."""
        wanted = payload.get("key") or []
        if len(wanted) > MOST_KEYS:
            raise NotAnswered("OccurenceConstraintViolation", f"{len(wanted)} keys at once")
        known = [{"key": k, "readonly": True, "value": v} for k, v in self._readonly().items()]
        known += [{"key": k, "readonly": False, "value": v} for k, v in self._writable().items()]
        if self.password is not None:
            # Real ones tell their secret to whoever asks; nobody may log or publish it.
            known.append({"key": "AuthorizationKey", "readonly": False, "value": self.password})
        names = {entry["key"] for entry in known}
        answer: Json = {"configurationKey": [e for e in known if not wanted or e["key"] in wanted]}
        if wanted:
            answer["unknownKey"] = [key for key in wanted if key not in names]
        return answer

    def change(self, payload: Mapping[str, Any]) -> Json:
        """Change one key."""
        key, value = payload["key"], payload["value"]
        if key in self._readonly():
            return {"status": "Rejected"}
        if key not in self._writable():
            return {"status": "NotSupported"}
        if key == "MeterValuesSampledData":
            return self._measurands(value)
        setters: dict[str, Callable[[float], None]] = {
            "MeterValueSampleInterval": lambda v: setattr(self.station.meter, "sample_s", v),
            "HeartbeatInterval": lambda v: setattr(self.station, "beat_s", v),
        }
        if key in setters:
            if not value.isdigit():
                return {"status": "Rejected"}
            setters[key](float(value))
        else:
            self.other[key] = value
        return {"status": "Accepted"}

    def _measurands(self, value: str) -> Json:
        wanted = tuple(name.strip() for name in value.split(",") if name.strip())
        if any(name not in SUPPORTED for name in wanted):
            return {"status": "Rejected"}
        self.station.meter.measurands = wanted
        return {"status": "Accepted"}
