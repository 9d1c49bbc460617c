"""What the process takes from the machine: CPU, memory, open files, threads."""

import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from mcp_obs import semconv
from mcp_obs.semconv import RECORDED_METRICS

_STARTED = time.monotonic()
_STAT = Path("/proc/self/stat")
_UPTIME = Path("/proc/uptime")
# Where a process sees its open files: Linux, macOS.
_OPEN_FILES = (Path("/proc/self/fd"), Path("/dev/fd"))
# proc_pid_stat(5), counted from the field after the program's name.
_THREADS, _START_TICKS, _VIRTUAL_BYTES, _RESIDENT_PAGES = 17, 19, 20, 21
_NOTHING: Mapping[str, Any] = {}


class Figure(NamedTuple):
    """The value of an observed metric."""

    metric: str
    value: float
    attributes: Mapping[str, Any] = _NOTHING


def observe_process(meter: Meter, categories: Collection[str]) -> None:
    """Have `meter` read what the process uses whenever it exports."""
    names = {metric.name for metric in RECORDED_METRICS if metric.name.startswith("process.")}
    observe(meter, categories, names, process_figures)


def observe(
    meter: Meter, categories: Collection[str], names: Collection[str], figures: Callable[[], Iterable[Figure]]
) -> None:
    """Have `meter` read those named metrics that are of the wanted categories whenever it exports."""
    reading = _Reading(figures)
    for metric in RECORDED_METRICS:
        if metric.name in names and metric.category in categories:
            observed = (metric.name, [partial(reading.of, metric.name)], metric.unit, metric.brief)
            match metric.instrument:
                case "counter":
                    meter.create_observable_counter(*observed)
                case "gauge":
                    meter.create_observable_gauge(*observed)
                case _:
                    meter.create_observable_up_down_counter(*observed)


class _Reading:
    """All figures at once, though each metric is asked for by itself: to read them takes a millisecond."""

    def __init__(self, figures: Callable[[], Iterable[Figure]]) -> None:
        self._read = figures
        self._figures: list[Figure] = []
        self._told: set[str] | None = None

    def of(self, metric: str, options: CallbackOptions) -> Iterable[Observation]:
        """One metric's; whoever asks for it again wants what is now."""
        if self._told is None or metric in self._told:
            self._figures, self._told = list(self._read()), set()
        self._told.add(metric)
        return [Observation(each.value, each.attributes) for each in self._figures if each.metric == metric]


def process_figures() -> Iterator[Figure]:
    """What can be known here: all of it on Linux; elsewhere memory needs psutil, if that is installed."""
    used = os.times()
    yield Figure(semconv.PROCESS_CPU_TIME, used.user, {semconv.CPU_MODE: "user"})
    yield Figure(semconv.PROCESS_CPU_TIME, used.system, {semconv.CPU_MODE: "system"})
    if sys.platform == "linux":
        yield from _of_linux()
    else:
        yield from _of_others()
    open_files = _count_open_files()
    if open_files is not None:
        yield Figure(semconv.PROCESS_UNIX_FILE_DESCRIPTOR_COUNT, open_files)


def _of_linux() -> Iterator[Figure]:
    # The program's name is in parentheses and can hold spaces and parentheses itself.
    fields = _STAT.read_text().rpartition(")")[2].split()
    since_boot = float(_UPTIME.read_text().split()[0])
    yield Figure(semconv.PROCESS_MEMORY_USAGE, int(fields[_RESIDENT_PAGES]) * os.sysconf("SC_PAGE_SIZE"))
    yield Figure(semconv.PROCESS_MEMORY_VIRTUAL, int(fields[_VIRTUAL_BYTES]))
    yield Figure(semconv.PROCESS_THREAD_COUNT, int(fields[_THREADS]))
    started = int(fields[_START_TICKS]) / os.sysconf("SC_CLK_TCK")
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
        if folder.is_dir():
            # One is open for this look.
            return len(os.listdir(folder)) - 1  # noqa: PTH208  Path's costs an object a file
    return None
