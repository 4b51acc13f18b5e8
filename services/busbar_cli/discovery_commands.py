"""`busbar discovery`: what Home Assistant was shown, and taking it away again."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable
from typing import Annotated

import msgspec
import typer

from busbar_shared.asking import no_broker
from busbar_shared.command_line import AsJson, ConfigOption, fail, load_or_exit
from busbar_shared.config.root import Site

app = typer.Typer(help="What Home Assistant is shown: list it, remove it.", no_args_is_help=True)

EXIT_FAILED = 1
SecondsOption = Annotated[float, typer.Option(help="How long to listen for retained messages.", min=0.2)]


@app.command("list")
def list_(config: ConfigOption = None, seconds: SecondsOption = 2.0, json: AsJson = False) -> None:
    """List the retained messages by which Home Assistant knows this site. Exit code 1 without a broker."""
    site = load_or_exit(config)
    found = asyncio.run(_found(site, seconds))
    if found is None:
        fail(no_broker(site), EXIT_FAILED)
    _tell({"found": sorted(found)}, as_json=json)


@app.command()
def remove(config: ConfigOption = None, seconds: SecondsOption = 2.0, json: AsJson = False) -> None:
    """Remove this site from Home Assistant without a trace. Exit code 1 when something is left.

    Services that still run with discovery switched on show themselves again: set broker.discovery to
    "off" first and restart them.
    """
    site = load_or_exit(config)
    found = asyncio.run(_found(site, seconds))
    if found is None:
        fail(no_broker(site), EXIT_FAILED)
    asyncio.run(_clear(site, found))
    left = (asyncio.run(_found(site, seconds)) if found else None) or {}
    _tell({"removed": sorted(found.keys() - left.keys()), "left": sorted(left)}, as_json=json)
    if left:
        fail(
            f"{len(left)} messages are left: a service shows itself again, or this account may not write them; "
            'set broker.discovery to "off" and restart the services, each takes away its own',
            EXIT_FAILED,
        )


def _tell(lists: dict[str, list[str]], *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(lists).decode())
        return
    for what, topics in lists.items():
        for topic in topics:
            typer.echo(f"{what}: {topic}")
        typer.echo(f"{len(topics)} retained messages {what}")


async def _found(site: Site, seconds: float) -> dict[str, str | None] | None:
    """The retained messages of this site and who wrote them; None when the broker does not answer."""
    from busbar_shared.discovery.manifest import ours
    from busbar_shared.life import connect

    prefix, root = site.broker.discovery_prefix.strip("/"), site.site.topic_root
    retained: dict[str, bytes] = {}
    async with connect(site, "discovery", os.environ) as bus:
        heard = bus.listen_raw(f"{prefix}/+/+/config", f"{prefix}/+/+/+/config", f"{root}/ha/+/availability")
        if not await _within(5.0, bus.connected.wait()):
            return None
        loop = asyncio.get_running_loop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds) as patience:
                async for one in heard:
                    if one.retained:
                        retained[one.topic] = one.payload
                        # A slow broker may have more of them; live traffic never ends and extends nothing.
                        patience.reschedule(loop.time() + seconds)
    return ours(retained, root)


async def _clear(site: Site, found: dict[str, str | None]) -> None:
    """Clear each message by the account of the service that wrote it: another may not."""
    from busbar_shared.life import connect

    anybody = next((service for service in found.values() if service is not None), "discovery")
    for service in sorted({one or anybody for one in found.values()}):
        async with connect(site, service, os.environ) as bus:
            if not await _within(5.0, bus.connected.wait()):
                continue
            for topic, writer in found.items():
                if (writer or anybody) == service:
                    await bus.say_raw(topic, b"", qos=1, retain=True)
            await bus.drain()


async def _within(seconds: float, what: Awaitable[object]) -> bool:
    try:
        await asyncio.wait_for(what, seconds)
    except TimeoutError:
        return False
    return True
