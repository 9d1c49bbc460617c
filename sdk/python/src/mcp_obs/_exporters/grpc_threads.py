"""The threads that gRPC has beside Python's."""

import os
import time
from contextlib import suppress
from pathlib import Path

_THREADS = Path("/proc/self/task")
# Their names of grpcio 1.63 to 1.85, as far as Linux keeps them.
_NAMES = {"event_engine\n", "grpc_global_tim\n"}
# They end 2 to 3 ms after the last channel, but not where the host has channels of its own.
MOST_SECONDS = 0.1
_LOOK_SECONDS = 0.001


def wait_until_gone() -> None:
    """Until they have ended, after the last channel was closed; not for long, and on Linux only."""
    end = time.monotonic() + MOST_SECONDS
    while _are_there() and time.monotonic() < end:
        time.sleep(_LOOK_SECONDS)


def _are_there() -> bool:
    with suppress(OSError):
        return any(_name(thread) in _NAMES for thread in os.listdir(_THREADS))  # noqa: PTH208  it costs no objects
    return False


def _name(thread: str) -> str:
    with suppress(OSError):
        return (_THREADS / thread / "comm").read_text()
    return ""
