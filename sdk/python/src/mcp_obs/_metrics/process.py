"""What the process takes from the machine: CPU, memory, open files, threads."""

import os
import sys
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any

from opentelemetry.metrics import Meter

from mcp_obs import semconv
from mcp_obs._metrics.figures import Figure, observe
from mcp_obs.semconv import RECORDED_METRICS

_STARTED = time.monotonic()
_STAT = "/proc/self/stat"
# Where a process sees its open files: Linux, macOS.
_OPEN_FILES = ("/proc/self/fd", "/dev/fd")
# proc_pid_stat(5), counted from the field after the program's name.
_THREADS, _START_TICKS, _VIRTUAL_BYTES, _RESIDENT_PAGES = 17, 19, 20, 21
_USER, _SYSTEM = ((semconv.CPU_MODE, "user"),), ((semconv.CPU_MODE, "system"),)

PROCESS = frozenset(metric.name for metric in RECORDED_METRICS if metric.name.startswith("process."))


def observe_process(meter: Meter, categories: Collection[str]) -> None:
    """Have `meter` read what the process uses whenever it exports."""
    observe(meter, categories, PROCESS, process_figures)


def process_figures() -> Iterator[Figure]:
    """What can be known here: all of it on Linux; elsewhere memory needs psutil, if that is installed."""
    used = os.times()
    yield Figure(semconv.PROCESS_CPU_TIME, used.user, _USER)
    yield Figure(semconv.PROCESS_CPU_TIME, used.system, _SYSTEM)
    told = _read_stat()
    yield from _of_others() if told is None else _of_linux(told)
    open_files = _count_open_files()
    if open_files is not None:
        yield Figure(semconv.PROCESS_UNIX_FILE_DESCRIPTOR_COUNT, open_files)


def _read_stat() -> bytes | None:
    """What Linux tells a process of itself; None elsewhere, and where /proc is not to be had."""
    if sys.platform != "linux":
        return None
    try:
        # To keep it open saves 5 µs: forks share it, and who closes all files may open another in its place.
        opened = os.open(_STAT, os.O_RDONLY)
        try:
            return os.read(opened, 4096)
        finally:
            os.close(opened)
    except OSError:
        return None


def _of_linux(stat: bytes) -> Iterator[Figure]:
    # The program's name is in parentheses and can hold spaces and parentheses itself.
    fields = stat.rpartition(b")")[2].split()
    yield Figure(semconv.PROCESS_MEMORY_USAGE, int(fields[_RESIDENT_PAGES]) * os.sysconf("SC_PAGE_SIZE"))
    yield Figure(semconv.PROCESS_MEMORY_VIRTUAL, int(fields[_VIRTUAL_BYTES]))
    yield Figure(semconv.PROCESS_THREAD_COUNT, int(fields[_THREADS]))
    started = int(fields[_START_TICKS]) / os.sysconf("SC_CLK_TCK")
    # What /proc/uptime says, without a file.
    since_boot = time.clock_gettime(time.CLOCK_BOOTTIME)
    yield Figure(semconv.PROCESS_UPTIME, max(since_boot - started, 0.0))


def _of_others() -> Iterator[Figure]:
    try:
        memory: Any = import_module("psutil").Process().memory_info()
    except ImportError:
        pass
    else:
        yield Figure(semconv.PROCESS_MEMORY_USAGE, int(memory.rss))
        yield Figure(semconv.PROCESS_MEMORY_VIRTUAL, int(memory.vms))
    yield Figure(semconv.PROCESS_THREAD_COUNT, threading.active_count())
    yield Figure(semconv.PROCESS_UPTIME, time.monotonic() - _STARTED)


def _count_open_files() -> int | None:
    for folder in _OPEN_FILES:
        with suppress(OSError):
            # Linux 6.2 counts them itself, in a third of the time; before, and for none, it says 0.
            counted = os.stat(folder).st_size if sys.platform == "linux" else 0  # noqa: PTH116  Path's costs an object
            # One is open for this look.
            return counted or len(os.listdir(folder)) - 1  # noqa: PTH208  Path's costs an object a file
    return None
