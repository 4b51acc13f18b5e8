"""`busbar record` and `busbar replay`: a bug report is a file, and a fix is a test."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from busbar_allocator.plan import foreign_topics
from busbar_cli.hiding import secrets_of
from busbar_cli.recording import BadRecording, Writer, header_of, is_something_else, line_of
from busbar_cli.replay_compare import SETTLE_S
from busbar_shared.asking import connected
from busbar_shared.clock import RealClock
from busbar_shared.command_line import (
    EXIT_WRONG,
    ConfigOption,
    answer_or_exit,
    fail,
    load_or_exit,
    print_json,
)
from busbar_shared.config.root import Site
from busbar_shared.life import connect, program_version
from busbar_shared.progress import counting


def record(
    file: Annotated[Path, typer.Argument(help="Where the recording goes, for example evening.busbar.gz.")],
    config: ConfigOption = None,
    minutes: Annotated[
        float | None, typer.Option(help="End by itself after so many minutes.", min=0.01)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Record the traffic of a site, without its secrets. Exit code 1 when nothing was heard."""
    site = load_or_exit(config)
    if is_something_else(file):
        fail(f"{file} is there already and is no recording: it is left alone", EXIT_WRONG)
    try:
        count, dropped = answer_or_exit(_record(site, file, minutes))
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}", EXIT_WRONG)
    if json:
        print_json({"file": str(file), "messages": count, "dropped": dropped})
    typer.echo(f"{count} messages in {file}", err=True)
    if dropped:
        typer.echo(f"{dropped} came faster than they could be written, and are missing", err=True)
    if not count:
        raise typer.Exit(1)


async def _record(site: Site, file: Path, minutes: float | None) -> tuple[int, int]:
    """How many messages were written, and how many were lost on the way."""
    clock = RealClock()
    async with connect(site, "record", os.environ) as bus:
        heard = bus.listen_raw(f"{site.site.topic_root}/#", *outside(site))
        known = secrets_of(site)
        await connected(bus, site)
        writer = Writer(file, header_of(site, program_version(), clock.now(), known))
        _end_in_good_order()
        started_s, told_s = clock.monotonic(), time.monotonic()
        try:
            with (
                contextlib.suppress(TimeoutError, asyncio.CancelledError),
                counting("recording, messages") as count,
            ):
                async with asyncio.timeout(None if minutes is None else minutes * 60):
                    async for message in heard:
                        writer.add(line_of(message, started_s, known))
                        count(writer.lines)
                        if not sys.stderr.isatty() and time.monotonic() - told_s > 10:
                            told_s = time.monotonic()
                            typer.echo(f"{told_s - started_s:.0f} s, {writer.lines} messages", err=True)
        finally:
            writer.close()
    return writer.lines, bus.dropped


def outside(site: Site) -> tuple[str, ...]:
    """What the allocator hears that is not below the root: the charge of cars, and a schedule with a root of its own."""
    cars = {one.soc_topic for one in site.chargers.values() if one.soc_topic}
    return tuple(
        sorted(
            one for one in cars | set(foreign_topics(site)) if not one.startswith(f"{site.site.topic_root}/")
        )
    )


def _end_in_good_order() -> None:
    """`timeout` and systemd end a command with SIGTERM: what was heard until then is worth as much as with ctrl-c."""
    recording = asyncio.current_task()
    if recording is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, recording.cancel)


def replay(
    file: Annotated[Path, typer.Argument(help="A recording made by `busbar record`.")],
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Another value in the recorded configuration, for example site.import_limit_w=5000."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Play a recording through allocator and battery in virtual time; print where decisions differ. Exit code 1 if so."""
    from busbar_cli.replay import replay as play

    changes: dict[str, object] = {}
    for wanted in change or []:
        key, equals, value = wanted.partition("=")
        if not equals:
            typer.echo(f"--set {wanted}: write KEY=VALUE", err=True)
            raise typer.Exit(2)
        try:
            changes[key] = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            changes[key] = value
    try:
        with counting("playing, messages") as count:
            found = play(file, changes, count)
    except BadRecording as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    if json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        for one in found.differences:
            typer.echo(
                f"{one.t:8.1f} s  {one.load}: recorded {_figure(one.recorded_a, one.recorded_w)} "
                f"({one.recorded_why}); now {_figure(one.replayed_a, one.replayed_w)} ({one.replayed_why})"
            )
        typer.echo(
            f"{found.messages} messages over {found.seconds:g} s, {found.decisions} decisions, "
            f"{found.compared} compared, {len(found.differences)} differences, digest {found.digest}"
        )
        if not found.compared:
            typer.echo(
                f"Nothing was compared: it has no decision, or it began while the services ran and is not "
                f"longer than {SETTLE_S:g} s."
            )
    raise typer.Exit(1 if found.differences else 0)


def _figure(amps: float | None, watts: float | None) -> str:
    return f"{amps:.1f} A" if amps is not None else f"{watts:.0f} W" if watts is not None else "nothing"
