"""Everything that is recorded, in memory."""

import itertools
import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

from opentelemetry.sdk.resources import Resource

from mcp_obs import _clock, _telemetry
from mcp_obs._details import Details
from mcp_obs._guard import STRICT
from mcp_obs._lean.encoder import Envelope, SpanEncoder
from mcp_obs._lean.operation_span import LightSpan
from mcp_obs._lean.pipeline import LeanTelemetry
from mcp_obs._lean.tracer import LightTracer
from mcp_obs._metrics.categories import ALL
from mcp_obs._metrics.lean_metrics import LeanMetrics
from mcp_obs._metrics.sessions import Agents
from mcp_obs._telemetry import RELEASE, SCOPE
from mcp_obs.testing._clock import HeldClock
from mcp_obs.testing._reading import read_points, read_spans
from mcp_obs.testing._values import Point, Span


class Capture:
    """What has been recorded so far, by whatever thread; `clock` is the time that it was recorded at."""

    def __init__(self) -> None:
        self.clock = HeldClock()
        self._metrics = LeanMetrics(ALL)
        self._encoder = SpanEncoder(self._metrics)
        self._envelope = Envelope(Resource({}), SCOPE, RELEASE)
        self._spans: list[Span] = []
        self._ended = threading.Condition()
        tracer = LightTracer(self._put, itertools.count(1).__next__, itertools.count(1).__next__)
        self.telemetry = LeanTelemetry(tracer, self._metrics, Details(new_session_id=_counted_ids()))
        """What operations are recorded with."""

    @property
    def spans(self) -> list[Span]:
        """The spans that have ended, in the order in which they did."""
        with self._ended:
            return list(self._spans)

    @property
    def points(self) -> list[Point]:
        """Every series of every metric, as it stands now."""
        return list(read_points(self._envelope.around(self._metrics.encode(self.clock.time_ns()))))

    def span(self, name: str) -> Span:
        """The only span of that name; AssertionError when there is none or more."""
        found = [span for span in self.spans if span.name == name]
        assert len(found) == 1, f"{len(found)} spans {name!r} among {[span.name for span in self.spans]}"
        return found[0]

    def points_of(self, metric: str) -> list[Point]:
        """The series of one metric."""
        return [point for point in self.points if point.metric == metric]

    def wait_for(self, name: str, seconds: float = 10.0) -> Span:
        """The first span of that name, once it has ended: a notification does after it was sent.

        Raises AssertionError when there is none after so many seconds of the real time.
        """
        with self._ended:
            came = self._ended.wait_for(lambda: any(span.name == name for span in self._spans), seconds)
            assert came, f"no span {name!r} among {[span.name for span in self._spans]}"
            return next(span for span in self._spans if span.name == name)

    def _put(self, ended: LightSpan) -> None:
        with self._ended:
            at_once = self._encoder.at_once
            written = at_once.write(ended) if at_once is not None else None
            if written is None:
                written = self._encoder.encode(ended)
            self._spans += read_spans(self._envelope.around([written]))
            self._ended.notify_all()


def _counted_ids() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"{next(numbers):032x}"


@contextmanager
def capture() -> Generator[Capture]:
    """Keep what is recorded in memory, whatever was configured before or is meanwhile; nothing is sent.

    The clock is held, ids count from 1, and failures of mcp-obs itself are raised instead of logged.
    """
    captured = Capture()
    before, agents_were_run = os.environ.get(STRICT), Agents.are_run
    os.environ[STRICT] = "1"
    _clock.read(captured.clock.time_ns, captured.clock.perf_counter)
    with _telemetry.instead(captured.telemetry):
        try:
            yield captured
        finally:
            _clock.read_the_system()
            Agents.are_run = agents_were_run
            if before is None:
                del os.environ[STRICT]
            else:
                os.environ[STRICT] = before
