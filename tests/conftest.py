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
    """Spread the tests that mostly wait among those that mostly reckon, so that workers do both all the time."""
    waiting = [item for item in items if item.get_closest_marker("system")]
    reckoning = [item for item in items if not item.get_closest_marker("system")]
    if not waiting or not reckoning:
        return
    between = -(-len(reckoning) // len(waiting))
    items[:] = [
        item
        for number, one in enumerate(waiting)
        for item in (one, *reckoning[number * between : (number + 1) * between])
    ]
