"""mcp-obs traces itself: requests of the API, exports and inserts.

What it stores of itself passes no door and no request, and an insert is traced only when something came in by a door
since the last one. So spans of its own never lead to further ones, and without anybody's doing their number rests.
"""

import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NoOpTracer, SpanKind, StatusCode, Tracer
from opentelemetry.util.types import AttributeValue

from mcp_obs_server.ingest.committer import Committer, Export, Insert
from mcp_obs_server.ingest.envelope import digest
from mcp_obs_server.ingest.signal import SignalName
from mcp_obs_server.monitoring.endpoints import PATHS
from mcp_obs_server.monitoring.own_spans import VERSION, own_provider
from mcp_obs_server.monitoring.request_times import Request
from mcp_obs_server.monitoring.thinned import Thinned
from mcp_obs_server.semconv import MCP_OBS_SAMPLING_WEIGHT
from mcp_obs_server.servers.service import ServerScope

log = logging.getLogger(__name__)

# Strangers can make requests, and a busy server takes thousands of exports.
_REQUESTS_PER_SECOND = 20
_EXPORTS_PER_SECOND = 1


class SelfTraces:
    """Turns what the parts tell it into spans."""

    def __init__(self) -> None:
        self._tracer: Tracer = NoOpTracer()
        self._requests = Thinned(_REQUESTS_PER_SECOND)
        self._exports = Thinned(_EXPORTS_PER_SECOND)
        self._taken = Counter[SignalName]()
        self._taken_when_traced = Counter[SignalName]()

    @asynccontextmanager
    async def storing(self, committer: Committer, scope: ServerScope) -> AsyncGenerator[TracerProvider]:
        """Store spans as this server's, from now until the context ends."""

        async def store(body: bytes) -> None:
            body_digest = digest(scope.org_id, scope.server_id, body)
            await committer.commit(Export(scope.org_id, scope.server_id, body, body_digest))

        async with own_provider(store) as provider:
            self._tracer = provider.get_tracer("mcp_obs_server", VERSION)
            try:
                yield provider
            finally:
                self._tracer = NoOpTracer()

    def request(self, request: Request, seconds: float) -> None:
        """A request of the API was answered. Probes are not worth a span each."""
        if request.route in PATHS or (weight := self._requests.weight()) is None:
            return
        attributes = {
            "http.request.method": request.method,
            "http.route": request.route,
            "http.response.status_code": request.status,
            MCP_OBS_SAMPLING_WEIGHT: float(weight),
        }
        error = str(request.status) if request.status >= 500 else None
        self._record(f"{request.method} {request.route}", SpanKind.SERVER, seconds, attributes, error)

    def export(self, signal: SignalName, seconds: float) -> None:
        """An export that came in by a door was acknowledged."""
        self._taken[signal] += 1
        if (weight := self._exports.weight()) is not None:
            attributes = {MCP_OBS_SAMPLING_WEIGHT: float(weight)}
            self._record(f"export {signal}", SpanKind.SERVER, seconds, attributes, None)

    def watched(self, signal: SignalName, insert: Insert) -> Insert:
        """The same insert, traced."""

        def traced(batch: bytes | Path, token: str) -> None:
            taken = self._taken[signal]
            if taken == self._taken_when_traced[signal]:
                # Nothing but own spans: to trace them would make the next ones.
                insert(batch, token)
                return
            self._taken_when_traced[signal] = taken
            began, error = time.perf_counter(), None
            try:
                insert(batch, token)
            except Exception as raised:
                error = type(raised).__name__
                raise
            finally:
                self._record(
                    f"INSERT otlp_{signal}",
                    SpanKind.CLIENT,
                    time.perf_counter() - began,
                    _insert(signal),
                    error,
                )

        return traced

    def _record(
        self,
        name: str,
        kind: SpanKind,
        seconds: float,
        attributes: Mapping[str, AttributeValue],
        error: str | None,
    ) -> None:
        end = time.time_ns()
        try:
            span = self._tracer.start_span(
                name, kind=kind, attributes=attributes, start_time=end - int(seconds * 1e9)
            )
            if error:
                span.set_attribute("error.type", error)
                span.set_status(StatusCode.ERROR)
            span.end(end)
        except Exception:
            # Whoever is being watched must not notice.
            log.exception("An own span was not recorded")


def _insert(signal: SignalName) -> dict[str, AttributeValue]:
    return {
        "db.system.name": "clickhouse",
        "db.operation.name": "INSERT",
        "db.collection.name": f"otlp_{signal}",
    }
