"""Looking for SunSpec devices at an address: which ports, units and bases answer."""

from typing import Any

from msgspec import Struct

from busbar_meter.answers import DeviceRefused, DeviceSilent, LineAddress, LineLost, UnitAbsent, Wire
from busbar_meter.discovery import Chain, NotSunSpec
from busbar_meter.image import find_chain
from busbar_meter.show import kinds_of, snippet
from busbar_meter.unit import Identity, whole_block
from busbar_meter.wire import ModbusWire
from busbar_shared.clock import RealClock


class Found(Struct, frozen=True):
    """What one unit at one port answered."""

    port: int
    unit: int
    outcome: str
    chain: Chain | None = None
    identities: tuple[Identity, ...] = ()
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
                    "manufacturer": identity.manufacturer,
                    "model": identity.model,
                    "version": identity.version,
                    "can_be": kinds_of(part),
                    "models": [[place.model, place.start, place.length] for place in part.blocks],
                }
                for part, identity in zip(parts, self.identities, strict=True)
            ],
        }

    def text(self) -> str:
        """For people."""
        lines = [f"port {self.port} unit {self.unit}: {self.outcome}"]
        for device in self.row()["devices"]:
            models = ", ".join(str(model) for model, _, _ in device["models"])
            can_be = ", ".join(device["can_be"]) or "nothing Busbar reads"
            lines.append(f"  {device['manufacturer']} {device['model']} {device['version'] or ''}: {can_be}")
            lines.append(f"    models {models}")
        return "\n".join(lines)


def wire_to(host: str, port: int, timeout_s: float, rtu_over_tcp: bool = False) -> ModbusWire:
    """A wire to a host, or to a serial line when the host is a device file."""
    if host.startswith("/dev/") or host.upper().startswith("COM"):
        address = LineAddress("serial", host, 0)
    else:
        address = LineAddress("rtu_over_tcp" if rtu_over_tcp else "tcp", host, port)
    return ModbusWire(address, RealClock(), timeout_s=timeout_s)


async def scan_host(
    host: str, ports: list[int], units: list[int], timeout_s: float, rtu_over_tcp: bool = False
) -> list[Found]:
    """Try every unit on every port that lets us in."""
    found: list[Found] = []
    for port in ports:
        wire = wire_to(host, port, timeout_s, rtu_over_tcp)
        try:
            for unit in units:
                each = await _look(wire, host, port, unit)
                if each is None:
                    break
                if each.outcome not in ("silent", "no such unit"):
                    found.append(each)
        finally:
            wire.close()
    return found


async def _look(wire: Wire, host: str, port: int, unit: int) -> Found | None:
    try:
        chain = await find_chain(wire, unit)
        if isinstance(chain, NotSunSpec):
            return Found(port, unit, f"answers, but is no SunSpec device ({'; '.join(chain.tried)})")
        identities = tuple([await _identity(wire, unit, chain, number) for number in range(len(chain.parts))])
    except LineLost:
        return None
    except UnitAbsent:
        return Found(port, unit, "no such unit")
    except (DeviceSilent, DeviceRefused):
        return Found(port, unit, "silent")
    lines = snippet(host, port, unit, chain, list(identities))
    return Found(port, unit, f"SunSpec at {chain.base}, {chain.ended}", chain, identities, lines)


async def _identity(wire: Wire, unit: int, chain: Chain, number: int) -> Identity:
    common = await whole_block(wire, unit, chain.parts[number].common)
    return Identity(common.text("Mn"), common.text("Md"), common.text("SN"), common.text("Vr"))
