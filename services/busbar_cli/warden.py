"""The last one out: ends what a supervisor that was killed left behind.

A child that is frozen, or hangs in a device's driver, cannot follow its supervisor: the signal that asks it to
end waits until it runs again. It would keep its port, and the next `busbar up` could not begin.
Run as a script of its own, without Busbar's packages, so that it takes as little memory as it can: `warden.py PATIENCE`.
Lines on standard input are process ids; the end of input is the end of the supervisor.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping


def started(pid: int) -> str | None:
    """When this process was started, in the kernel's own count; None when it is gone or only its exit code is left."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            # proc(5): the name may hold blanks and brackets; after it come the state (3) and starttime (22).
            fields = file.read().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return None if fields[0] == "Z" else fields[19]


def known(lines: Iterable[str]) -> dict[int, str]:
    """The processes named by these lines, each with its start, so that a number that is used again is not mistaken."""
    found: dict[int, str] = {}
    for line in lines:
        if line.strip().isdigit() and (at := started(int(line))) is not None:
            found[int(line)] = at
    return found


def left(children: Mapping[int, str]) -> list[int]:
    """Those that still run."""
    return [pid for pid, at in children.items() if started(pid) == at]


def main(patience_s: float) -> None:
    """Wait for the end of the supervisor, then for that of its children, and then end them."""
    # Ctrl-C in the terminal is for the supervisor.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    children = known(iter(sys.stdin.readline, ""))
    until = time.monotonic() + patience_s
    while left(children) and time.monotonic() < until:
        time.sleep(0.2)
    for pid in left(children):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main(float(sys.argv[1]))
