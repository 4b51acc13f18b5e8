"""TLS of the charge points' door: the server's certificate, and a renewed one without a charger losing its link."""

import logging
import ssl
from pathlib import Path

from busbar_shared.bus import Bus
from busbar_shared.clock import Clock
from busbar_shared.config.chargers import OcppSection

log = logging.getLogger(__name__)

LOOK_S = 30.0


def server_context(section: OcppSection) -> ssl.SSLContext | None:
    """The context of security profiles 2 and 3; None below. At least TLS 1.2 (OCPP security whitepaper, A00.FR.313)."""
    if section.security < 2:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    assert section.cert_file is not None, "checked when the configuration was read"
    context.load_cert_chain(section.cert_file, section.key_file)
    if section.security == 3:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(section.ca_file)
    return context


async def keep_renewed(context: ssl.SSLContext | None, section: OcppSection, bus: Bus, clock: Clock) -> None:
    """Show a renewed certificate to whoever connects from now on; links that are open stay as they are."""
    if context is None or section.cert_file is None:
        return
    shown = _stamps(section)
    while True:
        await clock.sleep(LOOK_S)
        found = _stamps(section)
        if found == shown or None in found:
            continue
        shown = found
        try:
            # Tried on a context of its own: a certificate without its key would leave the real one with neither.
            server_context(section)
            context.load_cert_chain(section.cert_file, section.key_file)
        except (ssl.SSLError, OSError) as error:
            text = f"the new certificate {section.cert_file} cannot be used, the old one stays: {error}"
            await bus.event("certificate_refused", text, path="ocpp.cert_file")
        else:
            await bus.event(
                "certificate_renewed", f"{section.cert_file} is shown from now on", severity="info"
            )


def _stamps(section: OcppSection) -> tuple[tuple[int, int] | None, ...]:
    """What tells a changed file from the one we know."""
    return tuple(_stamp(file) for file in (section.cert_file, section.key_file or section.cert_file) if file)


def _stamp(file: str) -> tuple[int, int] | None:
    try:
        known = Path(file).stat()
    except OSError:
        return None
    return known.st_mtime_ns, known.st_size
