"""The kill matrix: everything that is made to go wrong at full power, and what is promised for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from houses import LEASE_S, LOST_S, VALIDITY_S

if TYPE_CHECKING:
    from kill_judge import Row

DEAD_S = 5.5
"""From the order to what is seen: the answer 0.5 s, the dead time 2 s, the ramp 2 s, the truth each second."""
BREAKER_A = {"car": 25.0, "whole": 35.0}
TOLERANCE_A = 0.2
"""Resolution of meter and charger, as in the plant's own ledger."""
METER_S = LOST_S + 1 + DEAD_S
LEASE_ENDS_S = LEASE_S + 1 + DEAD_S
CHARGER_S = VALIDITY_S + 10
PLUG_S = 20.0 + 2.0
"""The plug's own off-timer, and the second in which it is seen."""
HA = "Home Assistant"
EVERYONE = "everyone"


@dataclass(frozen=True)
class Fault:
    """One way in which something goes wrong, and within what time the load must be at its safe value."""

    what: str
    how: str
    within_s: float
    kind: Literal["dead", "frozen", "restarted", "cut", "wish"]
    parts: tuple[str, ...] = ()
    cuts: tuple[str, ...] = ()
    wish: dict[str, object] = field(default_factory=dict)
    falls: bool = True
    """False: the load may go on, because nothing it needs is gone, or is back before its leases end."""
    load: str = "left-1"
    house: Literal["car", "whole"] = "car"

    @property
    def lasts(self) -> bool:
        """Whether it goes on until it is ended; what the supervisor restarts is back by itself."""
        return self.kind != "restarted" and "reboot" not in self.wish


def _dead(what: str, within_s: float, *parts: str, **more: object) -> Fault:
    return Fault(what, "killed (-9), stays dead", within_s, "dead", parts or (what,), **more)  # type: ignore[arg-type]


def _frozen(what: str, within_s: float, *parts: str, **more: object) -> Fault:
    return Fault(what, "frozen (SIGSTOP), goes on later", within_s, "frozen", parts or (what,), **more)  # type: ignore[arg-type]


def _restarted(what: str, within_s: float, **more: object) -> Fault:
    how = "killed (-9), the supervisor restarts it"
    return Fault(what, how, within_s, "restarted", (what,), falls=False, **more)  # type: ignore[arg-type]


def _cut(what: str, within_s: float, *cuts: str, **more: object) -> Fault:
    return Fault(what, "cut off from the broker", within_s, "cut", cuts=cuts or (what,), **more)  # type: ignore[arg-type]


METER, CHARGER = "grid meter (the device)", "charger (the device)"

CAR: tuple[Fault, ...] = (
    _dead("meter", METER_S),
    _frozen("meter", METER_S),
    _restarted("meter", METER_S),
    _cut("meter", METER_S),
    Fault(METER, "answers nothing", METER_S, "wish", wish={"silent": True}),
    Fault(METER, "cut off from the meter service", METER_S, "cut", cuts=("modbus",)),
    _dead("allocator", LEASE_ENDS_S),
    _frozen("allocator", LEASE_ENDS_S),
    _restarted("allocator", LEASE_ENDS_S),
    _cut("allocator", LEASE_ENDS_S),
    _dead("broker", LEASE_ENDS_S),
    _frozen("broker", LEASE_ENDS_S),
    _restarted("broker", LEASE_ENDS_S),
    Fault("broker", "cut off from everyone", LEASE_ENDS_S, "cut", cuts=(EVERYONE,)),
    _dead("ocpp", CHARGER_S),
    _frozen("ocpp", CHARGER_S),
    _restarted("ocpp", CHARGER_S),
    _cut("ocpp", LEASE_ENDS_S),
    Fault(CHARGER, "loses its link", CHARGER_S, "wish", wish={"offline": ["left"]}),
    Fault(CHARGER, "cut off from the OCPP service", CHARGER_S, "cut", cuts=("chargers",)),
    Fault(CHARGER, "loses its power for a moment", CHARGER_S, "wish", wish={"reboot": ["left"]}, falls=False),
    _dead(HA, LEASE_ENDS_S, falls=False),
    _frozen(HA, LEASE_ENDS_S, falls=False),
    _restarted(HA, LEASE_ENDS_S),
    _cut(HA, LEASE_ENDS_S, "home assistant", falls=False),
)
"""One part at a time, in the house with one car."""

PAIRS: tuple[Fault, ...] = (
    _dead("meter and allocator", LEASE_ENDS_S, "meter", "allocator"),
    _dead("meter and ocpp", CHARGER_S, "meter", "ocpp"),
    _dead("meter and broker", LEASE_ENDS_S, "meter", "broker"),
    _dead("allocator and broker", LEASE_ENDS_S, "allocator", "broker"),
    _dead("ocpp and allocator", CHARGER_S, "ocpp", "allocator"),
    _dead("ocpp and broker", CHARGER_S, "ocpp", "broker"),
    _frozen("meter and allocator", LEASE_ENDS_S, "meter", "allocator"),
    _frozen("meter and ocpp", CHARGER_S, "meter", "ocpp"),
    _frozen("allocator and broker", LEASE_ENDS_S, "allocator", "broker"),
    _frozen("ocpp and allocator", CHARGER_S, "ocpp", "allocator"),
    _frozen("ocpp and broker", CHARGER_S, "ocpp", "broker"),
    _cut("meter and allocator", LEASE_ENDS_S, "meter", "allocator"),
    _cut("ocpp and allocator", LEASE_ENDS_S, "ocpp", "allocator"),
    Fault("grid meter and charger (the devices)", "cut off from their services", CHARGER_S, "cut",
        cuts=("modbus", "chargers")),
    Fault("allocator dead and charger cut off", "killed (-9), and its link is dead", CHARGER_S, "dead",
        parts=("allocator",), cuts=("chargers",)),
    _dead(f"{HA} and allocator", LEASE_ENDS_S, HA, "allocator"),
    _dead(f"{HA} and broker", LEASE_ENDS_S, HA, "broker"),
)  # fmt: skip
"""Two at a time: each pair of what the car hangs on, and some of two kinds."""

PUMP, WATER = {"load": "pump", "house": "whole"}, {"load": "water", "house": "whole"}
GOES_ON = {"falls": False, "house": "whole"}
WHOLE: tuple[Fault, ...] = (
    _dead("plugs", PLUG_S, **PUMP),
    _frozen("plugs", PLUG_S, **PUMP),
    _restarted("plugs", PLUG_S, **PUMP),
    _cut("plugs", PLUG_S, **PUMP),
    _dead("heat", LEASE_ENDS_S, **WATER),
    _frozen("heat", LEASE_ENDS_S, **WATER),
    _restarted("heat", LEASE_ENDS_S, **WATER),
    _cut("heat", LEASE_ENDS_S, **WATER),
    _dead("plugs and allocator", PLUG_S, "plugs", "allocator", **PUMP),
    _dead("plugs and heat", PLUG_S, "plugs", "heat", **WATER),
    *(
        make(name, LEASE_ENDS_S, **(GOES_ON if make is not _restarted else {"house": "whole"}))
        for name in ("battery", "prices", "chargeamps")
        for make in (_dead, _frozen, _restarted, _cut)
    ),
)
"""The services of the whole house; the plug and the tank must be off in time, the car may go on where nothing concerns it."""

MATRIX: tuple[Fault, ...] = (*CAR, *PAIRS, *WHOLE)
"""Everything that is tried."""

SHORT: tuple[tuple[Fault, ...], ...] = (
    (_frozen("allocator", LEASE_ENDS_S), _cut("allocator", LEASE_ENDS_S)),
    (_frozen("meter", METER_S), _cut(HA, LEASE_ENDS_S, "home assistant", falls=False)),
    (_frozen("broker", LEASE_ENDS_S), _dead(HA, LEASE_ENDS_S, falls=False)),
)
"""What every change is measured against, in three houses; others are killed in tests/system/test_house.py or by `make soak`."""


def as_table(rows: "Sequence[Row]") -> str:
    """The rows as Markdown."""
    lines = [
        "| What | How | Promised within | Safe after | True current then a, b, c | Full power again after "
        "| Highest true current a, b, c | Ledger |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        safe = "kept its current" if row.safe_s is None else f"{row.safe_s:.1f} s"
        lines.append(
            f"| {row.fault.what} | {row.fault.how} | {row.fault.within_s:g} s | {safe} | {_amps(row.rest_a)} "
            f"| {row.back_s:.1f} s | {_amps(row.highest_a)} | {row.verdict} |"
        )
    return "\n".join(lines)


def _amps(some: tuple[float, float, float] | None) -> str:
    return "" if some is None else ", ".join(f"{amps:.1f}" for amps in some) + " A"


def as_short_table(rows: "Sequence[Row]") -> str:
    """The rows without what differs from run to run; every change must give the same table again."""
    lines = ["| What | How | Promised within | What the car did | Ledger |", "|---|---|---|---|---|"]
    for row in rows:
        in_time = row.safe_s is not None and row.safe_s <= row.fault.within_s
        did = (
            "kept its current"
            if row.safe_s is None
            else "fell to its fallback " + ("in time" if in_time else "LATE")
        )
        lines.append(
            f"| {row.fault.what} | {row.fault.how} | {row.fault.within_s:g} s | {did} | {row.verdict} |"
        )
    return "\n".join(lines)
