"""The time, which a test can hold."""

import time
from collections.abc import Callable

time_ns: Callable[[], int] = time.time_ns
"""Nanoseconds since 1970."""
perf_counter: Callable[[], float] = time.perf_counter
"""Seconds since some moment."""


def read(wall_ns: Callable[[], int], elapsed_seconds: Callable[[], float]) -> None:
    """Take the time from these from now on."""
    global time_ns, perf_counter
    time_ns, perf_counter = wall_ns, elapsed_seconds


def read_the_system() -> None:
    """Take the system's time again."""
    read(time.time_ns, time.perf_counter)
