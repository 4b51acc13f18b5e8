"""Shows the traffic on the bus, decoded."""

import asyncio
import contextlib
import os
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import typer

from busbar_cli.topic_filter import below, fault
from busbar_contracts.topics import match
from busbar_shared.asking import NoAnswer, connected
from busbar_shared.bus import RawHeard
from busbar_shared.command_line import EXIT_UNANSWERED, EXIT_WRONG, fail, plain
from busbar_shared.config.root import Site
from busbar_shared.judge import Refused, decode
from busbar_shared.life import connect


async def watch(site: Site, wanted: str, *, as_json: bool, seconds: float | None) -> int:
    """Print messages below the root until interrupted or the time is over. Returns the exit code."""
    filter_ = below(site.site.topic_root, wanted)
    if wrong := fault(filter_):
        fail(f"--topic {wanted}: {wrong}", EXIT_WRONG)
    async with connect(site, "watch", os.environ) as bus:
        heard = bus.listen_raw(filter_)
        try:
            await connected(bus, site)
        except NoAnswer as error:
            fail(str(error), EXIT_UNANSWERED)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for message in heard:
                    typer.echo(line_of(site, message, as_json=as_json))
    return 0


def line_of(site: Site, message: RawHeard, *, as_json: bool) -> str:
    """One message as a line for a person or a program."""
    root = site.site.topic_root
    name = message.topic
    found = match("hems" + name[len(root) :] if name.startswith(root) else name)
    problem = "not in the contract" if found is None else ""
    if found is not None and message.payload and found[0].message is not str:
        try:
            decode(found[0], message.payload)
        except Refused as refused:
            problem = refused.text
    text = message.payload.decode("utf-8", errors="replace")
    if as_json:
        try:
            payload = msgspec.json.decode(message.payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            payload = text
        line = {"topic": name, "retained": message.retained, "payload": payload, "problem": problem or None}
        return msgspec.json.encode(line).decode()
    at = datetime.now(ZoneInfo(site.site.timezone)).strftime("%H:%M:%S.%f")[:-3]
    marks = (" retained" if message.retained else "") + (f" ! {problem}" if problem else "")
    return f"{at} {plain(name + marks)}\n    {plain(text)}"
