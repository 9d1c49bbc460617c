"""What is taken in: one parse validates an export, counts it and sets aside the spans that can't be kept."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from mcp_obs_server.ingest import otlp_json
from mcp_obs_server.ingest.errors import MalformedExport

# A sender's clock may be off, but a span from tomorrow would stay the newest one for a day.
FUTURE_NANOSECONDS = 3600 * 10**9
_IDENTITY = attrgetter("trace_id", "span_id", "start_time_unix_nano", "end_time_unix_nano")
_ZERO_TRACE_ID = bytes(16)
_ZERO_SPAN_ID = bytes(8)


@dataclass(frozen=True)
class Window:
    """The times that a span may have, in nanoseconds since 1970."""

    oldest: int
    newest: int

    @classmethod
    def around(cls, now: int, retention: int) -> "Window":
        """What is neither older than the retention nor ahead of the clock."""
        return cls(now - retention, now + FUTURE_NANOSECONDS)


@dataclass(frozen=True)
class Admitted:
    """An export that can be stored: protobuf, every span whole. `rejected` spans by reason are no longer in it."""

    body: bytes
    spans: int
    rejected: dict[str, int]


def admit_traces(body: bytes, is_json: bool, window: Window) -> Admitted:
    """Validate an export. Raises MalformedExport when it is not OTLP."""
    request = _parse(body, is_json)
    scopes = [scope.spans for resource in request.resource_spans for scope in resource.scope_spans]
    total = sum(map(len, scopes))
    rejected = {} if all(_all_sound(spans, window) for spans in scopes) else _remove_unsound(request, window)
    # Legal protobuf can say a thing twice or in unknown groups, where the engine's reader differs from this one.
    # Written anew, what was checked is what is stored; that costs 0.5 ms for 512 spans.
    request.DiscardUnknownFields()
    return Admitted(request.SerializeToString(), total - sum(rejected.values()), rejected)


def _parse(body: bytes, is_json: bool) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    if is_json:
        return otlp_json.parse(body, request)
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise MalformedExport(f"The body is not an ExportTraceServiceRequest in protobuf: {error}") from None
    return request


def _all_sound(spans: Iterable[Span], window: Window) -> bool:
    """The same as `not _why_unsound` for every span, without a Python call for each."""
    columns = tuple(zip(*map(_IDENTITY, spans), strict=True))
    if not columns:
        return True
    trace_ids, span_ids, starts, ends = columns
    return (
        set(map(len, trace_ids)) == {16}
        and set(map(len, span_ids)) == {8}
        and _ZERO_TRACE_ID not in trace_ids
        and _ZERO_SPAN_ID not in span_ids
        and min(starts) >= window.oldest
        and max(starts) <= window.newest
        and max(ends) <= window.newest
    )


def _remove_unsound(request: ExportTraceServiceRequest, window: Window) -> dict[str, int]:
    rejected: dict[str, int] = {}
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


def _why_unsound(span: Span, window: Window) -> str | None:
    return next((reason for reason, is_unsound in _UNSOUND.items() if is_unsound(span, window)), None)


_UNSOUND: dict[str, Callable[[Span, Window], bool]] = {
    "trace_id is not 16 bytes with one that is not zero": lambda span, _: (
        len(span.trace_id) != 16 or span.trace_id == _ZERO_TRACE_ID
    ),
    "span_id is not 8 bytes with one that is not zero": lambda span, _: (
        len(span.span_id) != 8 or span.span_id == _ZERO_SPAN_ID
    ),
    "the start time is older than the retention": lambda span, window: (
        span.start_time_unix_nano < window.oldest
    ),
    "the time is more than an hour ahead of the server's clock": lambda span, window: (
        max(span.start_time_unix_nano, span.end_time_unix_nano) > window.newest
    ),
}


def rejection_message(rejected: dict[str, int]) -> str:
    """One sentence a reason, for the sender's log."""
    return "; ".join(_sentences(rejected))


def _sentences(rejected: dict[str, int]) -> Iterator[str]:
    for reason, count in rejected.items():
        yield f"{count} span{'s' if count > 1 else ''} not kept: {reason}"
