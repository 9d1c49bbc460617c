"""Traces: which spans can be kept."""

from collections.abc import Callable, Iterable

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from mcp_obs_server.ingest.reason import Reason
from mcp_obs_server.ingest.signal import Admission, Signal, Window
from mcp_obs_server.ingest.span_caps import cap_spans

_ZERO_TRACE_ID = bytes(16)
_ZERO_SPAN_ID = bytes(8)


def _admit(request: ExportTraceServiceRequest, window: Window) -> Admission:
    """Take out the spans that can't be kept."""
    scopes = [scope.spans for resource in request.resource_spans for scope in resource.scope_spans]
    total = sum(map(len, scopes))
    rejected = {} if all(_all_sound(spans, window) for spans in scopes) else _remove_unsound(request, window)
    return Admission(total - sum(rejected.values()), rejected)


def _all_sound(spans: Iterable[Span], window: Window) -> bool:
    """The same as `not _why_unsound` for every span, without a call for each."""
    oldest, newest = window.oldest, window.newest
    for span in spans:
        trace_id, span_id, start = span.trace_id, span.span_id, span.start_time_unix_nano
        if len(trace_id) != 16 or len(span_id) != 8 or trace_id == _ZERO_TRACE_ID or span_id == _ZERO_SPAN_ID:
            return False
        if start < oldest or start > newest or span.end_time_unix_nano > newest:
            return False
    return True


def _remove_unsound(request: ExportTraceServiceRequest, window: Window) -> dict[Reason, int]:
    rejected: dict[Reason, int] = {}
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            sound: list[Span] = []
            for span in scope.spans:
                reason = _why_unsound(span, window)
                if reason is None:
                    sound.append(span)
                else:
                    rejected[reason] = rejected.get(reason, 0) + 1
            del scope.spans[:]
            scope.spans.extend(sound)
    return rejected


def _why_unsound(span: Span, window: Window) -> Reason | None:
    return next((reason for reason, is_unsound in _UNSOUND.items() if is_unsound(span, window)), None)


_UNSOUND: dict[Reason, Callable[[Span, Window], bool]] = {
    Reason("bad_trace_id", "trace_id is not 16 bytes with one that is not zero"): lambda span, _: (
        len(span.trace_id) != 16 or span.trace_id == _ZERO_TRACE_ID
    ),
    Reason("bad_span_id", "span_id is not 8 bytes with one that is not zero"): lambda span, _: (
        len(span.span_id) != 8 or span.span_id == _ZERO_SPAN_ID
    ),
    Reason("too_old", "the start time is older than the retention"): lambda span, window: (
        span.start_time_unix_nano < window.oldest
    ),
    Reason("in_future", "the time is more than an hour ahead of the server's clock"): lambda span, window: (
        max(span.start_time_unix_nano, span.end_time_unix_nano) > window.newest
    ),
}

TRACES = Signal(
    name="traces",
    item="span",
    request=ExportTraceServiceRequest,
    response=ExportTraceServiceResponse,
    admit=_admit,
    cap=cap_spans,
    as_sent=True,
)
