"""What ends with the process: beside each other, under one deadline."""

import threading
import time
from collections.abc import Callable, Sequence

from mcp_obs._forked_child import call_in_children
from mcp_obs._guard import Guard

# Of the time there is: what a collector did not answer until then is closed, before the process is gone.
CLOSING_SECONDS = 0.05

_ending = Guard("shutting down an exporter")


class Shutdown:
    """What `end` does, within about the seconds that it is given.

    Its thread waits from the beginning on: at the end of a process none can be started.
    """

    def __init__(self, end: Callable[[float], object]) -> None:
        self._end = end
        self._seconds = 0.0
        self._begun = threading.Event()
        self._thread = self._started()
        call_in_children(self._forget)

    def begin(self, seconds: float) -> None:
        """Have the thread do it; a second call changes nothing."""
        if not self._begun.is_set():
            self._seconds = seconds
            self._begun.set()

    def wait(self, seconds: float) -> None:
        """Until it is done, for at most so long."""
        self._thread.join(max(seconds, 0))

    def _forget(self) -> None:
        """A forked child has no thread of its parent's."""
        if not self._begun.is_set():
            self._begun = threading.Event()
            self._thread = self._started()

    def _started(self) -> threading.Thread:
        # A daemon: a collector that hangs must not keep the process.
        thread = threading.Thread(target=self._run, name="mcp-obs-shutdown", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        self._begun.wait()
        with _ending:
            self._end(self._seconds)


def shut_down(shutdowns: Sequence[Shutdown], seconds: float) -> None:
    """Do all of them, for at most about `seconds`."""
    deadline = time.monotonic() + seconds
    for each in shutdowns:
        each.begin(max(seconds - CLOSING_SECONDS, 0))
    for each in shutdowns:
        each.wait(deadline - time.monotonic())
