"""A process that ends sends what it has, and does not wait for a collector that is gone."""

import atexit
import os
import signal
import threading
from types import FrameType

from mcp_obs._providers import Providers

# MCP clients kill a stdio server 2 s after closing its stdin; the rest of its exit needs some of them too.
EXIT_SECONDS = 1.0


class ExitFlush:
    """Shuts the current providers down when the process that configured them exits."""

    def __init__(self) -> None:
        self._providers: Providers | None = None
        self._pid = os.getpid()

    def replace(self, providers: Providers | None) -> None:
        """Shut down what was used before, and `providers` at exit."""
        if self._providers is not None:
            self._providers.shutdown(EXIT_SECONDS)
        elif providers is not None:
            self._pid = os.getpid()
            atexit.register(self.flush)
            self._catch_sigterm()
        self._providers = providers

    def flush(self) -> None:
        """Send what is queued; nothing is recorded afterwards."""
        if self._providers is not None and os.getpid() == self._pid:
            self._providers.shutdown(EXIT_SECONDS)

    def _catch_sigterm(self) -> None:
        # A host that handles SIGTERM itself ends in atexit; only the default skips it.
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._terminate)

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        # In a thread, because the interrupted code may hold a lock that the flush needs.
        flushing = threading.Thread(target=self.flush, daemon=True)
        flushing.start()
        flushing.join(EXIT_SECONDS)
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)


at_exit = ExitFlush()
