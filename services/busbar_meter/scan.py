"""Looking for SunSpec devices at an address: which ports, units and bases answer."""

import socket
from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

from busbar_meter.answers import DeviceRefused, DeviceSilent, LineAddress, LineLost, UnitAbsent, Wire
from busbar_meter.block import Block
from busbar_meter.dc_inputs import EVIDENCE
from busbar_meter.definitions import model
from busbar_meter.discovery import BASES, Chain, NotSunSpec, Part
from busbar_meter.image import registers_of
from busbar_meter.show import Device, kinds_of, named, snippet
from busbar_meter.unit import identity_of
from busbar_meter.walk import find_chain, whole_block
from busbar_meter.wire import ModbusWire
from busbar_shared.clock import RealClock


class Where(Struct, frozen=True):
    """A host, or a serial line, as the command line names it."""

    host: str
    rtu_over_tcp: bool = False
    baudrate: int = 9600
    parity: Literal["N", "E", "O"] = "N"

    @property
    def serial(self) -> bool:
        """Whether it is a device file and not a name in the network."""
        return self.host.startswith("/dev/") or self.host.upper().startswith("COM")

    def wire(self, port: int, timeout_s: float) -> ModbusWire:
        """A wire to it."""
        if self.serial:
            address = LineAddress("serial", self.host, 0, self.baudrate, self.parity)
        else:
            address = LineAddress("rtu_over_tcp" if self.rtu_over_tcp else "tcp", self.host, port)
        return ModbusWire(address, RealClock(), timeout_s=timeout_s)

    def toml(self, port: int) -> str:
        """The same for busbar.toml."""
        if self.serial:
            line = f'serial = "{self.host}", framing = "rtu", baudrate = {self.baudrate}'
            return line + (f', parity = "{self.parity}"' if self.parity != "N" else "")
        return f'host = "{self.host}", port = {port}' + (
            ', framing = "rtu_over_tcp"' if self.rtu_over_tcp else ""
        )

    def problem(self) -> str:
        """Why nothing can be asked there at all, empty when it can."""
        if self.serial:
            return ""
        try:
            socket.getaddrinfo(self.host, None)
        except OSError as error:
            return f"{self.host}: {error.strerror or error}"
        return ""


class Found(Struct, frozen=True):
    """What one unit at one port answered."""

    port: int
    unit: int
    outcome: str
    chain: Chain | None = None
    devices: tuple[Device, ...] = ()
    snippet: str = ""

    def row(self) -> dict[str, Any]:
        """For programs. Serial numbers stay on the device."""
        parts = self.chain.parts if self.chain else ()
        return {
            "port": self.port,
            "unit": self.unit,
            "outcome": self.outcome,
            "base": self.chain.base if self.chain else None,
            "devices": [
                {
                    "manufacturer": device.identity.manufacturer,
                    "model": device.identity.model,
                    "version": device.identity.version,
                    "option": device.identity.option,
                    "can_be": list(device.kinds),
                    "models": [[place.model, place.start, place.length] for place in part.blocks],
                }
                for part, device in zip(parts, self.devices, strict=True)
            ],
            "snippet": self.snippet,
        }

    def text(self) -> str:
        """For people."""
        lines = [f"port {self.port} unit {self.unit}: {self.outcome}"]
        for device in self.row()["devices"]:
            models = ", ".join(str(number) for number, _, _ in device["models"])
            can_be = ", ".join(device["can_be"]) or "nothing Busbar reads"
            name = named(device["manufacturer"], device["model"], device["version"], device["option"])
            lines.append(f"  {name}: {can_be}")
            lines.append(f"    models {models}")
        return "\n".join(lines)


class Scan(Struct, frozen=True):
    """What answered, and the ports that let nobody in."""

    found: tuple[Found, ...]
    closed: tuple[int, ...]


async def scan_host(
    where: Where, ports: Sequence[int], units: Sequence[int], timeout_s: float, base: int | None = None
) -> Scan:
    """Try every unit on every port that lets us in; a serial line has no ports."""
    found: list[Found] = []
    closed: list[int] = []
    bases = BASES if base is None else (base,)
    for port in [0] if where.serial else ports:
        wire = where.wire(port, timeout_s)
        try:
            for unit in units:
                each = await _look(wire, where.toml(port), port, unit, bases)
                if each is None:
                    closed += [] if any(one.port == port for one in found) else [port]
                    break
                if each.outcome not in ("silent", "no such unit"):
                    found.append(each)
        finally:
            wire.close()
    return Scan(tuple(found), tuple(closed))


async def _look(wire: Wire, place: str, port: int, unit: int, bases: Sequence[int]) -> Found | None:
    try:
        chain = await find_chain(wire, unit, bases)
        if isinstance(chain, NotSunSpec):
            return Found(port, unit, f"answers, but is no SunSpec device ({'; '.join(chain.tried)})")
        devices = [await _device(wire, unit, part) for part in chain.parts]
    except LineLost:
        return None
    except UnitAbsent:
        return Found(port, unit, "no such unit")
    except (DeviceSilent, DeviceRefused):
        return Found(port, unit, "silent")
    lines = snippet(place, unit, chain, devices)
    return Found(port, unit, f"SunSpec at {chain.base}, {chain.ended}", chain, tuple(devices), lines)


async def _device(wire: Wire, unit: int, part: Part) -> Device:
    common = await whole_block(wire, unit, part.common)
    identity = identity_of(common)
    blocks: dict[int, Block] = {}
    for place in part.blocks:
        definition = model(place.model) if place.model in EVIDENCE else None
        if definition is not None:
            registers, _ = await registers_of(wire, unit, place)
            blocks[place.model] = Block(definition, place.length, registers)
    return Device(identity, tuple(kinds_of(part, blocks)))
