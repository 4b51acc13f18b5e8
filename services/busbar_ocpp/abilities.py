"""What a charge point says it can do: configuration keys of 1.6 and variables of 2.0.1, made into abilities."""

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from busbar_ocpp.forms import Abilities
from busbar_ocpp.profile import Unit

# 1.6 sections 9.1.16, 9.4 (smart charging); asked for in small groups because some allow only three keys.
KEYS_16 = (
    "ChargingScheduleAllowedChargingRateUnit",
    "ChargeProfileMaxStackLevel",
    "ChargingScheduleMaxPeriods",
    "MaxChargingProfilesInstalled",
    "ConnectorSwitch3to1PhaseSupported",
    "NumberOfConnectors",
    "ConnectorPhaseRotation",
    "SupportedFeatureProfiles",
    "MeterValueSampleInterval",
    "MeterValuesSampledData",
    "ClockAlignedDataInterval",
)
GROUP = 3

# 2.0.1 part 2, chapter 2 (referenced components and variables).
VARIABLES_201 = (
    "SmartChargingCtrlr.RateUnit",
    "SmartChargingCtrlr.ProfileStackLevel",
    "SmartChargingCtrlr.PeriodsPerSchedule",
    "SmartChargingCtrlr.Phases3to1",
    "SampledDataCtrlr.TxUpdatedInterval",
    "SampledDataCtrlr.TxUpdatedMeasurands",
    "AlignedDataCtrlr.Interval",
    "LocalAuthListCtrlr.Enabled",
)
VARIABLES_EVSE = ("EVSE[{evse}].AvailabilityState", "EVSE[{evse}].SupplyPhases", "EVSE[{evse}].Power.max")
GROUP_201 = 4

# Asked for from the fullest to the poorest list, until one is accepted.
MEASURANDS = (
    "Current.Import,Current.Offered,Voltage,Power.Active.Import,Energy.Active.Import.Register,SoC",
    "Current.Import,Current.Offered,Voltage,Power.Active.Import,Energy.Active.Import.Register",
    "Current.Import,Voltage,Power.Active.Import,Energy.Active.Import.Register",
    "Current.Import,Power.Active.Import,Energy.Active.Import.Register",
    "Power.Active.Import,Energy.Active.Import.Register",
)
NEEDED = {"Energy.Active.Import.Register"}
DRAWS = {"Current.Import", "Power.Active.Import"}


class Change(Struct, frozen=True):
    """One setting to make, with poorer values to try when it is refused."""

    key: str
    values: tuple[str, ...]

    def without_offers(self) -> "Change":
        """The same for a charger that never reports what it offers."""
        return Change(
            self.key, tuple(dict.fromkeys(one.replace("Current.Offered,", "") for one in self.values))
        )


def of_16(said: Mapping[str, str], level: int | None) -> Abilities:
    """From 1.6 configuration keys."""
    return Abilities(
        units=_units(said.get("ChargingScheduleAllowedChargingRateUnit")),
        max_level=_whole(said.get("ChargeProfileMaxStackLevel"), 0),
        max_periods=_whole(said.get("ChargingScheduleMaxPeriods"), 1),
        level=level,
        without_tx_profile=_few_profiles(said),
    )


def of_201(said: Mapping[str, str], level: int | None) -> Abilities:
    """From 2.0.1 variables."""
    return Abilities(
        units=_units(said.get("SmartChargingCtrlr.RateUnit")),
        max_level=_whole(said.get("SmartChargingCtrlr.ProfileStackLevel"), 0),
        max_periods=_whole(said.get("SmartChargingCtrlr.PeriodsPerSchedule"), 1),
        level=level,
    )


def switches_phases(said: Mapping[str, str]) -> bool:
    """Whether it can change between three phases and one."""
    shown = said.get("ConnectorSwitch3to1PhaseSupported") or said.get("SmartChargingCtrlr.Phases3to1")
    return shown is not None and shown.strip().lower() == "true"


def changes_16(said: Mapping[str, str], sample_s: int, *, keep_measurands: bool) -> tuple[Change, ...]:
    """What the site needs set, and is not."""
    wanted: list[Change] = []
    if said.get("MeterValueSampleInterval") != str(sample_s):
        wanted.append(Change("MeterValueSampleInterval", (str(sample_s),)))
    if not keep_measurands and not _enough(said.get("MeterValuesSampledData")):
        wanted.append(Change("MeterValuesSampledData", MEASURANDS))
    if said.get("ClockAlignedDataInterval", "0").strip() != "0":
        wanted.append(Change("ClockAlignedDataInterval", ("0",)))
    return tuple(wanted)


def changes_201(said: Mapping[str, str], sample_s: int, *, keep_measurands: bool) -> tuple[Change, ...]:
    """The same in variables."""
    wanted: list[Change] = []
    if said.get("SampledDataCtrlr.TxUpdatedInterval") != str(sample_s):
        wanted.append(Change("SampledDataCtrlr.TxUpdatedInterval", (str(sample_s),)))
    if not keep_measurands and not _enough(said.get("SampledDataCtrlr.TxUpdatedMeasurands")):
        wanted.append(Change("SampledDataCtrlr.TxUpdatedMeasurands", MEASURANDS))
    if said.get("AlignedDataCtrlr.Interval", "0").strip() != "0":
        wanted.append(Change("AlignedDataCtrlr.Interval", ("0",)))
    return tuple(wanted)


def same(one: str, other: str) -> bool:
    """Whether two values of a setting mean the same; the order of a list does not count."""
    return {part.strip() for part in one.split(",")} == {part.strip() for part in other.split(",")}


def groups(keys: Iterable[str], most: int | None) -> list[list[str]]:
    """Keys in groups no larger than the charger allows."""
    size = max(1, min(most or GROUP, 20))
    listed = list(keys)
    return [listed[start : start + size] for start in range(0, len(listed), size)]


def _few_profiles(said: Mapping[str, str]) -> bool:
    """Whether there is no room for a transaction's profile beside the default of each connector (9.4.4)."""
    most = _whole(said.get("MaxChargingProfilesInstalled"), 1)
    return most is not None and most < 2 * (_whole(said.get("NumberOfConnectors"), 1) or 1)


def _enough(measurands: str | None) -> bool:
    """Whether a list already says energy, current and power."""
    found = {one.strip() for one in (measurands or "").split(",")}
    return found >= NEEDED | DRAWS


def _units(written: str | None) -> tuple[Unit, ...] | None:
    """1.6 says Current and Power, 2.0.1 A and W; chargers write either, in any case."""
    words = {word.strip().lower() for word in (written or "").replace(";", ",").split(",")}
    found = [unit for unit, names in _NAMES if words & names]
    return tuple(found) or None


def _whole(written: str | None, least: int) -> int | None:
    text = (written or "").strip()
    return max(int(text), least) if text.isdecimal() and len(text) < 9 else None


_NAMES = (
    (Unit.AMPS, {"current", "a", "amp", "amps", "ampere"}),
    (Unit.WATTS, {"power", "w", "watt", "watts"}),
)


def only(can: Abilities, unit: str) -> Abilities:
    """The owner's choice of unit wins over what the charger says."""
    return replace(can, units=(Unit(unit),))
