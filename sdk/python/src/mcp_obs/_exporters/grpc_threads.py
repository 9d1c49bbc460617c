"""The threads that gRPC has beside Python's."""

import math
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# Their names of grpcio 1.63 to 1.85, as far as Linux keeps them.
_NAMES = {b"event_engine\n", b"grpc_global_tim\n"}
# They end 2 to 3 ms after the last channel, but not where the host has channels of its own.
MOST_SECONDS = 0.2
LEAST_SECONDS = 0.01
_LOOK_SECONDS = 0.001


class GrpcThreads:
    """Those of this process, as Linux lists them in `folder`; elsewhere none are seen."""

    def __init__(
        self,
        folder: Path = Path("/proc/self/task"),
        timer: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._folder = folder
        self._timer = timer
        self._sleep = sleep
        self._closed_at = -math.inf
        self._patience = MOST_SECONDS

    def expect_end(self) -> None:
        """They are to end now: a channel of ours is being closed."""
        self._closed_at = self._timer()

    def wait_until_gone(self) -> None:
        """Until they have ended, for a moment after they were expected to; shorter once that was in vain."""
        end = self._closed_at + self._patience
        if self._timer() >= end:
            return
        while self._are_there():
            if self._timer() >= end:
                self._patience = LEAST_SECONDS
                return
            self._sleep(_LOOK_SECONDS)
        self._patience = MOST_SECONDS

    def _are_there(self) -> bool:
        with suppress(OSError):
            threads = os.listdir(self._folder)  # noqa: PTH208  it costs no objects
            return any(self._name(thread) in _NAMES for thread in threads)
        return False

    def _name(self, thread: str) -> bytes:
        with suppress(OSError):
            return (self._folder / thread / "comm").read_bytes()
        return b""


grpc_threads = GrpcThreads()
