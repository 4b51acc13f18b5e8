"""A real broker for the tests that need one."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from busbar_cli.broker import broker_process, free_port, is_listening


class RealBroker:
    """A broker as a process of its own, which can be killed and started again at the same port."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.port = free_port()
        self._how = broker_process(self.port, folder, kind)
        self.kind = self._how.kind
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it listens."""
        self._process = subprocess.Popen(
            self._how.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 15
        while not is_listening(self.port):
            assert time.monotonic() < until, f"{self.kind} did not open its port"
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RealBroker]:
    """A running broker: mosquitto where it is found, else amqtt; BUSBAR_TEST_BROKER chooses."""
    made = RealBroker(tmp_path, os.environ.get("BUSBAR_TEST_BROKER", "auto"))
    made.start()
    yield made
    made.kill()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the tests that mostly wait among those that mostly reckon, so that workers do both all the time.

    Each worker takes one part of the list from its front: the parts are alike, and those that may last longest
    come first in each, so that none is left for the end.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    waiting = sorted(
        (item for item in items if item.get_closest_marker("system")), key=_patience_s, reverse=True
    )
    reckoning = [item for item in items if not item.get_closest_marker("system")]
    items[:] = [
        item
        for worker in range(workers)
        for item in _spread(waiting[worker::workers], reckoning[worker::workers])
    ]


def _patience_s(item: pytest.Item) -> float:
    """How long a test may last."""
    limit = item.get_closest_marker("timeout")
    return float(limit.args[0]) if limit is not None and limit.args else 0.0


def _spread(few: list[pytest.Item], many: list[pytest.Item]) -> Iterator[pytest.Item]:
    between = -(-len(many) // max(len(few), 1))
    for number in range(max(len(few), 1)):
        yield from few[number : number + 1]
        yield from many[number * between : (number + 1) * between]
