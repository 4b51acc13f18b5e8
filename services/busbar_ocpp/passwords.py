"""Passwords of charge points, stored as salted hashes."""

import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict

# OCPP security profile 1 asks for 16 to 40 random characters, so the hash guards against a leaked file, not
# against guessing; its cost is set by a fleet that reconnects at once.
COST, BLOCK, LANES = 2**12, 8, 1

MOST_FAILURES = 5
FORGIVEN_AFTER_S = 60.0
MOST_REMEMBERED = 1000


def hashed(password: str, salt: bytes | None = None) -> str:
    """The hash to write into the configuration: scrypt$cost$salt$hash."""
    salt = salt if salt is not None else secrets.token_bytes(16)
    digest = hashlib.scrypt(_bytes(password), salt=salt, n=COST, r=BLOCK, p=LANES, dklen=32)
    return f"scrypt${COST}${_b64(salt)}${_b64(digest)}"


def matches(password: str, stored: str) -> bool:
    """Whether this is the password; a hash that cannot be read matches nothing."""
    try:
        kind, cost, salt, digest = stored.split("$")
        if kind != "scrypt" or not 2**10 <= int(cost) <= 2**16:
            return False
        wanted = base64.b64decode(digest, validate=True)
        made = hashlib.scrypt(
            _bytes(password),
            salt=base64.b64decode(salt, validate=True),
            n=int(cost),
            r=BLOCK,
            p=LANES,
            dklen=32,
            maxmem=2**28,
        )
    except ValueError:
        return False
    return hmac.compare_digest(made, wanted)


class Failures:
    """Counts wrong passwords, so that guessing is slow and a charger with a typo is not shut out for good."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, str], list[float]] = OrderedDict()

    def too_many(self, who: tuple[str, str], now_s: float) -> bool:
        """Whether this one must wait."""
        recent = [at_s for at_s in self._seen.get(who, []) if now_s - at_s < FORGIVEN_AFTER_S]
        return len(recent) >= MOST_FAILURES

    def note(self, who: tuple[str, str], now_s: float) -> None:
        """One more wrong password."""
        recent = [at_s for at_s in self._seen.get(who, []) if now_s - at_s < FORGIVEN_AFTER_S]
        self._seen[who] = [*recent, now_s][-MOST_FAILURES:]
        self._seen.move_to_end(who)
        while len(self._seen) > MOST_REMEMBERED:
            self._seen.popitem(last=False)


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogateescape")


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
