"""What the meter service must be told, as lines, stations and roles."""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from busbar_meter.answers import LineAddress
from busbar_shared.config.devices import BatteryConfig, DeviceConfig, InverterConfig, MeterConfig, ModbusPlace
from busbar_shared.config.load import BadConfig
from busbar_shared.config.root import Site
from busbar_shared.config.site import on_phase

Kind = Literal["meter", "inverter", "battery"]
# Behind it there is no room for the mark and one header.
LAST_BASE = 65531
SECTIONS: dict[str, Kind] = {"meters": "meter", "inverters": "inverter", "batteries": "battery"}


class BadMeterConfig(BadConfig):
    """A device cannot be read as configured; the text names the field."""


class RolePlan(Struct, frozen=True, kw_only=True):
    """One device of the configuration and what is known of its place in the house."""

    kind: Kind
    id: str
    config: MeterConfig | InverterConfig | BatteryConfig
    phases: tuple[str, ...]
    voltage_v: float
    # Of the circuit the meter sees; None for a meter of a load.
    breaker_a: float | None = None


class StationPlan(Struct, frozen=True, kw_only=True):
    """Everything read from one unit on one line."""

    driver: str
    unit: int
    base: int | None
    roles: tuple[RolePlan, ...]

    @property
    def every_s(self) -> float:
        """The shortest period any of its roles asks for."""
        return min(role.config.every_s for role in self.roles)


class LinePlan(Struct, frozen=True, kw_only=True):
    """One connection and the stations behind it."""

    address: LineAddress
    timeout_s: float
    gap_s: float
    stations: tuple[StationPlan, ...]


def roles_of(site: Site) -> Iterator[RolePlan]:
    """Every configured device, meters first."""
    for section, kind in SECTIONS.items():
        for name, config in getattr(site, section).items():
            yield RolePlan(
                kind=kind,
                id=name,
                config=config,
                phases=tuple(config.phases or site.site.phases),
                voltage_v=site.site.voltage_v,
                breaker_a=_breaker(site, name) if kind == "meter" else None,
            )


def _breaker(site: Site, meter: str) -> float | None:
    limits = [
        amps
        for circuit in site.circuits.values()
        if circuit.meter == meter
        for phase in site.site.phases
        if (amps := on_phase(circuit.limit_a, phase)) is not None
    ]
    return max(limits, default=None)


def lines_of(site: Site) -> tuple[LinePlan, ...]:
    """The Modbus lines of a site, one for each host and port or serial port."""
    found: dict[LineAddress, list[RolePlan]] = {}
    for role in roles_of(site):
        if role.config.driver != "mqtt":
            found.setdefault(address_of(role.config, f"{_section(role.kind)}.{role.id}"), []).append(role)
    return tuple(_line(address, roles) for address, roles in found.items())


def mqtt_roles(site: Site) -> tuple[RolePlan, ...]:
    """The devices that speak over MQTT."""
    return tuple(role for role in roles_of(site) if role.config.driver == "mqtt")


def address_of(config: DeviceConfig, path: str) -> LineAddress:
    """The line a device hangs on."""
    place = config.modbus
    if place is None:
        raise BadMeterConfig(f"{path}.modbus: driver {config.driver!r} needs a host or a serial line")
    if place.serial is not None and place.host is not None:
        raise BadMeterConfig(
            f"{path}.modbus: either host or serial (found host {place.host!r} and serial {place.serial!r})"
        )
    if place.base is not None and not 0 <= place.base <= LAST_BASE:
        raise BadMeterConfig(
            f"{path}.modbus.base: no address a chain can begin at, 0 to {LAST_BASE} (found {place.base})"
        )
    if place.serial is not None:
        return LineAddress("serial", place.serial, 0, place.baudrate, place.parity)
    if place.host is None:
        raise BadMeterConfig(f"{path}.modbus.host: neither host nor serial is given")
    if place.framing == "rtu":
        raise BadMeterConfig(f"{path}.modbus.framing: rtu needs serial; over a network it is rtu_over_tcp")
    return LineAddress("rtu_over_tcp" if place.framing == "rtu_over_tcp" else "tcp", place.host, place.port)


def _section(kind: Kind) -> str:
    return next(section for section, each in SECTIONS.items() if each == kind)


def _line(address: LineAddress, roles: list[RolePlan]) -> LinePlan:
    places = [role.config.modbus or ModbusPlace() for role in roles]
    stations: dict[tuple[str, int, int | None], list[RolePlan]] = {}
    for role, place in zip(roles, places, strict=True):
        stations.setdefault((role.config.driver, place.unit, place.base), []).append(role)
    return LinePlan(
        address=address,
        timeout_s=max(place.timeout_s for place in places),
        gap_s=max(place.pause_s for place in places),
        stations=tuple(
            StationPlan(driver=driver, unit=unit, base=base, roles=tuple(each))
            for (driver, unit, base), each in stations.items()
        ),
    )
