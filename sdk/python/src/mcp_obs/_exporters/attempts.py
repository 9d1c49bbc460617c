"""Exports by an exporter of OpenTelemetry's: each process has its own, and none is tried while the breaker is open."""

import os
import threading
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakSet

from mcp_obs._exporters import grpc_threads
from mcp_obs._lean.circuit_breaker import CircuitBreaker
from mcp_obs._locks import new_lock

# How long a fork waits for an export that is under way, and then for one that it has cut off, which takes milliseconds.
GRACE_SECONDS = 0.1
CUT_OFF_SECONDS = 1.0


class Closable(Protocol):
    """What ends all that it does."""

    def shutdown(self) -> None:
        """End it."""
        ...


AnExporter = TypeVar("AnExporter", bound=Closable)


class Attempts(Generic[AnExporter]):
    """Those of one exporter, which `make` makes; `kind` is its otel.component.type.

    One that `has_threads`, as gRPC has, does not survive a fork, and nor does what it leaves in the process. So it ends
    before each, and what it was exporting is exported by the next one.
    """

    def __init__(self, make: Callable[[], AnExporter], kind: str, *, has_threads: bool = False) -> None:
        self.kind = kind
        self.breaker = CircuitBreaker()
        self._make = make
        # Whoever configures is to learn at once that it can't be made.
        self._exporter: AnExporter | None = make()
        self._has_threads = has_threads
        self._one_at_a_time = new_lock()
        self._is_held = False
        self._may_begin = _set_event()
        self._forks = 0
        self._is_last = self._is_over = False
        _attempts.add(self)

    @property
    def exporter(self) -> AnExporter:
        """That of this process."""
        if self._exporter is None:
            self._exporter = self._make()
        return self._exporter

    @property
    def is_resting(self) -> bool:
        """Whether the collector is left alone now."""
        return self.breaker.state == "open" and not self._is_last

    def attempt(self, send: Callable[[AnExporter], bool]) -> bool:
        """Whether what `send` does succeeded; while the breaker is open it is not tried."""
        if self.is_resting:
            return False
        is_well = False
        try:
            is_well = self._repeated_after_forks(send)
        finally:
            self.breaker.note(is_well=is_well)
        return is_well

    def hurry(self) -> None:
        """Leave the collector alone no more: there is no later."""
        self._is_last = True

    def shutdown(self) -> None:
        """End; nothing is exported afterwards."""
        self._is_over = True
        exporter, self._exporter = self._exporter, None
        if exporter is not None:
            exporter.shutdown()

    def _repeated_after_forks(self, send: Callable[[AnExporter], bool]) -> bool:
        while True:
            forks = self._forks
            try:
                is_well = self._once(send)
            except Exception:
                # What a fork has closed may raise.
                if forks == self._forks:
                    raise
                continue
            if is_well or forks == self._forks:
                return is_well

    def _once(self, send: Callable[[AnExporter], bool]) -> bool:
        self._may_begin.wait()
        with self._one_at_a_time:
            return not self._is_over and send(self.exporter)

    def before_fork(self) -> bool:
        """End what is under way, and let nothing begin; whether there was an exporter with threads."""
        if not self._has_threads or self._is_over:
            return False
        self._may_begin.clear()
        is_idle = self._one_at_a_time.acquire(timeout=GRACE_SECONDS)
        self._forks += 1
        exporter = self._exporter
        if exporter is not None:
            exporter.shutdown()
        if is_idle or self._one_at_a_time.acquire(timeout=CUT_OFF_SECONDS):
            self._is_held = True
        self._exporter = None
        return exporter is not None

    def after_fork(self) -> None:
        """Go on in the parent."""
        if self._is_held:
            self._is_held = False
            self._one_at_a_time.release()
        self._may_begin.set()

    def forget(self) -> None:
        """A forked child, where each lock is free, leaves the connection to its parent."""
        self._is_held = False
        self._may_begin = _set_event()
        self._exporter = None


def _set_event() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


_attempts = WeakSet["Attempts[Any]"]()


def _before_fork() -> None:
    ended = [each.before_fork() for each in _attempts]
    if any(ended):
        grpc_threads.wait_until_gone()


def _after_fork() -> None:
    for each in _attempts:
        each.after_fork()


def _forget_all() -> None:
    for each in _attempts:
        each.forget()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_forget_all)
