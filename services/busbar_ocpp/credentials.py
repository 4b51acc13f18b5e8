"""Whether a charge point that knocks is the one it says it is (security profiles 0 to 3)."""

import asyncio

from busbar_ocpp.desk import Desk
from busbar_ocpp.link import Admission, Credentials
from busbar_ocpp.passwords import Failures, matches


class CredentialCheck:
    """Judges what charge points show at the door, and remembers wrong passwords and right ones."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._failures = Failures()
        self._known_passwords: dict[str, str] = {}
        """Passwords that matched, so that a fleet that reconnects costs no hash for each."""

    async def of_ours(self, shown: Credentials, stored: str | None) -> Admission:
        """Whether a configured charge point may come in, whose password's hash is `stored`."""
        security = self._desk.plan.section.security
        if security == 3:
            ok = shown.id in shown.certificate_names
            return Admission() if ok else Admission(401, "the certificate names another charge point")
        if security == 0:
            return Admission()
        admission = await self._password(shown, stored)
        if admission.status == 101:
            # So that it can be released should it be taken out of the configuration, its password with it.
            self._desk.memory.of(shown.id).password = stored
        return admission

    async def was_ours(self, shown: Credentials) -> bool:
        """Whether a charge point that is not configured any more is the one it says it is."""
        security = self._desk.plan.section.security
        if security in (0, 3):
            return security == 0 or shown.id in shown.certificate_names
        stored = self._desk.memory.of(shown.id).password
        return stored is not None and (await self._password(shown, stored)).status == 101

    async def _password(self, shown: Credentials, stored: str | None) -> Admission:
        who, now_s = (shown.id, shown.remote), self._desk.clock.monotonic()
        if self._failures.too_many(who, now_s):
            return Admission(429, "too many wrong passwords; wait a minute")
        if stored is None or shown.password is None or shown.user != shown.id:
            return Admission(401, "a user name equal to the id, and a password, are needed")
        if self._known_passwords.get(shown.id) == shown.password:
            return Admission()
        if await asyncio.to_thread(matches, shown.password, stored):
            self._known_passwords[shown.id] = shown.password
            return Admission()
        self._failures.note(who, now_s)
        return Admission(401, "wrong password")
