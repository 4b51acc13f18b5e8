"""What a recording must not tell: keys whose values are secret, secret values wherever they stand, and logins in addresses.

A secret is found twice: by the name of its key, and by its value, because sentences repeat values.
"""

import os
import re
from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec

from busbar_shared.config.load import BadConfig, secret
from busbar_shared.config.root import SERVICES, Site

SECRET_KEYS = frozenset(
    {"password", "token", "email", "api_key", "username", "upstream_url", "tags", "tag", "auto_start", "id_tag",
     "idTag", "idToken", "charge_point", "serial", "serial_number", "key_file", "ca_file", "cert_file"}
)  # fmt: skip
"""Keys whose values identify or open something: they are replaced wherever they stand."""
NAMES_OF_SECRETS = frozenset({"password", "token", "email", "api_key"})
"""Configuration keys that may name an environment variable; what the variable holds is hidden too."""
HIDDEN = "hidden"
LEAST = 4
"""A shorter value would be found in words that have nothing to do with it."""
LOGIN = re.compile(r"(?<=://)[^/@\s\"']+@")
IN_QUERY = re.compile(r"(?i)([?&](?:[\w-]*(?:token|key|password|secret|auth)[\w-]*)=)[^&\s\"']+")


def without_secrets(value: Any, key: str = "", known: tuple[str, ...] = ()) -> Any:
    """The same value with everything secret replaced; `known` are secret values that no text may contain."""
    if key in SECRET_KEYS and value not in (None, "", (), [], {}):
        return [HIDDEN] * len(value) if isinstance(value, (list, tuple)) else HIDDEN
    if isinstance(value, dict):
        made = {_text(name, known): without_secrets(part, name, known) for name, part in value.items()}
        # A charger's settings travel as key and value, and its password is one of them.
        return made | {"value": HIDDEN} if made.get("key") and made.get("value") is not None else made
    if isinstance(value, (list, tuple)):
        return [without_secrets(part, "", known) for part in value]
    return _text(value, known) if isinstance(value, str) else value


def without_known(raw: bytes, known: tuple[str, ...]) -> bytes:
    """The same bytes without these secret values."""
    return _pattern_of_bytes(known).sub(HIDDEN.encode(), raw) if known else raw


@cache
def _pattern(known: tuple[str, ...]) -> "re.Pattern[str]":
    # A tag is the same tag in capitals (OCPP 1.6, IdToken is a CiString), so no writing of it is left.
    return re.compile("|".join(map(re.escape, known)), re.IGNORECASE)


@cache
def _pattern_of_bytes(known: tuple[str, ...]) -> "re.Pattern[bytes]":
    return re.compile(b"|".join(re.escape(one.encode()) for one in known), re.IGNORECASE)


def _text(text: str, known: tuple[str, ...]) -> str:
    text = _pattern(known).sub(HIDDEN, text) if known else text
    return IN_QUERY.sub(rf"\1{HIDDEN}", LOGIN.sub(f"{HIDDEN}@", text))


def secrets_of(site: Site, environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The secret values of a site: those in the file, and those that it names in the environment. The longest first.

    What is also the id of a device or the name of a service is none: it is in the topics.
    """
    config = msgspec.to_builtins(site)
    found = set(_marked(config)) | set(_named(config, site, environ))
    found = {one for one in found - set(_ids(config)) if len(one) >= LEAST}
    in_addresses = {write(one) for one in found for write in (quote, quote_plus, partial(quote, safe=""))}
    return tuple(sorted(found | in_addresses, key=lambda one: (-len(one), one)))


def _marked(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _marked(part, name)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _marked(part, key)
    elif isinstance(value, str) and key in SECRET_KEYS - {"username"}:
        yield value


def _named(value: Any, site: Site, environ: Mapping[str, str], key: str = "") -> Iterator[str]:
    """What environment variables or their files hold, as far as this account may read them."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _named(part, site, environ, name)
    elif isinstance(value, str) and key in NAMES_OF_SECRETS:
        for service in ("", *site.services(), "owner"):
            try:
                held = secret(value, environ, service=service)
            except BadConfig:
                continue
            if held:
                yield held


def _ids(config: Any) -> Iterator[str]:
    yield from SERVICES
    for section in config.values():
        if isinstance(section, dict):
            yield from section
