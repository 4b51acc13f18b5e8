"""Busbar as a Home Assistant add-on: its options and the Supervisor's broker become a site, and `busbar up` runs it.

Sources: developers.home-assistant.io, "Add-on configuration" (/data/options.json, /data) and "Add-on communication"
with the Supervisor's endpoint GET /services/mqtt (host, port, ssl, username, password).
"""

import asyncio
import json
import os
import secrets
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from busbar_cli.new_site import Answers, ChargerSecret, toml_of
from busbar_cli.setup import answers_of
from busbar_cli.up import up
from busbar_shared.config.load import BadConfig, read, read_file
from busbar_shared.life import EXIT_CONFIG
from busbar_shared.statefile import StateFile

SUPERVISOR = "http://supervisor"


class Options(Struct, frozen=True, kw_only=True):
    """What the owner filled in on the add-on's page; what we do not know is ignored."""

    limit_a: float = 25.0
    phases: int = 3
    meter: str = "simulated"
    chargers: tuple[str, ...] = ("left",)
    name: str = "Home"


class Broker(Struct, frozen=True, kw_only=True):
    """Home Assistant's broker, as the Supervisor names it."""

    host: str
    port: int = 1883
    ssl: bool = False
    username: str = ""
    password: str = ""


def site_text(options: Options, broker: Broker, timezone: str, chargers: Mapping[str, ChargerSecret]) -> str:
    """The configuration: what `busbar setup` would write, with Home Assistant's broker."""
    answers = _answers(options, timezone)
    text = toml_of(answers, dict(chargers))
    login = f'username = "{_escaped(broker.username)}"\npassword = "BUSBAR_MQTT_PASSWORD"\n'
    ours = (
        f'[broker]\nhost = "{_escaped(broker.host)}"\nport = {broker.port}\n'
        f"tls = {str(broker.ssl).lower()}\n{login if broker.username else ''}"
    )
    return text.replace('[broker]\nhost = "embedded"', ours.rstrip()).replace(
        'host = "127.0.0.1"\nport = 9000', 'host = "0.0.0.0"\nport = 9000'
    )


def _answers(options: Options, timezone: str) -> Answers:
    return answers_of(
        "up", options.name, timezone, options.limit_a, options.phases, options.meter,
        ",".join(options.chargers), ocpp_tls=False,
    )  # fmt: skip


def options_of(raw: bytes) -> Options:
    """The owner's options. Raises BadConfig with a sentence."""
    try:
        return msgspec.json.decode(raw, type=Options)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadConfig(f"the add-on's options: {error}") from error


def broker_of(raw: bytes) -> Broker:
    """The broker in the Supervisor's answer. Raises BadConfig when there is none."""
    try:
        answer: Any = json.loads(raw)
        return msgspec.convert(answer["data"], Broker)
    except (ValueError, KeyError, TypeError, msgspec.ValidationError) as error:
        raise BadConfig(f"the Supervisor's answer names no MQTT broker: {error}") from error


def ask_supervisor(environ: Mapping[str, str]) -> Broker:
    """Home Assistant's broker. Raises BadConfig with what to do."""
    request = urllib.request.Request(
        f"{environ.get('BUSBAR_SUPERVISOR', SUPERVISOR)}/services/mqtt",
        headers={"Authorization": f"Bearer {environ.get('SUPERVISOR_TOKEN', '')}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return broker_of(answer.read(65_536))
    except (OSError, urllib.error.URLError) as error:
        raise BadConfig(
            f"the Supervisor names no MQTT broker ({error}); install the Mosquitto broker add-on"
        ) from error


def prepare(data: Path, own: Path, environ: Mapping[str, str] = os.environ) -> tuple[Path, dict[str, str]]:
    """The configuration to run with, and the environment. A busbar.toml in the owner's folder wins over the options.

    The chargers' passwords are written beside it, into chargers.txt. Raises BadConfig.
    """
    broker = ask_supervisor(environ)
    given = {"BUSBAR_MQTT_PASSWORD": broker.password, "BUSBAR_STATE_DIR": str(data / "state")}
    if (own / "busbar.toml").exists():
        return own / "busbar.toml", given
    options = options_of(_bytes(data / "options.json"))
    chargers = _passwords(data, options)
    text = site_text(options, broker, environ.get("TZ", "UTC"), chargers)
    read(text)
    _write(data / "busbar.toml", text)
    lines = [
        f"ws://<this machine>:9000/{name}  user {name}  password {one.password}"
        for name, one in chargers.items()
    ]
    _write(own / "chargers.txt", "\n".join(lines) + "\n")
    return data / "busbar.toml", given


def _passwords(data: Path, options: Options) -> dict[str, ChargerSecret]:
    """One for each charger, made once and kept: a charge point is told it only once."""
    from busbar_ocpp.passwords import hashed

    kept = StateFile(data / "chargers.json", dict[str, str])
    known = kept.load() or {}
    names = _answers(options, "UTC").chargers
    known |= {name: secrets.token_urlsafe(18) for name in names if name not in known}
    kept.save(known)
    return {name: ChargerSecret(known[name], hashed(known[name])) for name in names}


def _bytes(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b"{}"


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def main() -> int:
    """Run as the add-on's only command. Returns the exit code."""
    try:
        config, given = prepare(Path("/data"), Path("/config"))
        site = read_file(config)
    except BadConfig as error:
        print(error, file=sys.stderr)
        return EXIT_CONFIG
    os.environ.update(given)
    return asyncio.run(up(site, config, None))


if __name__ == "__main__":
    sys.exit(main())
