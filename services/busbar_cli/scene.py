"""The house as the demo shows it: the last word on everything."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from busbar_contracts.allocation import Allocation
from busbar_contracts.battery import BatteryReading
from busbar_contracts.chargeamps import ChargeAmpsStatus
from busbar_contracts.charger import ChargerState
from busbar_contracts.load import HeatState, PlugState
from busbar_contracts.meter import InverterReading, MeterReading
from busbar_contracts.service import PlantTruth, ServiceEvent, ServiceStatus, TruePhase
from busbar_shared.bus import MqttBus
from busbar_shared.config.root import Site


class Scene:
    """What was last heard of a house."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.zone = ZoneInfo(site.site.timezone)
        self.truth: PlantTruth | None = None
        self.reading: MeterReading | None = None
        self.inverter: InverterReading | None = None
        self.battery: BatteryReading | None = None
        self.allocation: Allocation | None = None
        self.chargers: dict[str, ChargerState] = {}
        self.scheduled: dict[str, ChargeAmpsStatus] = {}
        self.plugs: dict[str, PlugState] = {}
        self.heaters: dict[str, HeatState] = {}
        self.services: dict[str, ServiceStatus] = {}
        self.events: list[ServiceEvent] = []
        self.ever_charged = False

    async def hear(self, bus: MqttBus) -> None:
        """Keep up with the bus for ever."""
        heard = bus.listen(
            PlantTruth, MeterReading, InverterReading, BatteryReading, Allocation,
            ChargerState, ChargeAmpsStatus, PlugState, HeatState, ServiceStatus, ServiceEvent,
        )  # fmt: skip
        async for one in heard:
            self.take(one.message, one.ids)

    def take(self, message: object, ids: dict[str, str]) -> None:
        """Remember one message."""
        match message:
            case PlantTruth():
                self.truth = message
                self.ever_charged |= any(amps > 1 for amps in message.loads.values())
            case MeterReading() if ids["meter"] == self.site.grid_meter():
                self.reading = message
            case InverterReading():
                self.inverter = message
            case BatteryReading():
                self.battery = message
            case Allocation():
                self.allocation = message
            case ChargerState():
                self.chargers[f"{ids['charger']}-{ids['connector']}"] = message
            case ChargeAmpsStatus():
                self.scheduled[f"chargeamps-{ids['connector_id']}"] = message
            case PlugState():
                self.plugs[ids["plug"]] = message
            case HeatState():
                self.heaters[ids["heater"]] = message
            case ServiceStatus():
                self.services[ids["service"]] = message
            case ServiceEvent():
                self.events = [*self.events[-4:], message]
            case _:
                pass

    def phases(self) -> Iterator[tuple[str, TruePhase]]:
        """The true phases of the house."""
        if self.truth is not None:
            for name in self.site.site.phases:
                phase = getattr(self.truth, name)
                if phase is not None:
                    yield name, phase

    def load_ids(self) -> list[str]:
        """Every load that is known, in the order of the allocation."""
        known = list(self.allocation.loads) if self.allocation is not None else []
        return known + [
            name
            for name in (*self.chargers, *self.scheduled, *self.plugs, *self.heaters)
            if name not in known
        ]

    def summary(self) -> list[str]:
        """What the true currents were, for the end."""
        if self.truth is None:
            return []
        lines = [
            f"phase {name}: {phase.over_s:.1f} s over {phase.limit_a:g} A in all, longest {phase.longest_over_s:.1f} s"
            for name, phase in self.phases()
        ]
        verdict = (
            "no phase was over its breaker longer than allowed"
            if self.truth.verdict == "ok"
            else "OVERLOADED"
        )
        return [*lines, f"verdict by the true currents: {verdict}"]
