import time

import numpy as np
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from benchmarks.bodies import ExportBody, ExportTemplate
from benchmarks.ids import SpanIds, mix, numbers_of

SIZES = (1, 16, 64, 512)
SEED = 2**64 - 700  # the numbers run over the end of 64 bits


def exports_of(spans: int, exports: int) -> list[list[Span]]:
    """The spans of that many exports, as upb reads them."""
    body = ExportBody(ExportTemplate(3, spans), SpanIds(SEED, spans))
    parsed: list[list[Span]] = []
    for number in range(exports):
        body.renew(number)
        request = ExportTraceServiceRequest.FromString(bytes(body.wire))
        parsed.append(list(request.resource_spans[0].scope_spans[0].spans))
    return parsed


@pytest.mark.parametrize("size", SIZES)
def test_every_export_has_its_number_of_spans_and_no_id_or_session_twice(size: int) -> None:
    spans = [span for export in exports_of(size, 5) for span in export]

    assert len(spans) == 5 * size
    assert len({span.span_id for span in spans}) == 5 * size
    assert len({span.trace_id for span in spans}) == 5 * size
    assert len({span.attributes[0].value.string_value for span in spans}) == 5 * size
    assert {(len(span.trace_id), len(span.span_id)) for span in spans} == {(16, 8)}


@pytest.mark.parametrize("size", SIZES)
def test_spans_start_within_the_last_second_before_they_are_sent_and_end_after_they_start(size: int) -> None:
    before = time.time_ns()
    spans = [span for export in exports_of(size, 2) for span in export]
    after = time.time_ns()

    assert all(before - 10**9 < span.start_time_unix_nano <= after for span in spans)
    assert all(0 <= span.end_time_unix_nano - span.start_time_unix_nano < 10**9 for span in spans)


def test_an_old_export_differs_from_one_of_now_by_its_age_alone() -> None:
    body = ExportBody(ExportTemplate(3, 16), SpanIds(SEED, 16))
    before = time.time_ns()
    body.renew(0, age=3600)
    after = time.time_ns()
    (scope_spans,) = ExportTraceServiceRequest.FromString(bytes(body.wire)).resource_spans[0].scope_spans

    starts = [span.start_time_unix_nano + 3600 * 10**9 for span in scope_spans.spans]
    assert all(before - 10**9 < start <= after for start in starts)


def test_an_export_is_of_tool_calls_of_which_few_failed() -> None:
    (spans,) = exports_of(512, 1)

    failed = [span for span in spans if span.status.code == Status.STATUS_CODE_ERROR]
    assert 0 < len(failed) < 30
    assert len({span.name for span in spans}) == 40
    session, method, tool, *_ = spans[0].attributes
    assert session.key == "mcp.session.id"
    assert method.value.string_value == "tools/call"
    assert spans[0].name == f"tools/call {tool.value.string_value}"


def test_only_ids_sessions_and_times_differ_between_two_exports() -> None:
    def rest(span: Span) -> Span:
        kept = Span()
        kept.CopyFrom(span)
        kept.trace_id = kept.span_id = b""
        kept.start_time_unix_nano = kept.end_time_unix_nano = 0
        kept.attributes[0].value.string_value = ""
        return kept

    first, second = exports_of(64, 2)

    assert list(map(rest, first)) == list(map(rest, second))


def test_the_number_of_a_span_is_read_back_from_its_id() -> None:
    spans = [span for export in exports_of(64, 3) for span in export]

    stored = np.frombuffer(b"".join(span.span_id for span in spans), np.uint64)

    assert sorted(numbers_of(stored, SEED).tolist()) == list(range(3 * 64))


def test_mixing_is_undone_at_the_borders_of_64_bits() -> None:
    numbers = np.array([0, 1, 2**63, 2**64 - 1], np.uint64)

    assert numbers_of(mix(numbers.copy()), 0).tolist() == numbers.tolist()
