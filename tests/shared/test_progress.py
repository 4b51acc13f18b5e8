"""A bar moves at a terminal, and is not drawn anywhere else."""

import os
import pty
import subprocess
import sys

import pytest

WAIT = "with waiting('looking around', 2.0): time.sleep(1.2)"
COUNT = """
with counting('messages', 10) as tell:
    for done in range(11):
        tell(done)
        time.sleep(0.05)
"""
HEAD = "import time\nfrom busbar_shared.progress import counting, waiting\n"


def drawn(program: str, *, terminal: bool) -> str:
    """What the program draws on standard error."""
    environ = {
        **os.environ,
        "PYTHONPATH": ":".join(sys.path),
        "TERM": "xterm",
        "COLUMNS": "80",
        "FORCE_COLOR": "1",
    }
    command = [sys.executable, "-c", HEAD + program]
    if not terminal:
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
        return done.stdout + done.stderr
    ours, its = pty.openpty()
    process = subprocess.Popen(command, env=environ, stdin=its, stdout=subprocess.DEVNULL, stderr=its)
    os.close(its)
    found = b""
    while True:
        try:
            found += os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
    assert process.wait() == 0
    os.close(ours)
    return found.decode()


@pytest.mark.parametrize(
    ("program", "words"),
    [
        pytest.param(WAIT, ("looking around", "1 s"), id="a bar that fills with time"),
        pytest.param(COUNT, ("messages", "10"), id="a bar that is told how far it is"),
    ],
)
def test_a_bar_is_drawn_at_a_terminal_alone(program: str, words: tuple[str, ...]) -> None:
    at_terminal = drawn(program, terminal=True)

    assert all(word in at_terminal for word in words)
    assert drawn(program, terminal=False) == ""
