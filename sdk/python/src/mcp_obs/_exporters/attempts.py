"""Exports by an exporter of OpenTelemetry's: each process has its own, and none is tried while the breaker is open."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from opentelemetry.metrics import Meter

from mcp_obs import semconv
from mcp_obs._exporters.forks import Gate
from mcp_obs._exporters.grpc_threads import grpc_threads
from mcp_obs._forked_child import call_in_children, new_lock
from mcp_obs._lean.circuit_breaker import CircuitBreaker
from mcp_obs._lean.export_counts import state_figures
from mcp_obs._metrics.figures import Figure, observe

# What became of an attempt that a fork ended: it is made once more.
_CUT_OFF = None


class Closable(Protocol):
    """What ends all that it does."""

    def shutdown(self) -> None:
        """End it."""
        ...


AnExporter = TypeVar("AnExporter", bound=Closable)


class Attempts(Generic[AnExporter]):
    """Those of one exporter, which `make` makes; `kind` is its otel.component.type.

    One that `has_threads`, as gRPC has, does not survive a fork, and nor does what it leaves in the process. So it ends
    before each, and what it was exporting is tried once more by the next one.
    """

    def __init__(self, make: Callable[[], AnExporter], kind: str, *, has_threads: bool = False) -> None:
        self.kind = kind
        self.breaker = CircuitBreaker()
        self._make = make
        # Whoever configures is to learn at once that it can't be made.
        self._exporter: AnExporter | None = make()
        self._has_threads = has_threads
        # What has no threads may go on during a fork; a collector that failed is waited for no longer.
        self._gate = Gate(
            lambda: has_threads and self.breaker.state == "closed",
            self._cut_off if has_threads else None,
        )
        call_in_children(self._forget)
        self._attempting = new_lock()
        self._thread: int | None = None
        self._cuts = 0
        self._is_last = self._is_over = False

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
        """Whether what `send` does succeeded; while the breaker is open it is not tried.

        Nor is what comes of an attempt itself, such as a record of its failure in the host's log.
        """
        thread = threading.get_ident()
        if self._thread == thread:
            return False
        # Threads of the host come here where a processor has none, and the first of them may open the breaker.
        with self._attempting:
            self._thread = thread
            try:
                return not self.is_resting and self._attempt(send)
            finally:
                self._thread = None

    def _attempt(self, send: Callable[[AnExporter], bool]) -> bool:
        is_well: bool | None = False
        try:
            is_well = self._once(send)
            if is_well is _CUT_OFF:
                is_well = self._once(send)
        finally:
            self.breaker.note(is_well=bool(is_well))
        return bool(is_well)

    def hurry(self) -> None:
        """Leave the collector alone no more: there is no later."""
        self._is_last = True

    def shutdown(self) -> None:
        """End; nothing is exported afterwards."""
        self._is_over = True
        self._close()

    def _once(self, send: Callable[[AnExporter], bool]) -> bool | None:
        """Whether it succeeded, or _CUT_OFF."""
        with self._gate.entered():
            if self._is_over:
                return False
            cuts = self._cuts
            exporter = self.exporter
            if self._is_over or cuts != self._cuts:
                # What ended all has not seen the exporter that was being made.
                self._close()
                return _CUT_OFF
            try:
                is_well = send(exporter)
            except Exception:
                # What a fork has closed may raise.
                if cuts == self._cuts:
                    raise
                is_well = False
            return _CUT_OFF if not is_well and cuts != self._cuts else is_well

    def _cut_off(self) -> None:
        self._cuts += 1
        self._close()

    def _close(self) -> None:
        exporter, self._exporter = self._exporter, None
        if exporter is not None:
            if self._has_threads:
                grpc_threads.expect_end()
            exporter.shutdown()

    def _forget(self) -> None:
        """A forked child leaves the connection to its parent, and what a thread does there."""
        self._exporter = self._thread = None


def observe_breakers(
    meter: Meter, categories: Collection[str], attempts: Callable[[], Iterable[Attempts[Any]]]
) -> None:
    """Have `meter` read the states of their breakers whenever it exports."""

    def figures() -> Iterator[Figure]:
        numbers = Counter[str]()
        for each in attempts():
            yield from state_figures(each.kind, each.breaker, numbers[each.kind])
            numbers[each.kind] += 1

    observe(meter, categories, {semconv.MCP_OBS_EXPORTER_CIRCUIT_BREAKER_STATE}, figures)
