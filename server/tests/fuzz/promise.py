"""What fuzzing looks for: an export that admission neither refuses nor makes storable, or loses a part of unsaid.

And a gzip body that is inflated to something else, or much further than the limit.
"""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from typing import Any

from bombs import MIB
from mcp_obs_server.ingest import otlp_json
from mcp_obs_server.ingest.admission import Admitted, admit, rewritten
from mcp_obs_server.ingest.body import read_body
from mcp_obs_server.ingest.errors import ExportTooLarge, MalformedExport
from mcp_obs_server.ingest.signal import Signal, Window
from otlp_exports import NOW
from otlp_strategies import DAY

WINDOW = Window.around(NOW, 30 * DAY)
MAX_INFLATED = 2**18


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


def admitted_as_sent(signal: Signal, body: bytes, is_json: bool) -> Admitted | None:
    """The same of a trusted sender: its own bytes unless something had to change (decision 0007)."""
    first = admitted(signal, body, is_json)
    try:
        trusted = admit(signal, body, is_json, WINDOW, is_trusted=True)
    except (MalformedExport, ExportTooLarge):
        assert first is None
        return None
    assert first
    assert (trusted.kept, trusted.rejected) == (first.kept, first.rejected)
    assert trusted.body == (first.body if first.as_sent is None else body)
    # The engine gets this when it refuses those bytes.
    assert rewritten(signal, trusted.body) == first.body
    return trusted


def inflated(body: bytes, chunk_bytes: int) -> bytes | None:
    """What is in a gzip body that comes in such chunks, None when it is refused."""
    sizes: list[int] = []

    async def turn(work: Callable[[], bytes]) -> bytes:
        piece = work()
        sizes.append(len(piece))
        return piece

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), chunk_bytes):
            yield body[start : start + chunk_bytes]

    try:
        whole = asyncio.run(read_body(chunks(), True, MAX_INFLATED, lambda _: None, turn))
    except (MalformedExport, ExportTooLarge) as refused:
        str(refused).encode()
        whole = None
    else:
        assert whole == gzip.decompress(body)
    assert max(sizes, default=0) <= MIB
    assert sum(sizes) <= MAX_INFLATED + MIB
    return whole


def count(request: Any) -> int:
    """How many items a request has; a metric of no kind has no points and is one itself."""
    if hasattr(request, "resource_spans"):
        return sum(len(scope.spans) for each in request.resource_spans for scope in each.scope_spans)
    if hasattr(request, "resource_logs"):
        return sum(len(scope.log_records) for each in request.resource_logs for scope in each.scope_logs)
    scopes = [scope for each in request.resource_metrics for scope in each.scope_metrics]
    metrics = [(metric, metric.WhichOneof("data")) for scope in scopes for metric in scope.metrics]
    return sum(len(getattr(metric, kind).data_points) if kind else 1 for metric, kind in metrics)
