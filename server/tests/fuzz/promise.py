"""What fuzzing looks for: an export that admission neither refuses nor makes storable, or loses a part of unsaid."""

from typing import Any

from mcp_obs_server.ingest import otlp_json
from mcp_obs_server.ingest.admission import Admitted, admit
from mcp_obs_server.ingest.errors import ExportTooLarge, MalformedExport
from mcp_obs_server.ingest.signal import Signal, Window
from otlp_exports import NOW
from otlp_strategies import DAY

WINDOW = Window.around(NOW, 30 * DAY)


def admitted(signal: Signal, body: bytes, is_json: bool) -> Admitted | None:
    """What is stored of an export, None when it is refused; any other exception or a wrong count is a finding."""
    try:
        first = admit(signal, body, is_json, WINDOW)
    except (MalformedExport, ExportTooLarge) as refused:
        # The answer has to be sayable, whatever of the export it cites.
        str(refused).encode()
        return None
    sent = otlp_json.parse(body, signal.request()) if is_json else signal.request.FromString(body)
    assert first.kept + sum(first.rejected.values()) == count(sent)
    assert first.kept == count(signal.request.FromString(first.body))
    again = admit(signal, first.body, False, WINDOW)
    assert (again.kept, again.rejected) == (first.kept, {})
    return first


def count(request: Any) -> int:
    """How many items a request has; a metric of no kind has no points and is one itself."""
    if hasattr(request, "resource_spans"):
        return sum(len(scope.spans) for each in request.resource_spans for scope in each.scope_spans)
    if hasattr(request, "resource_logs"):
        return sum(len(scope.log_records) for each in request.resource_logs for scope in each.scope_logs)
    scopes = [scope for each in request.resource_metrics for scope in each.scope_metrics]
    metrics = [(metric, metric.WhichOneof("data")) for scope in scopes for metric in scope.metrics]
    return sum(len(getattr(metric, kind).data_points) if kind else 1 for metric, kind in metrics)
