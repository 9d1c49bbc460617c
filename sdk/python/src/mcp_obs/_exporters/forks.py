"""What must not be under way when the process forks: it waits for the fork, which gives it a moment to end."""

import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from weakref import WeakSet

from mcp_obs._exporters.grpc_threads import grpc_threads
from mcp_obs._forked_child import call_in_children, new_lock
from mcp_obs._guard import Guard

# What all that is under way has together: 0.1 s to end, then 0.2 s once it is cut off, which takes milliseconds.
GRACE_SECONDS = 0.1
CUT_OFF_SECONDS = 0.2
# A gate that is closed for longer was not opened: a Ctrl-C may fall into what should have done so.
LONGEST_SECONDS = 5.0

_preparing = Guard("preparing for a fork")


class Gate:
    """Lets in one at a time, and no one while the process forks.

    Who is inside then gets the time of grace, unless `has_grace` says no, and is ended by `cut_off` after that.
    """

    def __init__(
        self,
        has_grace: Callable[[], bool] = lambda: True,
        cut_off: Callable[[], None] | None = None,
    ) -> None:
        self._has_grace = has_grace
        self._cut_off = cut_off
        self._inside = new_lock()
        self._start()
        call_in_children(self._start)
        with _registering:
            _gates.add(self)

    @contextmanager
    def entered(self) -> Generator[None]:
        """Inside, as soon as may be."""
        while True:
            if not self._is_open.wait(LONGEST_SECONDS):
                self.open()
            with self._inside:
                # Otherwise a fork has begun, and perhaps seen no one inside.
                if self._is_open.is_set():
                    yield
                    return

    def close(self) -> None:
        """Let no one in."""
        self._is_open.clear()

    def let_end(self, end: float) -> None:
        """Wait until `end` at most for who is inside."""
        if self._has_grace():
            self._wait_until_empty(end)

    def cut_off(self) -> None:
        """End what is done inside."""
        if self._cut_off is not None:
            self._cut_off()

    def see_end(self, end: float) -> None:
        """Wait until `end` at most for what was cut off."""
        if self._cut_off is not None:
            self._wait_until_empty(end)

    def _wait_until_empty(self, end: float) -> None:
        if self._inside.acquire(timeout=max(0.0, end - time.monotonic())):
            self._inside.release()

    def open(self) -> None:
        """Let in again."""
        self._is_open.set()

    def _start(self) -> None:
        # Nobody who waited is there in a forked child.
        self._is_open = threading.Event()
        self.open()


_registering = new_lock()
_gates = WeakSet[Gate]()


def _each(do: Callable[[Gate], None]) -> None:
    with _registering:
        gates = list(_gates)
    for gate in gates:
        with _preparing:
            do(gate)


def before_fork() -> None:
    """Let nothing begin, and end what is under way, in 0.3 s at most."""
    _each(Gate.close)
    end = time.monotonic() + GRACE_SECONDS
    _each(lambda gate: gate.let_end(end))
    _each(Gate.cut_off)
    end_of_cut_off = time.monotonic() + CUT_OFF_SECONDS
    _each(lambda gate: gate.see_end(end_of_cut_off))
    with _preparing:
        grpc_threads.wait_until_gone()


def after_fork() -> None:
    """Go on in the parent."""
    _each(Gate.open)


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=before_fork, after_in_parent=after_fork)
