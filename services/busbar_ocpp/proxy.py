"""Forwards a charger to its own back office, while Busbar keeps the limits.

What the charger says is answered at home first and passed on afterwards; a back office that is away changes
nothing at home, and hears of transactions later, with their own times. Its charging profiles cap what Busbar
grants. Transaction numbers are ours towards the charger and are translated upstream (1.6; in 2.0.1 they are the
charger's own).
"""

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from busbar_ocpp import frames
from busbar_ocpp.back_office_calls import BackOfficeCalls
from busbar_ocpp.connector import Connector
from busbar_ocpp.discovering import OUR_REQUESTS
from busbar_ocpp.introduction import boot_of, pause_s
from busbar_ocpp.measure import number
from busbar_ocpp.outbox import LASTING, Outbox, Waiting
from busbar_ocpp.profile_calls import ProfileCalls, Whose
from busbar_ocpp.upstream_link import NoUpstream, UpstreamLink, upstream

if TYPE_CHECKING:
    from busbar_ocpp.charge_point import ChargePoint

log = logging.getLogger(__name__)

Payload = dict[str, Any]

FIRST_RETRY_S, LAST_RETRY_S = 2.0, 60.0
ANSWER_S = 10.0
AUTHORIZE_S = 4.0
# A transaction that a back office fails to take is tried again before it is given up (1.6 section 4.10, 9.1.23).
FAILURES = frozenset({"InternalError", "GenericError", "SecurityError"})
TRIES = 3
MOST_STATUSES = 50
MOST_ADMITTED = 100


class Proxy:
    """One charger's line to its back office."""

    def __init__(self, charger: "ChargePoint", url: str, outbox: Outbox) -> None:
        self._charger, self._url, self._outbox = charger, url, outbox
        whose = Whose(charger.plan.id, charger.connectors, charger.desk.clock, charger.desk.plan.nominal_v)
        self._profiles = ProfileCalls(whose, outbox)
        self._link: UpstreamLink | None = None
        self._answers: dict[str, asyncio.Future[frames.Result | frames.Error]] = {}
        self._wake = asyncio.Event()
        self._calls = BackOfficeCalls(charger, outbox, self._profiles, told=self._wake.set)
        self._boot: Payload | None = None
        self._introduced = False
        """The back office has heard who it is, since it connected or booted."""
        self._admitted: tuple[str, ...] = ()
        """The last tags the back office has let in since the service started."""
        self._statuses: dict[tuple[str, str], Payload] = {}
        self._tries = (0, 0)
        """The message that failed last, by its place, and how often."""

    # -- from the charger ----------------------------------------------------------------------

    async def pass_on(self, action: str, payload: Payload, answer: Payload) -> None:
        """Take what the charger said and was answered, for the back office; what must arrive is on the disk then."""
        if action == "BootNotification":
            self._boot, self._introduced = payload, False
            self._wake.set()
            return
        if action == "StatusNotification":
            self._note_status(payload)
        self._forget_ended(action, payload)
        if action == "NotifyReport" and (number(payload.get("requestId")) or 0) > OUR_REQUESTS:
            return  # it answers us
        if action == "StartTransaction":
            ours = str(answer.get("transactionId"))
            if self._outbox.knows_start(self._charger.plan.id, ours):
                return  # told again, because the answer did not reach the charger
            payload = {**payload, "_ours": ours}
        if action in LASTING or (self._link is not None and action != "Authorize"):
            self._outbox.put(self._charger.plan.id, action, payload)
            self._wake.set()
        if action in LASTING:
            await self._outbox.durable()

    def _forget_ended(self, action: str, payload: Payload) -> None:
        """A transaction has ended, and with it the back office's profiles for it."""
        id, evse = payload.get("transactionId"), payload.get("evse")
        if action == "TransactionEvent" and payload.get("eventType") == "Ended":
            info = payload.get("transactionInfo")
            id = info.get("transactionId") if isinstance(info, dict) else None
        elif action != "StopTransaction":
            return
        place = number(evse.get("id")) if isinstance(evse, dict) else None
        place = None if place is None else int(place)
        entry = self._charger.desk.ledger.by_wire_id(self._charger.plan.id, str(id), place)
        self._profiles.forget_transaction(str(id), entry.connector if entry is not None else None)

    def _note_status(self, payload: Payload) -> None:
        """Keep the last word of each connector for a back office that comes back."""
        places = payload.get("connectorId"), payload.get("evseId")
        key = str(places[0])[:8], str(places[1])[:8]
        if key in self._statuses or len(self._statuses) < MOST_STATUSES:
            self._statuses[key] = payload

    async def authorize(self, tag: str, version: str) -> bool:
        """Whether the back office lets a tag charge that is unknown at home; no answer is no."""
        if tag in self._admitted:
            return True
        if version == "1.6":
            payload: Payload = {"idTag": tag}
        else:
            payload = {"idToken": {"idToken": tag, "type": "ISO14443"}}
        try:
            async with asyncio.timeout(AUTHORIZE_S):
                said = await self._ask("Authorize", payload)
        except (NoUpstream, TimeoutError):
            return False
        answer = said.payload if isinstance(said, frames.Result) else {}
        info = answer.get("idTagInfo", answer.get("idTokenInfo"))
        admitted = isinstance(info, dict) and info.get("status") == "Accepted"
        if admitted:
            self._admitted = (*self._admitted[1 - MOST_ADMITTED :], tag)
        return admitted

    def cap_a(self, connector: Connector) -> float:
        """The most the back office allows now, in ampere per leg."""
        return self._profiles.cap_a(connector)

    # -- the line ------------------------------------------------------------------------------

    async def run(self) -> None:
        """Stay connected while the service lives."""
        retry_s = FIRST_RETRY_S
        told = False
        while True:
            version = self._charger.version
            if version is None:
                retry_s = FIRST_RETRY_S  # nobody was there yet to be forwarded
            else:
                try:
                    async with upstream(self._url, self._charger.plan.charge_point, version) as link:
                        retry_s, told = FIRST_RETRY_S, False
                        await self._live(link)
                except NoUpstream as error:
                    if not told:
                        await self._charger.report(
                            "back_office_away", f"its back office: {error}", severity="info"
                        )
                    told = True
                except Exception:
                    log.exception("%s: the line to the back office failed", self._charger.plan.id)
            await self._charger.desk.clock.sleep(retry_s)
            retry_s = min(retry_s * 2, LAST_RETRY_S)

    async def _live(self, link: UpstreamLink) -> None:
        self._link = link
        sending = asyncio.create_task(self._send())
        try:
            async for text in link.messages():
                await self._receive(text, link)
        finally:
            self._link = None
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(NoUpstream("the line was lost"))

    async def _send(self) -> None:
        """Who we are first, until the back office takes it; then what waits, one after the other."""
        await self._introduce()
        for status in list(self._statuses.values()):
            await self._patiently("StatusNotification", status)
        while True:
            if not self._introduced:
                await self._introduce()
            waiting = self._outbox.first(self._charger.plan.id)
            if waiting is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._deliver(waiting)

    async def _introduce(self) -> None:
        """Say who it is until that is accepted."""
        self._introduced = True
        while (wait_s := pause_s(await self._said_who())) is not None:
            await self._charger.desk.clock.sleep(wait_s)

    async def _said_who(self) -> frames.Result | frames.Error | None:
        """What the back office answers to who it is; None where nobody knows that, or there is no answer."""
        boot, identity = self._boot, self._charger.identity
        if boot is None and identity is not None:
            boot = boot_of(identity, self._charger.version)
        return None if boot is None else await self._patiently("BootNotification", boot)

    async def _patiently(self, action: str, payload: Payload) -> frames.Result | frames.Error | None:
        """The answer, or None when there is none in time."""
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._ask(action, payload)
        except TimeoutError:
            log.info("%s: the back office does not answer %s", self._charger.plan.id, action)
            return None

    async def _deliver(self, waiting: Waiting) -> None:
        payload = dict(waiting.payload)
        ours = payload.pop("_ours", None)
        id = payload.get("transactionId")
        if isinstance(id, int):
            theirs = self._outbox.theirs(self._charger.plan.id, str(id))
            payload["transactionId"] = (
                int(theirs) if theirs is not None and theirs.lstrip("-").isdecimal() else id
            )
        said = await self._patiently(waiting.action, payload)
        if said is None or self._failed(waiting, said):
            await self._charger.desk.clock.sleep(FIRST_RETRY_S)
            return
        if ours is not None and isinstance(said, frames.Result):
            self._outbox.learn_id(self._charger.plan.id, ours, str(said.payload.get("transactionId")))
        self._outbox.done(waiting.place)

    def _failed(self, waiting: Waiting, said: frames.Result | frames.Error) -> bool:
        """Whether the back office could not take a transaction just now, and shall be asked again."""
        if isinstance(said, frames.Result) or said.code not in FAILURES:
            return False
        if waiting.action not in LASTING or waiting.action == "MeterValues":
            return False
        place, count = self._tries
        self._tries = waiting.place, count + 1 if place == waiting.place else 1
        log.warning("%s: the back office: %s: %s", self._charger.plan.id, waiting.action, said.code)
        return self._tries[1] < TRIES

    async def _ask(self, action: str, payload: Payload) -> frames.Result | frames.Error:
        link, id = self._link, str(uuid4())
        if link is None:
            raise NoUpstream("no line")
        answer: asyncio.Future[frames.Result | frames.Error] = asyncio.get_running_loop().create_future()
        self._answers[id] = answer
        try:
            await link.send(frames.plain_call(id, action, payload))
            return await answer
        finally:
            del self._answers[id]

    # -- from the back office ------------------------------------------------------------------

    async def _receive(self, text: str | bytes, link: UpstreamLink) -> None:
        try:
            message = frames.read(text, self._charger.version or "1.6")
        except frames.BadFrame as bad:
            log.info("%s: the back office: %s", self._charger.plan.id, bad)
            return
        if not isinstance(message, frames.Call):
            waiting = self._answers.get(message.id)
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
            return
        self._charger.start(self._serve(message, link))

    async def _serve(self, call: frames.Call, link: UpstreamLink) -> None:
        answer = await self._calls.served(call)
        with suppress(NoUpstream):
            await link.send(answer)
