"""Compiled code writes what Python does, to the byte, and leaves to Python what it does not know."""

import sys
import tracemalloc
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.trace import SpanContext, StatusCode
from pydantic_core import to_json
from sdk_kit.calls import ADD, CALLS, Call, authenticated, compiled, details
from sdk_kit.otlp import read_spans
from sdk_kit.recording import ENVELOPE, exported

from mcp_obs import semconv
from mcp_obs._ending import TOOL_ERROR, of_code
from mcp_obs._guard import STRICT
from mcp_obs._lean.encoder import SpanEncoder
from mcp_obs._lean.largeness import LARGE_TEXT
from mcp_obs._lean.operation_span import NO_STATE, LightSpan
from mcp_obs._lean.templates import MOST_UNCOUNTED
from mcp_obs._metrics.categories import ALL
from mcp_obs._metrics.lean_metrics import LeanMetrics
from mcp_obs._privacy.settings import Privacy


class Both:
    """Python writes a span, and compiled code then the same span by the same templates."""

    def __init__(self, privacy: Privacy | None = None) -> None:
        self.metrics, self.of_python = LeanMetrics(ALL), LeanMetrics(ALL)
        self._encoder, self._python = SpanEncoder(self.metrics), SpanEncoder(self.of_python)
        self._details = details(privacy)
        assert self._encoder.at_once is not None
        self._write = self._encoder.at_once.write

    def write(self, call: Call) -> tuple[bytes | None, bytes]:
        """By compiled code, None where it leaves it to Python, which then writes for it too; and by Python alone."""
        span = call.span(self._details)
        written = self._write(span)
        if written is None:
            self._encoder.encode(span)
        return written, self._python.encode(call.span(self._details))

    def is_at_once(self, call: Call) -> bool:
        """Whether the second of a kind is written at once, which is then as Python writes it."""
        self.write(call)
        written, by_python = self.write(call)
        assert written is None or written == by_python
        return written is not None


@compiled
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(CALLS, min_size=1, max_size=3),
    st.sampled_from(["shape", "none", "redacted", "full", "add=none"]),
)
def test_compiled_code_writes_and_counts_what_python_does(calls: list[Call], rules: str):
    both = Both(Privacy(rules=rules))
    for call in [*calls, *calls]:
        written, by_python = both.write(call)
        assert written is None or written == by_python
    assert exported(both.metrics) == exported(both.of_python)


# Texts of every width, with what JSON escapes, and what UTF-8 does not have.
TEXTS = st.text(st.characters(), max_size=20) | st.text(
    st.sampled_from(["\x00", "\x08", "\x0b", "\x1f", "\n", '"', "\\", "\x7f", "é", "€", "😀", "\ud800"])
)
SCALARS = st.none() | st.booleans() | st.integers() | st.integers(-(10**30), 10**30) | st.floats() | TEXTS
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@compiled
@given(JSON)
def test_the_size_of_a_result_is_that_of_its_json(value: Any):
    both, result = Both(), {"structuredContent": value}
    call = Call(method="ping", result=result)
    with pytest.MonkeyPatch.context() as patched:
        # What has no JSON is told, and raised under test.
        patched.delenv(STRICT)
        both.write(call)
        written, _ = both.write(call)
    try:
        size = len(to_json(result))
    except Exception:  # noqa: BLE001  whatever it is, there is no JSON of it
        assert written is None
        return
    assert written is not None
    (span,) = read_spans(ENVELOPE.around([written]))
    assert (span.attributes or {})[semconv.MCP_OBS_RESPONSE_SIZE] == size


def http(**scope: Any) -> Mapping[str, Any]:
    return {**(ADD.http or {}), **scope}


META = {"io.modelcontextprotocol/clientInfo": {"name": "kit", "version": "2"}, "progressToken": 1}
MODERN = replace(
    ADD,
    protocol_version="2026-07-28",
    params={**(ADD.params or {}), "_meta": META},
    http=http(headers=[(b"accept", b"*/*")]),
)


@compiled
@pytest.mark.parametrize(
    "call",
    [
        ADD,
        MODERN,
        replace(ADD, http=None),
        replace(ADD, http=None, client=None),
        replace(ADD, given={"rows": 3, "of": "x" * 200, "is": True, "at": 0.5}),
        replace(ADD, weight=10.0),
        replace(ADD, told=3),
        replace(ADD, request_id="a"),
        replace(ADD, ending=of_code(-32602, "no")),
        replace(ADD, result={"content": [{"type": "odd"}], "structuredContent": {"a": [1, 0.5, None]}}),
        replace(ADD, method="ping", params=None, result={}),
        replace(ADD, method="prompts/get", params={"name": "greet"}, result={"messages": []}),
        replace(ADD, method="notifications/initialized", request_id=None, result=None),
    ],
    ids=[
        "a tool's",
        "of the revision without sessions",
        "in memory",
        "of nobody known",
        "with what its host says",
        "that stands for others",
        "one that tells its client something",
        "with a text for an id",
        "a client's fault",
        "another result",
        "ping",
        "a prompt",
        "a notification",
    ],
)
def test_the_second_of_a_kind_is_written_at_once(call: Call):
    assert Both().is_at_once(call)


class Text(str):
    """A host's own type."""

    __slots__ = ()


@compiled
@pytest.mark.parametrize(
    "call",
    [
        replace(ADD, http=http(user=authenticated("ada", ["read"]))),
        replace(MODERN, parent=SpanContext(7, 8, is_remote=True)),
        replace(ADD, session="h-1"),
        replace(ADD, method="initialize"),
        replace(ADD, params={"uri": "file:///a"}, method="resources/read"),
        replace(ADD, request_id="r" * 65),
        replace(ADD, request_id="é"),
        replace(ADD, result={"content": [], "structuredContent": {"a": (1, 2)}}),
        replace(ADD, result={"content": [], "structuredContent": {1: 2}}),
        replace(ADD, result={"content": [], "structuredContent": {"a": Text("b")}}),
        replace(ADD, result={"content": [], "structuredContent": ["x" * (LARGE_TEXT + 1)]}),
        replace(ADD, result={"content": [], "structuredContent": [0] * 1000}),
        replace(ADD, params={"name": Text("add")}),
        replace(ADD, params={"name": "add", "arguments": [1]}),
        replace(ADD, given={"rows": [1, 2]}),
        replace(ADD, given={semconv.GEN_AI_TOOL_NAME: "mine"}),
        replace(ADD, given={str(number): number for number in range(9)}),
        replace(ADD, params={"name": "add", "_meta": {"io.modelcontextprotocol/clientInfo": {"name": 1}}}),
        replace(ADD, params={"name": "unknown"}, ending=TOOL_ERROR),
    ],
    ids=[
        "a user",
        "a client's trace",
        "a session that the handler names",
        "a handshake",
        "a URI",
        "a long id",
        "an id that is not ASCII",
        "a tuple",
        "a number for a name",
        "a text of a host's type",
        "a large text",
        "a thousand values",
        "a tool's name of a host's type",
        "a list for arguments",
        "a list that its host says",
        "another name that its host says",
        "much that its host says",
        "a client without a name",
        "a tool that nobody offers",
    ],
)
def test_what_is_unusual_is_left_to_python(call: Call):
    assert not Both().is_at_once(call)


@compiled
def test_a_value_inside_itself_is_left_to_python(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(STRICT)
    around: dict[str, Any] = {}
    around["around"] = around
    assert not Both().is_at_once(
        replace(ADD, method="ping", params=None, result={"structuredContent": around})
    )


@compiled
@pytest.mark.parametrize("set_on", ["status", "event", "link", "name"])
def test_a_span_that_its_host_has_changed_is_left_to_python(set_on: str):
    known, encoder = details(), SpanEncoder(LeanMetrics(ALL))
    assert encoder.at_once is not None
    encoder.encode(ADD.span(known))
    span = ADD.span(known)
    span.end_time = None
    match set_on:
        case "status":
            span.set_status(StatusCode.OK)
        case "event":
            span.add_event("seen")
        case "link":
            span.add_link(SpanContext(3, 4, is_remote=True))
        case _:
            span.update_name("mine")
    span.end(2)
    assert encoder.at_once.write(span) is None


class OddContext:
    """A host's own, with what a context has."""

    trace_id, span_id, is_remote, is_valid = 7, 8, True, True


@compiled
@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("parent", OddContext()),
        ("ids", OddContext()),
        ("ids", ("7", 8, False, None, NO_STATE, True)),
        ("attributes", MappingProxyType({"rows": 3})),
        ("ending", ("ok", None, None, None)),
        ("start_time", None),
    ],
    ids=["its parent", "its ids", "a trace id", "its attributes", "its ending", "its beginning"],
)
def test_a_span_whose_parts_are_of_another_kind_is_left_to_python_and_counted_by_it(where: str, what: object):
    metrics, known = LeanMetrics(ALL), details()
    encoder = SpanEncoder(metrics)
    assert encoder.at_once is not None
    encoder.encode(ADD.span(known))
    span = ADD.span(known)
    setattr(span, where, what)
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv(STRICT)
        assert encoder.at_once.write(span) is None
    counts = {point.metric: getattr(point.value, "count", point.value) for point in exported(metrics)}
    assert counts["mcp.server.operation.duration"] == 1


@compiled
def test_an_operation_that_is_not_kept_is_counted_and_not_written():
    both = Both()
    both.write(ADD)
    written, by_python = both.write(replace(ADD, weight=0.0))
    assert (written, by_python) == (b"", b"")
    assert exported(both.metrics) == exported(both.of_python)


@compiled
@pytest.mark.parametrize(
    "result",
    [
        {"content": [{"type": "text", "text": "x" * (LARGE_TEXT + 1)}]},
        {"structuredContent": {"rows": [1] * 100}},
        {"structuredContent": {"of": (1, 2)}},
    ],
    ids=["a large text", "many values", "a value of an odd type"],
)
def test_what_may_be_large_does_not_wait_for_others(result: dict[str, Any]):
    encoder = SpanEncoder()
    assert encoder.at_once is not None
    large = "r" * (LARGE_TEXT + 1)
    calls = [
        ADD,
        *[replace(ADD, **each) for each in ({"result": result}, {"params": result}, {"request_id": large})],
    ]
    calls += [replace(ADD, method=large), ADD]
    together = deque[LightSpan]()
    assert [encoder.at_once.keep(call.span(details()), together) for call in calls] == [1, 0, 0, 0, 0, 2]
    assert replace(ADD, method=large).span(details()).is_large()


@compiled
def test_operations_that_wait_to_be_counted_are_bounded_though_nobody_asks_for_metrics():
    both = Both()
    both.write(ADD)
    tracemalloc.start()
    for _ in range(40 * MOST_UNCOUNTED):
        both.write(replace(ADD, weight=0.0))
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A number each would be 640 KB.
    assert grown < 300_000
    assert exported(both.metrics) == exported(both.of_python)


@compiled
def test_nothing_is_held_of_what_was_written():
    both, known = Both(), details()
    both.write(ADD)
    encoder = SpanEncoder(None)
    assert encoder.at_once is not None
    encoder.encode(ADD.span(known))
    span = ADD.span(known)
    encoder.at_once.write(span)
    held = [span, span.message, span.result, span.message.params if span.message else None, known, ADD.params]
    before = [sys.getrefcount(each) for each in held]
    for _ in range(100):
        encoder.at_once.write(span)
    assert [sys.getrefcount(each) for each in held] == before


def test_compiled_code_that_is_broken_is_told_and_python_writes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    class Broken:
        def __getattr__(self, name: str) -> object:
            raise RuntimeError(name)

    monkeypatch.delenv(STRICT)
    monkeypatch.setitem(sys.modules, "mcp_obs._lean.compiled", Broken())  # pyright: ignore[reportArgumentType]
    assert SpanEncoder().at_once is None
    (told,) = [each.getMessage() for each in caplog.records]
    assert told.startswith("mcp-obs failed loading compiled code, so Python does its work")


def test_an_interpreter_without_a_lock_is_left_without_one(monkeypatch: pytest.MonkeyPatch):
    def get_config_var(name: str) -> bool:
        return name == "Py_GIL_DISABLED"

    monkeypatch.setattr("mcp_obs._lean.at_once.sysconfig.get_config_var", get_config_var)
    assert SpanEncoder().at_once is None
