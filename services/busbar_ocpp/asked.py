"""Questions and requests of the command line to the running OCPP service, over the bus."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from busbar_contracts.charger import ChargerCommand, ChargerState
from busbar_shared.asking import CONNECT_S, NoAnswer, connected, gathered, last_states
from busbar_shared.config.root import Site
from busbar_shared.life import connect

GATHER_S = 1.0
PATIENCE_S = 20.0
PROOF_S = 420.0


ACCOUNT = "ocpp-cli"
NOBODY = "are the broker and the OCPP service running?"


async def states(
    site: Site, environ: Mapping[str, str], wait_s: float = GATHER_S
) -> dict[tuple[str, str], ChargerState]:
    """The last state of every connector, by charger and connector. Raises NoAnswer when there is none."""
    found = await last_states(site, environ, ChargerState, ACCOUNT, wait_s)
    if not found:
        raise NoAnswer(f"no charger has a state; {NOBODY}")
    return {(charger, connector): state for (charger, connector), state in found.items()}


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
    async with connect(site, ACCOUNT, environ) as bus:
        heard = bus.listen_where((ChargerState, {"charger": charger, "connector": connector}))
        await connected(bus, site, min(CONNECT_S, patience_s))
        await bus.say(replace(command, id=mark), charger=charger, connector=connector)
        said = await gathered(
            heard, patience_s, lambda one: (one.message.last_answer or "").startswith(prefix)
        )
    answer = (said[-1].message.last_answer or "") if said else ""
    if not answer.startswith(prefix):
        raise NoAnswer(f"no answer; {NOBODY}")
    return str(answer.removeprefix(prefix))
