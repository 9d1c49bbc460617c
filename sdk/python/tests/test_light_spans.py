"""What the light record in the place of a span keeps, and how it is written."""

import tracemalloc
from enum import Enum
from typing import Any

import pydantic.v1
import pytest
from dirty_equals import IsStr
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from opentelemetry import trace
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanContext, StatusCode, TraceFlags
from sdk_kit.lean import first_span, lean_span
from sdk_kit.otlp import read_value
from sdk_kit.recording import Recording

from mcp_obs._lean.encoder import Envelope, SpanEncoder
from mcp_obs._lean.operation_span import MOST_ATTRIBUTES, MOST_EVENTS, MOST_LINKS, OperationSpan
from mcp_obs._lean.templates import MOST_TEMPLATE_BYTES
from mcp_obs._lean.wire import key_value
from mcp_obs._message import Client, Message
from mcp_obs._operation import begin

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = (
    st.none()
    | TEXT
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.binary()
)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner).map(tuple) | st.dictionaries(TEXT, inner), max_leaves=10
)


@pytest.mark.behaviour("export.any-value")
@given(TEXT, VALUES)
def test_an_attribute_is_read_as_it_was_written(name: str, value: Any):
    read = KeyValue.FromString(key_value(name, value))
    assert (read.key, read_value(read.value)) == (name, value)


@pytest.mark.behaviour("export.any-value")
@pytest.mark.parametrize(
    ("value", "read"),
    [("\ud800", "?"), (2**63, str(2**63)), ({1: {2, 3}}, {"1": "{2, 3}"}), (["\ud800"], ("?",))],
)
def test_what_otlp_has_no_type_for_becomes_text(value: Any, read: object):
    assert read_value(KeyValue.FromString(key_value("a", value)).value) == read


class Colour(str, Enum):  # noqa: UP042  a StrEnum's str() is its value
    """A text that has a name of its own."""

    RED = "red"


@pytest.mark.behaviour("operation.span-is-the-hosts-too")
def test_what_a_host_does_with_the_current_span_is_kept_the_same_in_both_ways(recording: Recording):
    operation = begin(lambda: Message("tools/call", {"name": "act"}, 1, None, None, None))
    assert operation is not None
    linked = SpanContext(0xABCD, 0xEF, is_remote=True, trace_flags=TraceFlags(1))
    with operation.current():
        span = trace.get_current_span()
        span.set_attribute("rows", 3)
        tags, details = ["a", "b"], {"key": "ada"}
        span.set_attributes({"exact": True, "share": 0.5, "tags": tags, "rows": 4, "colour": Colour.RED})
        span.add_event("cache.miss", details)
        tags.append("later")
        details["key"] = "later"
        span.record_exception(KeyError("city"), {"attempt": 1})
        span.add_link(linked, {"why": "batch"})
        span.set_status(StatusCode.ERROR, "half of it")
        span.update_name("act on it")
    operation.answer({})
    span.set_attribute("late", 1)
    span.add_event("late")
    span.update_name("late")
    assert not span.is_recording()
    picture = recording.picture("act on it")
    (event, (exception, details)) = picture.pop("events")
    assert (event, exception) == (("cache.miss", {"key": "ada"}), "exception")
    assert (details["exception.type"], details["attempt"]) == ("KeyError", 1)
    assert picture == snapshot(
        {
            "name": "act on it",
            "kind": "SERVER",
            "status": ("ERROR", "half of it"),
            "attributes": {
                "mcp.method.name": "tools/call",
                "jsonrpc.request.id": "1",
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "act",
                "mcp_obs.request.size": 14,
                "network.transport": "pipe",
                "mcp_obs.session.id": IsStr(regex="[0-9a-f]{32}"),
                "mcp_obs.session.source": "inferred",
                "rows": 4,
                "exact": True,
                "share": 0.5,
                "tags": ("a", "b"),
                "colour": "red",
                "mcp_obs.response.size": 2,
                "mcp_obs.operation.outcome": "ok",
            },
            "links": 1,
        }
    )


@pytest.mark.behaviour("operation.span-is-the-hosts-too")
def test_a_status_that_is_ok_is_final_in_both_ways(recording: Recording):
    operation = begin(lambda: Message("ping", None, 1, None, None, None))
    assert operation is not None
    with operation.current():
        trace.get_current_span().set_status(StatusCode.OK)
    operation.refuse(-32050, "Quota exceeded")
    assert recording.picture("ping")["status"] == ("OK", None)


@pytest.mark.behaviour("metrics.host-attributes-stay-out")
def test_the_host_s_attributes_are_no_metric_s_in_either_way(recording: Recording):
    operation = begin(lambda: Message("tools/call", {"name": "act"}, 1, None, None, None))
    assert operation is not None
    with operation.current():
        trace.get_current_span().set_attribute("error.type", "theirs")
    operation.answer({})
    assert recording.picture("tools/call act")["attributes"]["error.type"] == "theirs"
    ((count, attributes),) = recording.durations()
    assert (count, "error.type" in attributes) == (1, False)


def test_an_exception_of_an_old_validator_is_recorded_without_the_rejected_value(recording: Recording):
    class Arguments(pydantic.v1.BaseModel):
        token: int

    operation = begin(lambda: Message("ping", None, 1, None, None, None))
    assert operation is not None
    with operation.current(), pytest.raises(pydantic.v1.ValidationError) as caught:
        Arguments(token="a secret")  # pyright: ignore[reportArgumentType]
    with operation.current():
        trace.get_current_span().record_exception(caught.value)
    operation.answer({})
    ((name, details),) = recording.picture("ping")["events"]
    assert name == "exception"
    if recording.way == "lean":
        assert details["exception.message"] == "token: type_error.integer"


@pytest.mark.behaviour("export.unencodable-costs-itself")
@pytest.mark.parametrize("error", [RuntimeError, SystemExit])
def test_what_can_t_be_written_costs_itself_and_not_the_span(
    error: type[BaseException], monkeypatch: pytest.MonkeyPatch
):
    class SpeechlessError(Exception):
        def __str__(self) -> str:
            raise error

    monkeypatch.delenv("MCP_OBS_STRICT")
    ended: list[OperationSpan] = []
    span = lean_span(ended.append)
    wrong: Any = {5: "a number", "speechless": SpeechlessError(), "right": 1}
    span.set_attributes(wrong)
    span.end()
    read = first_span(Envelope(Resource({}), "s", "1").around([SpanEncoder().encode(ended[0])]))
    assert {one.key for one in read.attributes} == {*ended[0].said, "5", "right"}


@pytest.mark.behaviour("export.bounded-memory")
@pytest.mark.parametrize("whose", ["the host's", "the client's"])
def test_what_spans_have_in_common_takes_no_more_memory_than_a_few_mebibytes(whose: str):
    encoder = SpanEncoder()
    tracemalloc.start()
    try:
        for number in range(3000):
            client = Client(f"{number}" + "c" * 1000, "v" * 1000) if whose == "the client's" else None
            span = OperationSpan(
                Message("ping", None, 1, None, client, None),
                SpanContext(1, 2, is_remote=False),
                None,
                (),
                _ignore,
            )
            if whose == "the host's":
                span.set_attribute("prompt", f"{number}" + "p" * 10_000)
            span.end()
            encoder.encode(span)
        assert tracemalloc.get_traced_memory()[0] < 4 * MOST_TEMPLATE_BYTES
    finally:
        tracemalloc.stop()


def _ignore(span: OperationSpan) -> None:
    pass


@pytest.mark.behaviour("operation.bounded")
def test_more_than_a_span_may_have_is_left_out_and_counted():
    ended: list[OperationSpan] = []
    span = lean_span(ended.append)
    span.set_attributes({f"a{number}": number for number in range(MOST_ATTRIBUTES)})
    for _ in range(MOST_EVENTS + 3):
        span.add_event("again")
    for number in range(1, MOST_LINKS + 4):
        span.add_link(SpanContext(number, number, is_remote=False))
    assert len(span.links) == MOST_LINKS
    span.end()
    body = Envelope(Resource({}), "s", "1").around([SpanEncoder().encode(ended[0])])
    read = first_span(body)
    known = len(ended[0].said)
    assert (len(read.attributes), read.dropped_attributes_count) == (MOST_ATTRIBUTES, known)
    assert (len(read.events), read.dropped_events_count) == (MOST_EVENTS, 3)
    assert (len(read.links), read.dropped_links_count) == (MOST_LINKS, 3)


@pytest.mark.behaviour("export.bounded-memory")
def test_what_is_small_is_no_reason_to_hurry():
    span = lean_span(_ignore)
    assert span.message is not None
    span.message.params = {"name": "add", "arguments": {"rows": [1, 2], "of": {"a": 1}, "by": "id", "n": 1}}
    span.result = {"content": [{"type": "text", "text": "3"}], "structuredContent": {"result": 3}}
    assert not span.is_large()


@pytest.mark.behaviour("export.bounded-memory")
@pytest.mark.parametrize("is_given", [False, True])
def test_how_large_something_is_is_told_by_few_looks(*, is_given: bool):
    looks: list[object] = []

    class Looked:
        @property
        def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride]
            looks.append(self)
            return int

    span = lean_span(_ignore)
    assert span.message is not None
    wide = {str(number): [Looked()] * 16 for number in range(16)}
    if is_given:
        span.message.params = {"name": "add", "arguments": wide}
    else:
        span.result = {"content": [], "structuredContent": wide}
    assert not span.is_large()
    assert len(looks) == 64


def test_what_holds_itself_is_looked_at_and_not_for_ever():
    itself: list[object] = []
    itself.append(itself)
    span = lean_span(_ignore)
    span.result = {"content": [{"type": "text", "text": "3"}], "structuredContent": {"result": itself}}
    assert not span.is_large()
