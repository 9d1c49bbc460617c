"""Compiled code writes what Python does, to the byte, and leaves to Python what it does not know."""

import gc
import sys
import threading
import tracemalloc
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from queue import SimpleQueue
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanContext, StatusCode
from pydantic_core import to_json
from sdk_kit.calls import ADD, CALLS, Call, authenticated, compiled, details
from sdk_kit.collector import collecting
from sdk_kit.lean import exporting
from sdk_kit.otlp import read_spans

from mcp_obs import semconv
from mcp_obs._ending import TOOL_ERROR, of_code
from mcp_obs._guard import STRICT
from mcp_obs._http import HttpOrigin
from mcp_obs._lean import backlog as backlog_module
from mcp_obs._lean import exporter as exporter_module
from mcp_obs._lean.backlog import Backlog
from mcp_obs._lean.encoder import Envelope, SpanEncoder
from mcp_obs._lean.largeness import LARGE_TEXT
from mcp_obs._lean.operation_span import NO_STATE, LightSpan, OperationSpan
from mcp_obs._lean.templates import MOST_UNCOUNTED
from mcp_obs._metrics.categories import ALL
from mcp_obs._metrics.lean_metrics import LeanMetrics
from mcp_obs._privacy.settings import Privacy
from mcp_obs.testing import Point
from mcp_obs.testing._reading import read_points

ENVELOPE = Envelope(Resource({}), "kit", "1")


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


def points(metrics: LeanMetrics) -> list[Point]:
    return list(read_points(ENVELOPE.around(metrics.encode(3))))


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
    assert points(both.metrics) == points(both.of_python)


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
    counts = {point.metric: getattr(point.value, "count", point.value) for point in points(metrics)}
    assert counts["mcp.server.operation.duration"] == 1


@compiled
def test_a_finalizer_that_ends_an_operation_while_another_is_put_waits_for_nothing():
    exporter, known = exporting("http://127.0.0.1:9", LeanMetrics(ALL)), details()
    exporter.put(ADD.span(known))
    exporter.export()
    late: list[OperationSpan] = []

    class Abandoned:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            exporter.put(late.pop())

    before = gc.get_threshold()
    gc.set_threshold(3)
    try:
        for _ in range(3000):
            late.append(ADD.span(known))
            Abandoned()
            exporter.put(ADD.span(known))
    finally:
        gc.set_threshold(*before)
    gc.collect()
    exporter.shutdown(0)
    assert exporter.backlog.taken + exporter.dropped == 6001


@compiled
def test_what_finds_no_room_wakes_nobody(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exporter_module, "TOGETHER", 1)
    exporter, known = exporting("http://127.0.0.1:9"), details()
    monkeypatch.setattr(exporter, "_start", lambda: None)
    exporter.put(ADD.span(known))
    exporter.encode_ended()
    exporter.backlog.spans.extend([b""] * (backlog_module.BATCH_SPANS - 1))
    monkeypatch.setattr(backlog_module, "MOST_BYTES", 1)
    wake: SimpleQueue[None] = SimpleQueue()
    monkeypatch.setattr(exporter, "_wake", wake)
    monkeypatch.setattr(exporter, "_thread", threading.current_thread())
    exporter.put(ADD.span(known))
    assert (wake.empty(), exporter.dropped) == (True, 1)
    monkeypatch.setattr(exporter, "_thread", None)
    exporter.shutdown(0)


@compiled
def test_an_operation_that_is_not_kept_is_counted_and_not_written():
    both = Both()
    both.write(ADD)
    written, by_python = both.write(replace(ADD, weight=0.0))
    assert (written, by_python) == (b"", b"")
    assert points(both.metrics) == points(both.of_python)


@compiled
def test_what_is_like_what_came_before_waits_for_its_fellows_and_not_for_a_thread(
    monkeypatch: pytest.MonkeyPatch,
):
    exporter, known = exporting("http://127.0.0.1:9"), details()
    monkeypatch.setattr(exporter, "_start", lambda: None)
    exporter.put(ADD.span(known))
    exporter.encode_ended()
    written: list[int] = []
    for _ in range(2 * exporter_module.TOGETHER):
        exporter.put(ADD.span(known))
        written.append(len(exporter.backlog) - 1)
    apart = exporter_module.TOGETHER - 1
    assert written == [0] * apart + [apart + 1] * (apart + 1) + [2 * (apart + 1)]
    exporter.shutdown(0)


@compiled
def test_few_that_wait_for_others_are_written_by_the_exporters_thread(monkeypatch: pytest.MonkeyPatch):
    exporter, known = exporting("http://127.0.0.1:9"), details()
    monkeypatch.setattr(exporter, "_start", lambda: None)
    for waiting in (1, 3):
        for _ in range(waiting):
            exporter.put(ADD.span(known))
        exporter.encode_ended()
    assert len(exporter.backlog) == 4
    exporter.shutdown(0)


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
    calls = [ADD, replace(ADD, result=result), replace(ADD, params=result), ADD]
    together = deque[LightSpan]()
    assert [encoder.at_once.keep(call.span(details()), together) for call in calls] == [1, 0, 0, 2]


@compiled
def test_one_that_is_interrupted_while_it_is_written_is_left_to_the_exporters_thread(
    monkeypatch: pytest.MonkeyPatch,
):
    encoder, known, left = SpanEncoder(), details(), deque[LightSpan]()
    assert encoder.at_once is not None
    encoder.encode(ADD.span(known))
    span = ADD.span(known)

    def interrupted(self: HttpOrigin, revision: str | None) -> str | None:
        raise KeyboardInterrupt

    monkeypatch.setattr(HttpOrigin, "session_id", interrupted)
    exporter = exporting("http://127.0.0.1:9")
    with pytest.raises(KeyboardInterrupt):
        encoder.at_once.write_together(deque([span]), exporter.backlog, left)
    assert list(left) == [span]


@compiled
def test_operations_of_many_threads_are_all_written_and_counted():
    metrics, known = LeanMetrics(ALL), details()
    with collecting() as collector:
        exporter = exporting(collector.url, metrics)
        exporter.put(ADD.span(known))
        exporter.export()

        def call() -> None:
            for _ in range(500):
                exporter.put(ADD.span(known))

        threads = [threading.Thread(target=call) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        exporter.shutdown(30)
        assert (len(collector.spans), exporter.dropped) == (4001, 0)
    counts = {point.metric: getattr(point.value, "count", point.value) for point in points(metrics)}
    assert counts["mcp.server.operation.duration"] == 4001


@compiled
def test_a_batch_that_is_full_is_sent_before_its_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exporter_module, "EXPORT_SECONDS", 3600.0)
    known = details()
    with collecting() as collector:
        exporter = exporting(collector.url)
        exporter.put(ADD.span(known))
        exporter.export()
        for _ in range(backlog_module.BATCH_SPANS):
            exporter.put(ADD.span(known))
        collector.wait_for(*["tools/call add"] * (backlog_module.BATCH_SPANS + 1))
        exporter.shutdown(10)


@compiled
def test_what_finds_no_room_is_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exporter_module, "TOGETHER", 1)
    exporter, known = exporting("http://127.0.0.1:9"), details()
    monkeypatch.setattr(exporter, "_start", lambda: None)
    exporter.put(ADD.span(known))
    exporter.encode_ended()
    monkeypatch.setattr(backlog_module, "MOST_BYTES", 1)
    exporter.put(ADD.span(known))
    assert exporter.dropped == 1
    exporter.shutdown(0)


@compiled
def test_one_that_ends_while_its_exporter_does_is_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    exporter, known = exporting("http://127.0.0.1:9"), details()
    monkeypatch.setattr(exporter, "_start", lambda: None)
    exporter.put(ADD.span(known))
    exporter.encode_ended()
    exporter.backlog.forget()
    writer = exporter._at_once  # pyright: ignore[reportPrivateUsage]
    assert writer is not None

    class Meanwhile:
        def keep(self, span: LightSpan, together: deque[LightSpan]) -> int:
            exporter.shutdown(0)
            return writer.keep(span, together)

        def write_together(self, ended: deque[LightSpan], backlog: Backlog, left: deque[LightSpan]) -> int:
            return writer.write_together(ended, backlog, left)

    monkeypatch.setattr(exporter, "_at_once", Meanwhile())
    exporter.put(ADD.span(known))
    figures = {str(dict(each.attributes).get("error.type")): each.value for each in exporter.counts.figures()}
    assert figures["timeout"] == 1


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
    assert points(both.metrics) == points(both.of_python)


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


def test_without_compiled_code_python_writes_everything(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "mcp_obs._lean.compiled", None)
    encoder = SpanEncoder()
    assert encoder.at_once is None
    exporter = exporting("http://127.0.0.1:9")
    monkeypatch.setattr(exporter, "_start", lambda: None)
    for _ in range(2):
        exporter.put(ADD.span(details()))
    assert len(exporter.backlog) == 0
    exporter.encode_ended()
    assert len(exporter.backlog) == 2
    exporter.shutdown(0)


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
