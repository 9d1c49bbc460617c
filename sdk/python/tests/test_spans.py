"""Spans that are no operations, on every way of recording."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, SpanContext, SpanKind
from sdk_kit.recording import Recording

from mcp_obs import _telemetry
from mcp_obs._message import Message
from mcp_obs._operation import begin
from mcp_obs._telemetry import Telemetry


def telemetry() -> Telemetry:
    current = _telemetry.current()
    assert current is not None
    return current


def test_a_span_inside_an_operation_is_its_child(recording: Recording):
    operation = begin(lambda: Message("tools/call", {"name": "act"}, 1, None, None, None))
    assert operation is not None
    links = [Link(SpanContext(0xAB, 0xCD, is_remote=True))]
    with (
        operation.current(),
        telemetry().tracer.start_as_current_span(
            "binary.discover", kind=SpanKind.CLIENT, attributes={"version": "7"}, links=links, start_time=5
        ) as span,
    ):
        assert trace.get_current_span() is span
    operation.answer({})
    child, parent = recording.log.spans
    ids, above = child.get_span_context(), parent.get_span_context()
    assert child.parent and ids and above
    assert (child.parent.span_id, ids.trace_id, child.start_time) == (above.span_id, above.trace_id, 5)
    assert recording.picture("binary.discover") == {
        "name": "binary.discover",
        "kind": "CLIENT",
        "status": ("UNSET", None),
        "attributes": {"version": "7"},
        "events": [],
        "links": 1,
    }
    assert sum(count for count, _ in recording.durations()) == 1


def test_what_a_block_raises_is_on_its_span(recording: Recording):
    with (
        pytest.raises(OSError, match="full"),
        telemetry().tracer.start_as_current_span("process.start"),
    ):
        raise OSError("full")
    picture = recording.picture("process.start")
    assert picture["status"] == ("ERROR", "OSError: full")
    ((event, details),) = picture["events"]
    assert (event, details["exception.message"]) == ("exception", "full")


def test_spans_of_one_name_and_several_kinds_keep_their_kinds(recording: Recording):
    for kind in SpanKind:
        telemetry().tracer.start_span("step", kind=kind).end()
    assert [span.kind for span in recording.log.spans] == list(SpanKind)


def test_a_root_hands_on_that_its_ids_are_random_as_the_sdk_s_does():
    with Recording("lean"):
        ours = telemetry().tracer.start_span("step").get_span_context().trace_flags
    theirs = TracerProvider(shutdown_on_exit=False).get_tracer("kit").start_span("step").get_span_context()
    assert ours == theirs.trace_flags == 0x03
