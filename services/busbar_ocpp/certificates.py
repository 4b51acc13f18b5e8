"""TLS of the charge points' door: the server's certificate, and a renewed one without a charger losing its link."""

import logging
import ssl
from pathlib import Path

from busbar_shared.bus import Bus
from busbar_shared.clock import Clock
from busbar_shared.config.chargers import OcppSection
from busbar_shared.config.load import BadConfig

log = logging.getLogger(__name__)

LOOK_S = 30.0


def server_context(section: OcppSection) -> ssl.SSLContext | None:
    """The context of security profiles 2 and 3; None below. At least TLS 1.2 (OCPP security whitepaper, A00.FR.313).

    Raises BadConfig with the file that is missing or is no certificate or key.
    """
    if section.security < 2:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    assert section.cert_file is not None, "checked when the configuration was read"
    _load(context, section)
    if section.security == 3:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(section.ca_file)
        except (OSError, ValueError) as error:
            raise BadConfig(f"ocpp.ca_file: {_why(section.ca_file, error)}") from error
    return context


def _load(context: ssl.SSLContext, section: OcppSection) -> None:
    key, file = (
        ("cert_file", section.cert_file) if section.key_file is None else ("key_file", section.key_file)
    )
    for name, one in (("cert_file", section.cert_file), (key, file)):
        # Tried by hand, as the library's error does not say which of the two files it means.
        try:
            Path(str(one)).read_bytes()
        except OSError as error:
            raise BadConfig(f"ocpp.{name}: {_why(one, error)}") from error
    try:
        context.load_cert_chain(str(section.cert_file), section.key_file, password=_no_password)
    except (OSError, ValueError) as error:
        raise BadConfig(
            f"ocpp.cert_file: {section.cert_file} and its key {file} cannot be used together: {error}"
        ) from error


def _no_password() -> str:
    # Without an answer OpenSSL would ask at the terminal, and a service has none.
    raise ValueError("the key has a password; give one without")


def _why(file: str | None, error: Exception) -> str:
    return f"{file} cannot be read: {getattr(error, 'strerror', None) or error}"


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
            _load(context, section)
        except BadConfig as error:
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
