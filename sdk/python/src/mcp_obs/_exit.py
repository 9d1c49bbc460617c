"""A process that ends sends what it has, and does not wait for a collector that is gone."""

import atexit
import signal
import threading
from types import FrameType
from typing import Protocol

from mcp_obs._guard import logger

# Of the second that an exit may take: the rest of it took a server of mcp 0.2 to 0.3, and 0.45 on a busy machine.
EXIT_SECONDS = 0.5


class Pipeline(Protocol):
    """What operations are sent by."""

    def shutdown(self, seconds: float) -> None:
        """Send what is queued, for at most about `seconds`. Later calls do nothing."""
        ...


class ExitFlush:
    """Shuts the current pipeline down when the process that configured it exits."""

    def __init__(self) -> None:
        self._pipeline: Pipeline | None = None

    def replace(self, pipeline: Pipeline | None) -> None:
        """Shut down what was used before, and `pipeline` at exit."""
        if self._pipeline is not None:
            self._pipeline.shutdown(EXIT_SECONDS)
        elif pipeline is not None:
            atexit.register(self.flush)
            self._catch_sigterm()
        self._pipeline = pipeline

    def flush(self) -> None:
        """Send what is queued; nothing is recorded afterwards."""
        # Also in a forked child: it has nothing of its parent's in its queue.
        if self._pipeline is not None:
            self._pipeline.shutdown(EXIT_SECONDS)

    def _catch_sigterm(self) -> None:
        # A host that handles SIGTERM itself ends in atexit; only the default skips it.
        if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            return
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._terminate)
        else:  # which Python lets set no handler
            logger.warning(
                "mcp-obs is configured outside the main thread, so what is queued is lost when SIGTERM ends the "
                "process: configure it in the main thread, or handle SIGTERM"
            )

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        # In a thread, because the interrupted code may hold a lock that the flush needs.
        flushing = threading.Thread(target=self.flush, daemon=True)
        flushing.start()
        flushing.join(EXIT_SECONDS)
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)


at_exit = ExitFlush()
