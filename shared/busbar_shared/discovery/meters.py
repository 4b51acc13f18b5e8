"""What the meter service shows: meters, inverters and batteries as they are read."""

from collections.abc import Iterator

from busbar_contracts.battery import BatteryReading, BatteryState
from busbar_contracts.meter import Control, InverterReading, InverterState, MeterReading, Quality
from busbar_shared.config.devices import DeviceConfig
from busbar_shared.config.root import Site
from busbar_shared.discovery.entity import EXPIRE_S, Device, Entity, Source
from busbar_shared.discovery.kinds import choice, current, energy, percent, power, voltage
from busbar_shared.discovery.pages import id_of, page


def meters(site: Site) -> tuple[Device, ...]:
    """Every meter, inverter and battery of the site."""
    return (*_meters(site), *_inverters(site), *_batteries(site))


def _meters(site: Site) -> Iterator[Device]:
    for name, config in site.meters.items():
        phases = config.phases or site.site.phases
        yield Device(
            id=id_of(site, "meter", name),
            page=page(site, "meter", name, "Meter"),
            sources={
                "state": Source(kind=MeterReading, ids={"meter": name}, stale_s=reading_stale_s(config))
            },
            entities=(
                power("power", "power_w"),
                *(current(f"current_{one}", f"{one}.current_a") for one in phases),
                *(voltage(f"voltage_{one}", f"{one}.voltage_v") for one in phases),
                energy("import_energy", "import_wh"),
                energy("export_energy", "export_wh"),
                _quality(Quality),
            ),
            needs=("state",),
            expire_s=expire_s(config),
        )


def _inverters(site: Site) -> Iterator[Device]:
    for name, config in site.inverters.items():
        phases = config.phases or site.site.phases
        limited = (
            power("power_limit", "limit_w", category="diagnostic", measured=False, at_once=True),
            choice("control", "control", Control, category="diagnostic"),
        )
        yield Device(
            id=id_of(site, "inverter", name),
            page=page(site, "inverter", name, "Inverter"),
            sources={
                "state": Source(kind=InverterReading, ids={"inverter": name}, stale_s=reading_stale_s(config))
            },
            entities=(
                power("power", "power_w"),
                power("pv_power", "pv_power_w"),
                *(current(f"current_{one}", f"{one}.current_a", category="diagnostic") for one in phases),
                energy("energy", "energy_wh"),
                choice("state", "state", InverterState),
                *(limited if config.writable else ()),
                _quality(Quality),
            ),
            needs=("state",),
            expire_s=expire_s(config),
        )


def _batteries(site: Site) -> Iterator[Device]:
    for name, config in site.batteries.items():
        yield Device(
            id=id_of(site, "battery", name),
            page=page(site, "battery", name, "Battery"),
            sources={
                "state": Source(kind=BatteryReading, ids={"battery": name}, stale_s=reading_stale_s(config))
            },
            entities=(
                percent("soc", "soc_percent"),
                power("power", "power_w"),
                power("charge_power_limit", "charge_limit_w", category="diagnostic"),
                power("discharge_power_limit", "discharge_limit_w", category="diagnostic"),
                choice("state", "state", BatteryState),
                choice("control", "control", Control, category="diagnostic"),
                _quality(Quality),
            ),
            needs=("state",),
            expire_s=expire_s(config),
        )


def reading_stale_s(config: DeviceConfig) -> float:
    """A reading this old is not shown: three of its periods, and at least 30 s so that a hiccup is no outage."""
    return max(30.0, 3 * config.every_s)


def expire_s(config: DeviceConfig) -> int:
    """When Home Assistant forgets a measurement by itself: after the reading is stale, with room for slow readers."""
    return max(EXPIRE_S, int(4 * config.every_s))


def _quality(words: type[Quality]) -> Entity:
    return choice(
        "quality",
        "quality",
        words,
        category="diagnostic",
        attributes=lambda seen: {"text": seen.get("state", "detail") or ""},
    )
