"""What is too much is cut, counted where OTLP counts it, and named on the span."""

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from mcp_obs_server.ingest.caps import MAX_COUNT, MAX_KEY_BYTES, MAX_VALUE_BYTES, SMALL_BYTES, TRUNCATED
from mcp_obs_server.ingest.span_caps import cap_spans
from mcp_obs_server.ingest.wire import varint
from otlp_exports import export


def capped(request: ExportTraceServiceRequest) -> bool:
    return cap_spans(request, request.SerializeToString())


def only_span(request: ExportTraceServiceRequest) -> Span:
    return request.resource_spans[0].scope_spans[0].spans[0]


def names(span: Span) -> list[str]:
    recorded = [each.value.array_value.values for each in span.attributes if each.key == TRUNCATED]
    return [value.string_value for values in recorded for value in values]


def test_an_ordinary_export_is_left_as_it_is() -> None:
    request = export(600)
    before = request.SerializeToString()
    assert not capped(request)
    assert request.SerializeToString() == before


def test_what_is_just_within_every_limit_is_left_as_it_is() -> None:
    request = export()
    span = only_span(request)
    del span.attributes[:]
    for number in range(MAX_COUNT - 1):
        span.attributes.add(key=f"k{number}").value.string_value = "v"
    span.attributes.add(key="k" * MAX_KEY_BYTES).value.string_value = "é" * (MAX_VALUE_BYTES // 2)
    for _ in range(MAX_COUNT):
        span.events.add(name="e")
        span.links.add(trace_id=b"t" * 16, span_id=b"s" * 8)
    before = request.SerializeToString()
    assert not capped(request)
    assert request.SerializeToString() == before


def test_the_129th_attribute_event_and_link_are_dropped_counted_and_named() -> None:
    request = export(attributes={f"k{number}": "v" for number in range(MAX_COUNT)})
    span = only_span(request)
    for number in range(MAX_COUNT + 3):
        span.events.add(name=f"e{number}")
        span.links.add(trace_id=b"t" * 16, span_id=number.to_bytes(8, "big"))
    assert capped(request)
    # `export` has two attributes of its own before ours, and what says that something was cut comes on top.
    assert [each.key for each in span.attributes[:3]] == ["mcp.method.name", "gen_ai.tool.name", "k0"]
    assert len(span.attributes) == MAX_COUNT + 1
    assert (len(span.events), len(span.links)) == (MAX_COUNT, MAX_COUNT)
    assert span.dropped_attributes_count == 2
    assert (span.dropped_events_count, span.dropped_links_count) == (3, 3)
    assert names(span) == ["attributes", "events", "links"]


def test_long_texts_are_cut_between_characters_and_named() -> None:
    request = export()
    span = only_span(request)
    span.name = "n" * (MAX_KEY_BYTES + 1)
    span.status.message = "m" * (MAX_VALUE_BYTES + 1)
    span.attributes.add(key="text").value.string_value = "x" + "é" * MAX_VALUE_BYTES
    span.attributes.add(key="bytes").value.bytes_value = b"b" * (MAX_VALUE_BYTES + 1)
    many = ArrayValue(values=[AnyValue(string_value="v" * 1000)] * 100)
    span.attributes.add(key="list").value.array_value.CopyFrom(many)
    assert capped(request)
    values = {each.key: each.value for each in span.attributes}
    assert values["text"].string_value == "x" + "é" * ((MAX_VALUE_BYTES - 1) // 2)
    assert values["bytes"].bytes_value == b"b" * MAX_VALUE_BYTES
    assert values["list"] == AnyValue()
    assert (len(span.name), len(span.status.message)) == (MAX_KEY_BYTES, MAX_VALUE_BYTES)
    assert names(span) == snapshot(["bytes", "list", "name", "status.message", "text"])


def test_an_attribute_with_a_giant_key_is_dropped() -> None:
    request = export(attributes={"é" * (MAX_KEY_BYTES // 2 + 1): "v", "short": "v"})
    assert capped(request)
    span = only_span(request)
    assert [each.key for each in span.attributes] == [
        "mcp.method.name",
        "gen_ai.tool.name",
        "short",
        TRUNCATED,
    ]
    assert (span.dropped_attributes_count, names(span)) == (1, ["attributes"])


def test_attributes_of_events_links_scopes_and_resources_have_the_same_limits() -> None:
    request = export()
    resource_spans = request.resource_spans[0]
    scope, span = resource_spans.scope_spans[0].scope, only_span(request)
    owners = [resource_spans.resource, scope, span.events.add(), span.links.add()]
    for owner in owners:
        del owner.attributes[:]
        for number in range(MAX_COUNT + 1):
            owner.attributes.add(key=f"k{number}").value.int_value = number
    assert capped(request)
    assert [owner.dropped_attributes_count for owner in owners] == [1, 1, 1, 1]
    assert names(span) == ["events.attributes", "links.attributes"]
    recorded = MessageToDict(scope.attributes[-1])
    assert recorded == {
        "key": TRUNCATED,
        "value": {"arrayValue": {"values": [{"stringValue": "attributes"}]}},
    }
    assert MessageToDict(resource_spans.resource.attributes[-1]) == recorded


def test_what_a_sender_cut_before_stays_named() -> None:
    request = export(attributes={"long": "v" * (MAX_VALUE_BYTES + 1)})
    span = only_span(request)
    before = span.attributes.add(key=TRUNCATED).value.array_value.values
    before.add(string_value="gen_ai.tool.call.result")
    assert capped(request)
    assert names(span) == ["gen_ai.tool.call.result", "long"]


def test_names_that_were_cut_are_few_and_short_themselves() -> None:
    long = "v" * (MAX_VALUE_BYTES + 1)
    request = export()
    span = only_span(request)
    for event in range(MAX_COUNT):
        for number in range(3):
            span.events.add(name="e").attributes.add(key=f"{event}.{number}").value.string_value = long
    assert capped(request)
    assert len(names(span)) <= MAX_COUNT


def test_no_span_that_needs_cutting_is_small() -> None:
    span = Span()
    for _ in range(MAX_COUNT + 1):
        span.attributes.add(key="k").value.string_value = "v"
    assert span.ByteSize() > SMALL_BYTES


def nested(*parts: bytes) -> bytes:
    """The last part within a field of each tag before it, from the inside to the outside."""
    *tags, content = parts
    for tag in reversed(tags):
        content = tag + varint(len(content)) + content
    return content


def many(origin: type[Resource | InstrumentationScope], first: int) -> bytes:
    """Fewer attributes than have to be cut, by names of their own."""
    message = origin()
    for number in range(first, first + MAX_COUNT - 20):
        message.attributes.add(key=f"{number:03}")
    assert message.ByteSize() < SMALL_BYTES
    return message.SerializeToString()


def big() -> bytes:
    """A span that has to be cut."""
    return only_span(export(attributes={"long": "v" * (MAX_VALUE_BYTES + 1)})).SerializeToString()


@pytest.mark.parametrize(
    "wire",
    [
        nested(b"\x0a", nested(b"\x0a", many(Resource, 0)) + nested(b"\x0a", many(Resource, 300))),
        nested(
            b"\x0a",
            b"\x12",
            nested(b"\x0a", many(InstrumentationScope, 0)) + nested(b"\x0a", many(InstrumentationScope, 300)),
        ),
        nested(b"\x0a", b"\x12", b"\x92\x00", big()),
        nested(b"\x0a", b"\x92\x80\x00", b"\x12", big()),
        nested(b"\x8a\x00", b"\x12", b"\x12", big()),
    ],
    ids=["resource in two pieces", "scope in two pieces", "span", "scope spans", "resource spans"],
)
def test_what_is_written_in_an_unusual_way_is_cut_too(wire: bytes) -> None:
    request = ExportTraceServiceRequest.FromString(wire)
    assert cap_spans(request, wire)
    assert b"mcp_obs.truncated" in request.SerializeToString()


@given(st.binary(max_size=2000))
def test_any_bytes_that_parse_can_be_measured(body: bytes) -> None:
    request = ExportTraceServiceRequest()
    cap_spans(request, body + b"\x0a" + bytes(1000))
