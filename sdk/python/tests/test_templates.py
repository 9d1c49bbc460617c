"""What spans have in common is described and written once, and nothing of one gets into another."""

import tracemalloc
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind
from sdk_kit.calls import ADD, CALLS, Call, details
from sdk_kit.otlp import read_spans

from mcp_obs import semconv
from mcp_obs._ending import TOOL_ERROR, of_code, of_exception
from mcp_obs._lean.encoder import Envelope, SpanEncoder
from mcp_obs._lean.operation_span import OperationSpan
from mcp_obs._lean.templates import MOST_TEMPLATE_BYTES, Templates
from mcp_obs._message import Client
from mcp_obs._metrics.categories import ALL
from mcp_obs._metrics.lean_metrics import LeanMetrics
from mcp_obs._metrics.metrics import MOST_CHOSEN
from mcp_obs._privacy.settings import Privacy
from mcp_obs._text import LONGEST_TEXT
from mcp_obs.testing import Point
from mcp_obs.testing._reading import read_points

ENVELOPE = Envelope(Resource({}), "kit", "1")


class Ways:
    """Encodes the same calls with templates and, each by an encoder of its own, in full."""

    def __init__(self, privacy: Privacy | None = None) -> None:
        self._metrics, self._in_full = LeanMetrics(ALL), LeanMetrics(ALL)
        self._encoder = SpanEncoder(self._metrics)
        self._details = details(privacy)

    def add(self, call: Call) -> tuple[ReadableSpan, ReadableSpan, bool]:
        """The span by either way, and whether a template was filled in."""
        span, whole = call.span(self._details), call.span(self._details)
        spans = [
            _read(encoder, one)
            for encoder, one in ((self._encoder, span), (SpanEncoder(self._in_full), whole))
        ]
        return spans[0], spans[1], not span.said

    def points(self) -> list[list[Point]]:
        """What each way has counted."""
        return [list(read_points(ENVELOPE.around(each.encode(3)))) for each in (self._metrics, self._in_full)]


def _read(encoder: SpanEncoder, span: OperationSpan) -> ReadableSpan:
    (read,) = read_spans(ENVELOPE.around([encoder.encode(span)]))
    return read


def _said(span: ReadableSpan) -> tuple[object, ...]:
    return span.name, span.kind, dict(span.attributes or {})


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(CALLS, min_size=1, max_size=3),
    st.sampled_from(["shape", "none", "redacted", "full", "add=none"]),
)
def test_a_span_that_fills_in_a_template_says_what_it_would_say_by_itself(calls: list[Call], rules: str):
    ways = Ways(Privacy(rules=rules))
    for call in [*calls, *calls]:
        span, in_full, _ = ways.add(call)
        assert _said(span) == _said(in_full)
    points, in_full = ways.points()
    assert points == in_full


ELSEWHERE = {"http_version": "1.1", "client": ("127.0.0.2", 6), "headers": [(b"mcp-session-id", b"s-2")]}


@pytest.mark.parametrize(
    "other",
    [
        replace(ADD, request_id=2),
        replace(ADD, params={"name": "add", "arguments": {"a": 10, "b": 20}}),
        replace(ADD, http=ELSEWHERE),
        replace(ADD, given={"rows": 3}),
        replace(ADD, result={"content": [{"type": "text", "text": "three"}], "isError": False}),
    ],
    ids=["its id", "its values", "its sender", "what its host says", "its result"],
)
def test_what_differs_from_call_to_call_takes_no_other_template(other: Call):
    ways = Ways()
    ways.add(ADD)
    span, in_full, is_filled_in = ways.add(other)
    assert is_filled_in
    assert _said(span) == _said(in_full)


@pytest.mark.parametrize(
    "call",
    [
        replace(ADD, ending=of_exception(ValueError("no"))),
        replace(ADD, told=3),
        replace(ADD, http=None),
        replace(ADD, method="ping", params=None, result={}),
        replace(ADD, method="prompts/get", params={"name": "greet"}, result={"messages": []}),
        replace(ADD, method="notifications/initialized", request_id=None, result=None),
    ],
    ids=[
        "a failure",
        "one that tells its client something",
        "in memory",
        "ping",
        "a prompt",
        "a notification",
    ],
)
def test_the_second_of_a_kind_is_not_described_again(call: Call):
    ways = Ways()
    _, _, was_first_filled_in = ways.add(call)
    _, _, is_second_filled_in = ways.add(call)
    assert (was_first_filled_in, is_second_filled_in) == (False, True)


def test_a_failure_that_no_server_offers_is_described_each_time_as_its_name_may_become_known():
    ways = Ways()
    unknown = replace(ADD, params={"name": "none"}, ending=TOOL_ERROR)
    assert [ways.add(unknown)[2] for _ in range(2)] == [False, False]


def test_codes_beyond_the_first_are_counted_together_and_each_is_told_on_its_span():
    ways = Ways()
    for code in range(1000, 1000 + 2 * MOST_CHOSEN):
        refused = replace(ADD, ending=of_code(code, "no"))
        ways.add(refused)
        span, in_full, _ = ways.add(refused)
        assert _said(span) == _said(in_full)
        assert (span.attributes or {})[semconv.RPC_RESPONSE_STATUS_CODE] == str(code)
    points, of_the_full = ways.points()
    assert points == of_the_full
    assert len(points) == 2 * MOST_CHOSEN + 4


def test_arguments_that_change_while_they_are_described_make_no_template():
    arguments = {"alice": 1}
    described = replace(ADD, params={"name": "add", "arguments": arguments})

    class Renamed(OperationSpan):
        """One whose handler goes on to change what it was given."""

        def let_go(self) -> Mapping[str, Any]:
            arguments.clear()
            arguments["carol"] = 1
            return super().let_go()

    known = details()
    span = described.span(known)
    span.__class__ = Renamed
    encoder = SpanEncoder(LeanMetrics(ALL))
    encoder.encode(span)
    later = replace(ADD, params={"name": "add", "arguments": {"alice": 1}}).span(known)
    read = _read(encoder, later)
    assert (read.attributes or {})[semconv.MCP_OBS_REQUEST_SHAPE] == '{"alice":"integer"}'


def test_senders_take_bounded_memory_and_names_too_long_to_be_said_none():
    templates, kept = Templates(None), details()
    tracemalloc.start()
    for number in range(5000):
        for name in (f"{number}", f"{number}" * LONGEST_TEXT):
            templates.find(replace(ADD, client=Client(name, None)).span(kept))
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 4 * MOST_TEMPLATE_BYTES


def test_templates_take_no_more_memory_than_they_may():
    templates = Templates(None)
    made = 0
    for number in range(1000):
        arguments = {f"{number}-{place}" + "n" * 50: 1 for place in range(30)}
        call = replace(ADD, params={"name": "add", "arguments": arguments})
        templates.find(call.span(details()))
        made = max(made, templates.bytes)
    assert 0.9 * MOST_TEMPLATE_BYTES < made <= MOST_TEMPLATE_BYTES


def test_every_operation_is_counted_though_many_wait_for_it_and_its_template_is_forgotten():
    metrics, kept = LeanMetrics(ALL), details()
    encoder = SpanEncoder(metrics)
    for number in range(1300):
        encoder.encode(ADD.span(kept))
        if number % 2 == 0:  # another kind each time
            arguments = {f"{number}-{place}" + "n" * 50: 1 for place in range(30)}
            encoder.encode(replace(ADD, params={"name": "add", "arguments": arguments}).span(kept))
    points = read_points(ENVELOPE.around(metrics.encode(3)))
    counts = {point.metric: getattr(point.value, "count", point.value) for point in points}
    assert counts == dict.fromkeys(
        ("mcp.server.operation.duration", "mcp.message.latency", "mcp_obs.feature.usage"), 1950
    )


def test_a_span_by_a_template_is_as_it_has_always_been():
    ways = Ways()
    ways.add(ADD)
    span, _, _ = ways.add(replace(ADD, request_id=2, given={"rows": 3}))
    assert _said(span) == snapshot(
        (
            "tools/call add",
            SpanKind.SERVER,
            {
                "mcp.method.name": "tools/call",
                "mcp.protocol.version": "2025-11-25",
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "add",
                "network.transport": "tcp",
                "network.protocol.name": "http",
                "network.protocol.version": "1.1",
                "mcp_obs.session.source": "protocol",
                "mcp_obs.request.shape": '{"a":"integer","b":"integer"}',
                "mcp_obs.response.shape": '{"content":["text"]}',
                "mcp_obs.operation.outcome": "ok",
                "client.address": "127.0.0.1",
                "client.port": 5,
                "mcp.session.id": "s-1",
                "mcp.client.name": "kit",
                "mcp.client.version": "1",
                "mcp_obs.session.id": "s-1",
                "mcp_obs.request.size": 40,
                "mcp_obs.response.size": 56,
                "jsonrpc.request.id": "2",
                "rows": 3,
            },
        )
    )
