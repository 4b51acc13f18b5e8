"""`busbar detect`: listen to a statestream and propose what to write into the configuration."""

import asyncio
import contextlib
import os
from typing import Annotated

import msgspec
import typer

from busbar_shared.command_line import EXIT_WRONG, AsJson, ConfigOption, answer_or_exit, fail, load_or_exit
from busbar_shared.config.root import Site

EXIT_NOTHING = 1


def detect(
    config: ConfigOption = None,
    base: Annotated[str, typer.Option(help="base_topic of mqtt_statestream.")] = "statestream",
    seconds: Annotated[float, typer.Option(help="How long to listen.", min=0.2)] = 5.0,
    bridge: Annotated[
        bool, typer.Option("--automation", help="Print the automation for Home Assistant instead.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Find meters, inverters, batteries and plugs among Home Assistant's entities. Exit code 1 when none is found."""
    from busbar_cli.detect import entities, findings
    from busbar_cli.detect_snippet import automation, snippet
    from busbar_cli.topic_filter import fault

    if wrong := fault(f"{base}/#"):
        fail(f"--base {base}: {wrong}", EXIT_WRONG)
    messages = answer_or_exit(_heard(load_or_exit(config), base, seconds))
    found = findings(entities(messages))
    if json:
        typer.echo(msgspec.json.encode(found).decode())
    elif bridge:
        typer.echo(automation(found), nl=False)
    elif found:
        typer.echo(snippet(found))
    if not found:
        why = "" if messages else "; is mqtt_statestream on in Home Assistant? (docs/home-assistant.md)"
        fail(f"nothing was recognised among {len(messages)} topics of {base}/#{why}", EXIT_NOTHING)


async def _heard(site: Site, base: str, seconds: float) -> dict[str, bytes]:
    from busbar_shared.asking import connected
    from busbar_shared.life import connect
    from busbar_shared.progress import waiting

    messages: dict[str, bytes] = {}
    async with connect(site, "detect", os.environ) as bus:
        heard = bus.listen_raw(f"{base}/#", "solar_assistant/#")
        await connected(bus, site)
        with contextlib.suppress(TimeoutError), waiting("listening to Home Assistant", seconds):
            async with asyncio.timeout(seconds):
                async for one in heard:
                    messages[one.topic] = one.payload
    return messages
