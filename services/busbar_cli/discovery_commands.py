"""`busbar discovery`: what Home Assistant was shown, and taking it away again."""

import asyncio
import contextlib
import os
from typing import Annotated

import msgspec
import typer

from busbar_shared.command_line import AsJson, ConfigOption, fail, load_or_exit
from busbar_shared.config.root import Site

app = typer.Typer(help="What Home Assistant is shown: list it, remove it.", no_args_is_help=True)

EXIT_NO_BROKER = 1
SecondsOption = Annotated[float, typer.Option(help="How long to listen for retained messages.", min=0.2)]


@app.command("list")
def list_(config: ConfigOption = None, seconds: SecondsOption = 2.0, json: AsJson = False) -> None:
    """List the retained messages by which Home Assistant knows this site. Exit code 1 without a broker."""
    _tell(asyncio.run(_found(load_or_exit(config), seconds, clear=False)), "found", as_json=json)


@app.command()
def remove(config: ConfigOption = None, seconds: SecondsOption = 2.0, json: AsJson = False) -> None:
    """Remove this site from Home Assistant without a trace. Exit code 1 without a broker.

    Services that still run with discovery switched on show themselves again: set broker.discovery to
    "off" first and restart them.
    """
    _tell(asyncio.run(_found(load_or_exit(config), seconds, clear=True)), "removed", as_json=json)


def _tell(topics: tuple[str, ...] | None, what: str, *, as_json: bool) -> None:
    if topics is None:
        fail("the broker does not answer", EXIT_NO_BROKER)
    if as_json:
        typer.echo(msgspec.json.encode({what: topics}).decode())
        return
    for topic in topics:
        typer.echo(topic)
    typer.echo(f"{len(topics)} retained messages {what}")


async def _found(site: Site, seconds: float, *, clear: bool) -> tuple[str, ...] | None:
    """The retained messages of this site, cleared if asked for; None when the broker does not answer."""
    from busbar_shared.discovery.manifest import ours
    from busbar_shared.life import connect

    prefix, root = site.broker.discovery_prefix.strip("/"), site.site.topic_root
    retained: dict[str, bytes] = {}
    async with connect(site, "discovery", os.environ) as bus:
        heard = bus.listen_raw(f"{prefix}/+/+/config", f"{prefix}/+/+/+/config", f"{root}/ha/+/availability")
        try:
            async with asyncio.timeout(5.0):
                await bus.connected.wait()
        except TimeoutError:
            return None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for one in heard:
                    if one.retained:
                        retained[one.topic] = one.payload
        topics = ours(retained, root)
        for topic in topics if clear else ():
            await bus.say_raw(topic, b"", qos=1, retain=True)
        await bus.drain()
    return topics
