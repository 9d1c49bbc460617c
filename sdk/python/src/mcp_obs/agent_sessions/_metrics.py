"""What is counted of the sessions of an agent."""

from mcp_obs import _telemetry, semconv
from mcp_obs._guard import Guard
from mcp_obs._metrics.metrics import Metrics
from mcp_obs._metrics.sessions import SessionCounts, agents_are_run

_counting = Guard("counting what an agent does")


class MetricsCollector:
    """Records the metrics of agent sessions; from its making on `mcp.sessions.*` are theirs and not MCP clients'."""

    def __init__(self) -> None:
        agents_are_run()

    def record_session_start(self, model: str, *, restored: bool = False) -> SessionCounts | None:
        """A session has begun; its `end(status)` ends it. None when telemetry is off."""
        with _counting:
            metrics = _metrics()
            return SessionCounts(metrics, restored=restored, model=model) if metrics else None
        return None

    def record_message(self, seconds: float, messages: int) -> None:
        """A prompt was answered in so many messages."""
        with _counting:
            metrics = _metrics()
            if metrics:
                metrics.record(semconv.MCP_MESSAGE_LATENCY, seconds * 1000)
                if messages and seconds > 0:
                    metrics.record(semconv.MCP_STREAMING_THROUGHPUT, messages / seconds)

    def record_checkpoint(self, size: int) -> None:
        """A checkpoint of so many bytes was saved."""
        with _counting:
            metrics = _metrics()
            if metrics:
                metrics.record(semconv.MCP_CHECKPOINT_SIZE, size)

    def record_error(self, error: BaseException) -> None:
        """Something failed."""
        with _counting:
            metrics = _metrics()
            if metrics:
                metrics.record(semconv.MCP_ERRORS, 1, {semconv.ERROR_TYPE: type(error).__qualname__})


def _metrics() -> Metrics | None:
    telemetry = _telemetry.current()
    return telemetry.metrics if telemetry is not None else None
