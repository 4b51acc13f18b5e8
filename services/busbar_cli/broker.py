"""The broker that `busbar up` starts when the site asks for one: mosquitto, else the embedded amqtt."""

import contextlib
import importlib.util
import os
import random
import shutil
import socket
import sys
import tempfile
from pathlib import Path

from msgspec import Struct

from busbar_shared.config.load import BadConfig


class BrokerProcess(Struct, frozen=True):
    """How to start the broker."""

    kind: str
    command: list[str]


def find_mosquitto() -> str | None:
    """The mosquitto of this machine; Debian puts it where only root's PATH looks."""
    return shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def broker_process(port: int, folder: Path, kind: str = "auto") -> BrokerProcess:
    """What to run for a broker on loopback at this port. Raises BadConfig when this machine has none."""
    mosquitto = find_mosquitto()
    if kind in ("auto", "mosquitto") and mosquitto is not None:
        return BrokerProcess("mosquitto", [mosquitto, "-c", str(_written(folder, _mosquitto_conf(port)))])
    if kind in ("auto", "amqtt") and importlib.util.find_spec("amqtt") is not None:
        return BrokerProcess("amqtt", [sys.executable, "-m", "busbar_cli.embedded", str(port)])
    raise BadConfig(
        "broker.host: 'embedded' needs a broker on this machine: install mosquitto, or pip install 'busbar[embedded]'"
    )


def _written(folder: Path, text: str) -> Path:
    """The broker's configuration on disk; beside the state, or in a temporary folder where that disk is read-only."""
    try:
        file = folder / "mosquitto.conf"
        file.write_text(text, encoding="utf-8")
    except OSError:
        file = Path(tempfile.mkdtemp(prefix="busbar-")) / "mosquitto.conf"
        file.write_text(text, encoding="utf-8")
    return file


def _mosquitto_conf(port: int) -> str:
    return "\n".join(
        (
            f"listener {port} 127.0.0.1",
            # Changing its user would also shake off the signal that ends it with its supervisor.
            *(("user root",) if os.geteuid() == 0 else ()),
            "allow_anonymous true",
            "persistence false",
            "set_tcp_nodelay true",
            "max_queued_messages 10000",
            "max_inflight_messages 200",
            "log_dest stderr",
            "log_type error",
            "log_type warning",
            "",
        )
    )


def free_port() -> int:
    """A TCP port on loopback that nobody uses now.

    It lies below the ports that systems lend to outgoing connections (Linux from 32768, others from 49152),
    so that nobody is lent it before its server has opened it. Raises OSError when none is found.
    """
    for port in random.SystemRandom().sample(range(10_000, 32_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no free TCP port was found on loopback")


def is_listening(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody answers at this port."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((host, port)) == 0
