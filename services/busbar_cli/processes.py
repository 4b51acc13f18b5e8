"""What `busbar up` keeps of its processes, and whether a number kept there is still the process that was meant."""

import os
from pathlib import Path

UP_FILE = "up.json"
"""In the site's state folder: by service, and for the broker and the supervisor itself, the process id."""


def is_ours(pid: int, *marks: str) -> bool:
    """Whether this process still runs and has one of these marks on its command line.

    A number that was kept before a power cut may be another's by now, or our own.
    """
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return False
    return pid != os.getpid() and any(mark in line for mark in marks)


def is_service(pid: int, name: str) -> bool:
    """Whether this process is the service of this name; believed where there is no /proc to look."""
    return not Path("/proc/self/cmdline").exists() or is_ours(pid, f"run\0{name}")


def parent_of(pid: int) -> int | None:
    """Who started this process; None when it is gone, or where there is no /proc to look."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rsplit(")", 1)[1].split()[1])
    except (OSError, IndexError):
        return None
