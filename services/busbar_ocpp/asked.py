"""Questions and requests of the command line to the running OCPP service, over the bus."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import suppress

from busbar_contracts.charger import ChargerCommand, ChargerState
from busbar_shared.config.root import Site
from busbar_shared.life import connect

GATHER_S = 1.0
PATIENCE_S = 20.0
PROOF_S = 420.0


class NoAnswer(Exception):
    """Nobody answered: the broker or the OCPP service is not there."""


async def states(
    site: Site, environ: Mapping[str, str], wait_s: float = GATHER_S
) -> dict[tuple[str, str], ChargerState]:
    """The last state of every connector, by charger and connector. Raises NoAnswer when there is none."""
    found: dict[tuple[str, str], ChargerState] = {}
    async with connect(site, "ocpp-cli", environ) as bus:
        heard = bus.listen(ChargerState)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s + 2):
                await bus.connected.wait()
                async with asyncio.timeout(wait_s):
                    async for one in heard:
                        found[one.ids["charger"], one.ids["connector"]] = one.message
    if not found:
        raise NoAnswer("no charger has a state; are the broker and the OCPP service running?")
    return found


async def ask(
    site: Site,
    environ: Mapping[str, str],
    charger: str,
    connector: str,
    command: ChargerCommand,
    patience_s: float = PATIENCE_S,
) -> str:
    """The answer to a command, as the service puts it into the state. Raises NoAnswer."""
    from msgspec.structs import replace

    mark = secrets.token_hex(4)
    prefix = f"[{mark}] "
    async with connect(site, "ocpp-cli", environ) as bus:
        heard = bus.listen_where((ChargerState, {"charger": charger, "connector": connector}))
        try:
            async with asyncio.timeout(patience_s):
                await bus.connected.wait()
                await bus.say(replace(command, id=mark), charger=charger, connector=connector)
                async for one in heard:
                    answer = one.message.last_answer or ""
                    if answer.startswith(prefix):
                        return str(answer.removeprefix(prefix))
        except TimeoutError as error:
            raise NoAnswer("no answer; are the broker and the OCPP service running?") from error
    raise NoAnswer("the connection to the broker ended")
