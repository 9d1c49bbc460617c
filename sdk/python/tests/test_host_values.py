"""What a host sets on a span and is wrong costs itself: neither the span, nor the tool that sets it."""

import time
from collections.abc import Callable, Iterator
from operator import methodcaller
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import INVALID_SPAN_CONTEXT, Link, SpanContext, SpanKind, Status, StatusCode
from sdk_kit.recording import Recording

from mcp_obs import _telemetry
from mcp_obs._message import Message
from mcp_obs._operation import begin

LINKED = SpanContext(0xABCD, 0xEF, is_remote=True)
NOTHING: dict[str, Any] = {}
KEY_ERROR = {"exception.type": "KeyError", "exception.message": "'a'"}

# Of what no type checker would let pass.
Act = Callable[[Any], object]


class Speechless:
    """Can't be said."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class Exiting:
    """Ends who says it, as `sys.exit()` does."""

    def __init__(self, error: type[BaseException] = SystemExit) -> None:
        self._error = error

    def __str__(self) -> str:
        raise self._error

    def __int__(self) -> int:
        raise self._error


class Unreadable(dict[str, Any]):
    """Can't be copied."""

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no keys")

    def keys(self) -> Any:
        raise RuntimeError("no keys")


def _nothing(span: object) -> None:
    pass


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch):
    """The lean way, with our failures swallowed."""
    monkeypatch.delenv("MCP_OBS_STRICT")
    with Recording() as recording:
        yield recording


def operation_span(production: Recording, act: Act) -> ReadableSpan:
    """That of an operation while which a host does that."""
    operation = begin(lambda: Message("ping", None, 1, None, None, None))
    assert operation is not None
    with operation.current():
        act(trace.get_current_span())
    operation.answer({})
    return production.log.spans[-1]


def own_span(
    production: Recording, act: Act = _nothing, name: Any = "SELECT", end: Any = None, **given: Any
) -> ReadableSpan:
    """One of a host's own."""
    telemetry = _telemetry.current()
    assert telemetry is not None
    span = telemetry.tracer.start_span(name, **given)
    act(span)
    span.end(end)
    return production.log.spans[-1]


@pytest.mark.behaviour("export.unencodable-costs-itself")
@pytest.mark.parametrize(
    ("act", "events"),
    [
        (methodcaller("add_event", "e", {1: "a"}), [("e", {"1": "a"})]),
        (methodcaller("add_event", "e", {"": "a", "b": 1}), [("e", {"b": 1})]),
        (methodcaller("add_event", "e", {"a": Speechless(), "b": 1}), [("e", {"b": 1})]),
        (methodcaller("add_event", "e", {"a": Unreadable(), "b": 1}), [("e", {"b": 1})]),
        (methodcaller("add_event", "e", {Speechless(): 1, "b": 1}), [("e", {"b": 1})]),
        (methodcaller("add_event", "e", 5), [("e", NOTHING)]),
        (methodcaller("add_event", None, {"b": 1}), [("", {"b": 1})]),
        (methodcaller("add_event", 5), [("5", NOTHING)]),
        (methodcaller("add_event", Speechless()), [("", NOTHING)]),
        (methodcaller("add_event", Exiting()), [("", NOTHING)]),
        (methodcaller("add_event", "e", {"a": Exiting(), Exiting(): 1, "b": 1}), [("e", {"b": 1})]),
        (methodcaller("record_exception", KeyError("a"), {1: 2}), [("exception", {**KEY_ERROR, "1": 2})]),
        (methodcaller("record_exception", KeyError("a"), 5), [("exception", KEY_ERROR)]),
    ],
)
def test_an_event_keeps_what_is_right_of_it(act: Act, events: object, production: Recording):
    span = operation_span(production, act)
    assert [(event.name, event.attributes) for event in span.events] == events


@pytest.mark.behaviour("export.unencodable-costs-itself")
@pytest.mark.parametrize(
    ("act", "links"),
    [
        (methodcaller("add_link", None), []),
        (methodcaller("add_link", "abcd"), []),
        (methodcaller("add_link", INVALID_SPAN_CONTEXT), []),
        (methodcaller("add_link", SpanContext(1 << 200, 1, is_remote=True), {"a": 1}), []),
        (methodcaller("add_link", LINKED, {1: 2, "a": Speechless()}), [{"1": 2}]),
        (methodcaller("add_link", LINKED, {1: 2, "a": Exiting()}), [{"1": 2}]),
        (methodcaller("add_link", LINKED, 5), [NOTHING]),
    ],
)
def test_a_link_that_leads_somewhere_keeps_what_is_right_of_it(
    act: Act, links: list[object], production: Recording
):
    def link(span: Any) -> None:
        act(span)
        span.add_link(LINKED, {"why": "batch"})

    span = operation_span(production, link)
    assert [link.attributes for link in span.links] == [*links, {"why": "batch"}]


@pytest.mark.behaviour("export.unencodable-costs-itself")
@pytest.mark.parametrize(
    ("act", "attributes"),
    [
        (methodcaller("set_attribute", [1], "a"), {"[1]": "a"}),
        (methodcaller("set_attribute", 1, "a"), {"1": "a"}),
        (methodcaller("set_attribute", "", "a"), {}),
        (methodcaller("set_attribute", None, "a"), {}),
        (methodcaller("set_attribute", Speechless(), "a"), {}),
        (methodcaller("set_attribute", Exiting(), "a"), {}),
        (methodcaller("set_attributes", {"a": Exiting(), "b": 1}), {"b": 1}),
        (methodcaller("set_attributes", {"a": Unreadable(), "b": 1}), {"b": 1}),
        (methodcaller("set_attributes", {1: "a", "1": "b"}), {"1": "b"}),
        (methodcaller("set_attributes", 5), {}),
    ],
)
def test_what_is_right_of_attributes_is_kept(act: Act, attributes: object, production: Recording):
    span = operation_span(production, act)
    # All that the conventions say have a dot.
    assert {name: value for name, value in (span.attributes or {}).items() if "." not in name} == attributes


@pytest.mark.behaviour("export.unencodable-costs-itself")
@pytest.mark.parametrize(
    ("name", "called"),
    [(5, ["5", "5"]), (None, ["", "ping"]), (Speechless(), ["", "ping"]), (Exiting(), ["", "ping"])],
)
def test_a_name_that_is_no_text_becomes_one_or_none(name: Any, called: object, production: Recording):
    own_span(production, name=name)
    operation_span(production, methodcaller("update_name", name))
    assert production.names == called


@pytest.mark.behaviour("export.unencodable-costs-itself")
@pytest.mark.parametrize("wrong", [float("nan"), -5, 1 << 64, "now", Speechless(), Exiting()])
def test_what_is_no_time_is_now(wrong: Any, production: Recording):
    times: list[Any] = [time.time_ns()]
    span = own_span(production, methodcaller("add_event", "e", timestamp=wrong), end=wrong, start_time=wrong)
    times += [span.start_time, span.events[0].timestamp, span.end_time, time.time_ns()]
    assert times == sorted(times)


@pytest.mark.behaviour("export.unencodable-costs-itself")
def test_a_time_loses_the_fraction_of_a_nanosecond(production: Recording):
    span = own_span(production, methodcaller("add_event", "e", timestamp=6.5), end=7.5, start_time=5.5)
    assert (span.start_time, span.events[0].timestamp, span.end_time) == (5, 6, 7)


@pytest.mark.behaviour("export.unencodable-costs-itself")
@pytest.mark.parametrize("wrong", ["error", None, 5, Status("error")])  # pyright: ignore[reportArgumentType]
def test_what_is_no_status_says_nothing(wrong: Any, production: Recording):
    def end(span: Any) -> None:
        span.set_status(StatusCode.ERROR, "half of it")
        span.set_status(wrong)

    status = operation_span(production, end).status
    assert (status.status_code, status.description) == (StatusCode.ERROR, "half of it")


@pytest.mark.behaviour("export.unencodable-costs-itself")
@pytest.mark.parametrize(
    "wrong", [{"kind": None}, {"links": 5}, {"links": [None, 5]}, {"attributes": 5}, {"attributes": {"": 1}}]
)
def test_a_span_is_started_without_what_is_wrong(wrong: Any, production: Recording):
    span = own_span(production, **wrong)
    assert (span.name, span.kind, span.attributes, span.links) == ("SELECT", SpanKind.INTERNAL, {}, ())


@pytest.mark.behaviour("export.unencodable-costs-itself")
def test_a_link_that_a_span_is_started_with_is_kept_beside_one_that_is_none(production: Recording):
    wrong: Any = [None, Link(LINKED, {1: 2})]  # pyright: ignore[reportArgumentType]
    (link,) = own_span(production, links=wrong).links
    assert (link.context.span_id, link.attributes) == (LINKED.span_id, {"1": 2})


@pytest.mark.behaviour("export.unencodable-costs-itself")
def test_a_host_that_is_interrupted_while_it_sets_something_ends(production: Recording):
    with pytest.raises(KeyboardInterrupt):
        operation_span(production, methodcaller("update_name", Exiting(KeyboardInterrupt)))
