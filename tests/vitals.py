"""Memory, file handles and threads of the processes of a house, as curves."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Sample:
    """One look at one process."""

    at_s: float
    pid: int
    memory_mib: float
    handles: int
    threads: int
    cpu_s: float


def look(pid: int, at_s: float) -> Sample | None:
    """The process as it is now, or None when it is gone."""
    try:
        memory = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_MIB
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        # proc(5): utime and stime are fields 14 and 15, threads 20; the first after the name is field 3.
        cpu_s = (int(fields[11]) + int(fields[12])) / TICKS
        return Sample(at_s, pid, memory, len(os.listdir(f"/proc/{pid}/fd")), int(fields[17]), cpu_s)
    except OSError:
        return None


class Vitals:
    """Samples of all processes since the beginning."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self.samples: dict[str, list[Sample]] = {}

    @property
    def now_s(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began_s

    def take(self, pids: Mapping[str, int | None]) -> None:
        """Look at each process that lives."""
        for name, pid in pids.items():
            seen = look(pid, self.now_s) if pid is not None else None
            if seen is not None:
                self.samples.setdefault(name, []).append(seen)

    def longest_life(self, name: str) -> list[Sample]:
        """The samples of the process that lived longest under this name."""
        lives: dict[int, list[Sample]] = {}
        for one in self.samples.get(name, []):
            lives.setdefault(one.pid, []).append(one)
        return max(lives.values(), key=len, default=[])


@dataclass(frozen=True)
class Trend:
    """How a process was after its first minutes and at its end."""

    lived_s: float
    memory_mib: tuple[float, float]
    handles: tuple[int, int]
    threads: tuple[int, int]
    cpu_percent: float


def trend(life: Sequence[Sample], warm_s: float) -> Trend | None:
    """The medians of the first and of the last third, after a time to warm up; None for a life too short."""
    warm = [one for one in life if one.at_s - life[0].at_s >= warm_s]
    if len(warm) < 9:
        return None
    third = len(warm) // 3
    first, last = warm[:third], warm[-third:]
    passed_s = warm[-1].at_s - warm[0].at_s
    return Trend(
        lived_s=life[-1].at_s - life[0].at_s,
        memory_mib=(median(one.memory_mib for one in first), median(one.memory_mib for one in last)),
        handles=(int(median(one.handles for one in first)), int(median(one.handles for one in last))),
        threads=(int(median(one.threads for one in first)), int(median(one.threads for one in last))),
        cpu_percent=100 * (warm[-1].cpu_s - warm[0].cpu_s) / passed_s,
    )
