"""`busbar demo`: a simulated house managed by the real services, and a verdict by its true currents."""

import asyncio
import contextlib
import os
import re
import signal
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path

import typer

from busbar_cli.broker import free_port
from busbar_cli.demo_hems import send_windows
from busbar_cli.scene import Scene
from busbar_cli.up import Supervisor
from busbar_cli.view import headless_line, json_line, live_view
from busbar_shared.clock import RealClock
from busbar_shared.config.load import BadConfig, read
from busbar_shared.config.root import Site
from busbar_shared.life import EXIT_CONFIG, connect

EXIT_OVERLOADED = 1
EXIT_NOT_SHOWN = 4
"""The house was never seen, or no load was ever granted anything: nothing was proven."""


BROKERS = ("auto", "mosquitto", "amqtt")
ACCOUNT = {"CHARGEAMPS_EMAIL": "owner@example.org", "CHARGEAMPS_PASSWORD": "secret"}
"""Of the simulated cloud in the demo's house, and of nobody else."""


async def demo(
    *,
    minutes: float | None,
    headless: bool,
    as_json: bool,
    speed: float | None,
    seed: int | None,
    broker: str,
    keep: Path | None,
) -> int:
    """Run the house until the time is over or somebody interrupts. 0: no phase was over its breaker longer than allowed."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with contextlib.ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="busbar-demo-")))
        text = demo_config(speed=speed, seed=seed)
        try:
            _keep(text, folder)
            if broker not in BROKERS:
                raise BadConfig(f"--broker: {', '.join(BROKERS)} (found {broker!r})")
        except BadConfig as error:
            typer.echo(str(error), err=True)
            return EXIT_CONFIG
        site = read(text)
        environ = {"BUSBAR_STATE_DIR": str(folder / "state"), "BUSBAR_CONFIG": str(folder / "busbar.toml")}
        environ |= ACCOUNT
        os.environ.update(environ)
        supervisor = Supervisor(site, folder / "busbar.toml", broker=broker, logs=folder, environ=environ)
        try:
            await supervisor.start()
            _say_which_broker(supervisor)
            return await _watch(site, supervisor, stop, minutes, headless=headless, as_json=as_json)
        except BadConfig as error:
            typer.echo(str(error), err=True)
            return EXIT_CONFIG
        finally:
            await supervisor.stop()


def _keep(text: str, folder: Path) -> None:
    """Write the demo's configuration, but never over that of a real site. Raises BadConfig."""
    file = folder / "busbar.toml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        begin = text.partition("\n")[0]
        if file.exists() and not file.read_bytes().startswith(begin.encode()):
            raise BadConfig(f"--keep: {file} is there already and is not the demo's: it is left alone")
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadConfig(f"--keep: {file} cannot be written: {error.strerror}") from error


def demo_config(*, speed: float | None = None, seed: int | None = None) -> str:
    """The demo's configuration with ports that are free on this machine."""
    text = (files("busbar_cli") / "demo.toml").read_text(encoding="utf-8")
    for fixed in ("18830", "15020", "18080", "19000"):
        text = text.replace(fixed, str(free_port()))
    if speed is not None:
        text = re.sub(r"(?m)^speed = .*$", f"speed = {speed:g}", text)
    if seed is not None:
        text = re.sub(r"(?m)^seed = .*$", f"seed = {seed}", text)
    return text


def _say_which_broker(supervisor: Supervisor) -> None:
    if supervisor.broker is not None and supervisor.broker.kind == "amqtt":
        typer.echo("using the embedded broker amqtt on loopback; for a household install mosquitto", err=True)


async def _watch(
    site: Site,
    supervisor: Supervisor,
    stop: asyncio.Event,
    minutes: float | None,
    *,
    headless: bool,
    as_json: bool,
) -> int:
    scene = Scene(site)
    until = None if minutes is None else time.monotonic() + minutes * 60
    async with connect(site, "demo", os.environ) as bus:
        playing = [
            asyncio.create_task(scene.hear(bus)),
            asyncio.create_task(send_windows(bus, RealClock())),
        ]
        try:
            with contextlib.nullcontext() if headless else live_view(scene) as view:
                while not stop.is_set() and (until is None or time.monotonic() < until):
                    if supervisor.failed_for_good() is not None:
                        return supervisor.failed_for_good() or EXIT_CONFIG
                    if view is not None:
                        view.refresh()
                    elif scene.truth is not None:
                        print(json_line(scene) if as_json else headless_line(scene), flush=True)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(1.0):
                            await stop.wait()
        finally:
            for one in playing:
                one.cancel()
            await asyncio.gather(*playing, return_exceptions=True)
    return _verdict(scene)


def _verdict(scene: Scene) -> int:
    """Judge by the plant's true currents and nothing else."""
    if scene.truth is None:
        print("the simulated house was never seen", file=sys.stderr)
        return EXIT_NOT_SHOWN
    for line in scene.summary():
        print(line)
    if scene.truth.verdict != "ok":
        return EXIT_OVERLOADED
    return 0 if scene.ever_charged else EXIT_NOT_SHOWN
