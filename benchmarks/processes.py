"""CPU and memory of a server with all its processes, read from /proc (proc(5))."""

import os
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat behind the name, counted from 0: ppid, then utime, stime, cutime, cstime.
_PARENT, _TIMES = 1, slice(11, 15)


@dataclass(frozen=True)
class Usage:
    """What a process and its descendants have used."""

    cpu_seconds: float
    """User and system time, of ended and awaited children too."""
    peak_bytes: int
    """Each process's own peak of resident memory, added up."""
    resident_bytes: int
    """Resident memory now."""


def usage(root: int) -> Usage:
    """Of the process tree under `root`; zeros when it is gone."""
    cpu, peak, resident = 0.0, 0, 0
    for pid in tree(root):
        try:
            cpu += sum(map(int, _stat(pid)[_TIMES])) / _TICKS
            sizes = _memory(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
        peak += sizes.get("VmHWM", 0)
        resident += sizes.get("VmRSS", 0)
    return Usage(cpu, peak, resident)


def tree(root: int) -> Generator[int]:
    """The process and its descendants."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            children.setdefault(int(_stat(int(folder.name))[_PARENT]), []).append(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting.extend(children.get(pid, ()))


def settle(pid: int, seconds: float = 20.0) -> None:
    """Wait until the tree uses less than a tenth of a core, so that its merges do not cost the next one measured."""
    deadline = time.perf_counter() + seconds
    before = usage(pid).cpu_seconds
    while time.perf_counter() < deadline:
        time.sleep(0.5)
        now = usage(pid).cpu_seconds
        if now - before < 0.05:
            return
        before = now


def _stat(pid: int) -> list[str]:
    # The name, in parentheses, may itself hold spaces and parentheses.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _memory(pid: int) -> dict[str, int]:
    lines = (line.partition(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {name: int(value.split()[0]) * 1024 for name, _, value in lines if name in ("VmHWM", "VmRSS")}


def cpu_clock(pid: int) -> float:
    """Seconds of CPU of one process and all its threads, to the nanosecond (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | 2)


def thread_clock(pid: int) -> float:
    """Seconds of CPU of a process's first thread, to the nanosecond."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9
