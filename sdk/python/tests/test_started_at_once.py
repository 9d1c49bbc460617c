"""Compiled code starts what Python would, to each slot, and leaves to Python what something above has a say in."""

import contextvars
import itertools
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, fields
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import NonRecordingSpan, SpanContext, use_span
from sdk_kit.calls import compiled
from starlette.requests import Request

from mcp_obs import _clock
from mcp_obs._details import Details
from mcp_obs._hosts.told_by import USER, telling
from mcp_obs._lean.operation_span import LightSpan, OperationSpan
from mcp_obs._lean.pipeline import LeanTelemetry
from mcp_obs._lean.tracer import LightTracer
from mcp_obs._message import Message
from mcp_obs._operation import Operation
from mcp_obs._users import UserSettings
from mcp_obs.sampling import Ratio, Sampler

SPAN_SLOTS = [name for kind in (LightSpan, OperationSpan) for name in kind.__slots__]
MESSAGE_SLOTS = [each.name for each in fields(Message)]
TRACEPARENT = "00-0000000000000000000000000000000a-000000000000000b-01"
CLIENT = {"io.modelcontextprotocol/clientInfo": {"name": "kit", "version": "1"}, "progressToken": 1}


def put(span: Any) -> None:
    """Spans of these tests go nowhere."""


@dataclass(frozen=True)
class Arrival:
    """A message, and what it comes into."""

    params: Mapping[str, Any] | None = None
    scope: Mapping[str, Any] | None = None
    is_outbound: bool = False
    within: Callable[[], AbstractContextManager[Any]] = nullcontext
    ambient: Context | None = None
    users: UserSettings = field(default_factory=UserSettings)
    sampler: Sampler | None = None

    def message(self) -> Message:
        request = Request({"type": "http", "headers": [], **self.scope}) if self.scope is not None else None
        return Message("tools/call", self.params, 1, None, None, request, is_outbound=self.is_outbound)

    def operation(self, is_at_once: bool) -> Operation:
        """Begun by compiled code where that takes it, or by Python."""
        seconds, ids = itertools.count(1), itertools.count(1)
        _clock.read(lambda: next(seconds), lambda: float(next(seconds)))
        tracer = LightTracer(put, lambda: next(ids), lambda: next(ids), self.sampler)
        telemetry = LeanTelemetry(tracer, details=Details(users=self.users))
        if not is_at_once:
            telemetry.start_at_once = None
        message = self.message()
        with self.within():
            return Operation(telemetry, message, self.ambient)

    def picture(self, is_at_once: bool) -> list[dict[str, Any]]:
        """What the span and its message are told, and what is current where it is handled."""
        operation = self.operation(is_at_once)
        span, message = operation._span, operation._message  # pyright: ignore[reportPrivateUsage]
        assert isinstance(span, OperationSpan)
        assert span.message is message
        of_span = {name: getattr(span, name) for name in SPAN_SLOTS if name not in {"message", "details"}}
        of_message = {
            name: getattr(message, name) for name in MESSAGE_SLOTS if name not in {"request", "details"}
        }
        assert span.details is message.details
        of_message["above"] = repr(of_message["above"])
        return [of_span, of_message, {name: type(each) for name, each in operation.context.items()}]

    def is_at_once(self) -> bool:
        """Whether compiled code takes it."""
        tracer = LightTracer(put, sampler=self.sampler)
        starter = tracer.starter(Details(users=self.users))
        message = self.message()
        with self.within():
            return self.ambient is None and starter is not None and starter.start(message) is not None


@pytest.fixture(autouse=True)
def _without_a_provider_of_the_hosts(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    yield
    _clock.read_the_system()


def below_a_span() -> AbstractContextManager[Any]:
    return use_span(NonRecordingSpan(SpanContext(7, 8, is_remote=False)))


@contextmanager
def where_the_host_samples_nothing() -> Generator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(trace, "_TRACER_PROVIDER", TracerProvider(sampler=ALWAYS_OFF))
        yield


PLAIN = {
    "alone": Arrival(),
    "with params": Arrival({"name": "add"}),
    "of the newest revision": Arrival({"name": "add", "_meta": CLIENT}),
    "over HTTP": Arrival({"name": "add"}, {"client": ("127.0.0.1", 5)}),
}
UNUSUAL = {
    "with a client's trace": Arrival({"_meta": {"traceparent": TRACEPARENT}}),
    "with a text that may be one": Arrival({"_meta": {"other": "text"}}),
    "with a list for _meta": Arrival({"_meta": []}),
    "to the client": Arrival(is_outbound=True),
    "below a span": Arrival(within=below_a_span),
    "in a context of its own": Arrival(ambient=Context({"a": 1})),
    "of whom the host identifies": Arrival(users=UserSettings(identify=lambda caller: "ada")),
    "of whom a middleware names": Arrival(scope={USER: lambda: "ada"}),
    "of whom a WSGI middleware names": Arrival(scope={"wsgi_environ": {USER: lambda: "ada"}}),
    "of whom the context names": Arrival(within=lambda: telling(lambda: "ada")),
    "where the host's provider samples": Arrival(within=where_the_host_samples_nothing),
    "where a sampler decides": Arrival(sampler=Ratio(0.5)),
}


@compiled
@pytest.mark.parametrize("arrival", PLAIN.values(), ids=PLAIN)
def test_an_operation_that_nothing_is_above_of_is_started_at_once(arrival: Arrival):
    # Nothing is left there of what other tests have made current.
    empty = contextvars.Context()
    assert empty.run(arrival.is_at_once)
    assert empty.run(arrival.picture, is_at_once=True) == empty.run(arrival.picture, is_at_once=False)


@compiled
@pytest.mark.parametrize("arrival", UNUSUAL.values(), ids=UNUSUAL)
def test_an_operation_that_something_has_a_say_in_is_started_by_python(arrival: Arrival):
    assert not arrival.is_at_once()
    assert arrival.picture(is_at_once=True) == arrival.picture(is_at_once=False)


@compiled
def test_no_two_operations_share_what_is_set_on_them():
    telemetry = LeanTelemetry(LightTracer(put))
    messages = [Message("ping", None, number, None, None, None) for number in range(2)]
    spans = [Operation(telemetry, message, None)._span for message in messages]  # pyright: ignore[reportPrivateUsage]
    spans[0].set_attribute("rows", 3)
    spans[0].add_event("seen")
    assert isinstance(spans[0], OperationSpan)
    assert isinstance(spans[1], OperationSpan)
    assert (spans[0].attributes, spans[1].attributes, spans[1].events) == ({"rows": 3}, None, None)
    assert spans[0].ids[:2] != spans[1].ids[:2]
    spans[0].let_go()
    assert spans[1].message is messages[1]


@compiled
def test_nothing_is_held_of_an_operation_that_was_started():
    starter = LightTracer(put).starter(Details())
    assert starter is not None
    message = Message("ping", None, 1, None, None, None)
    empty = contextvars.Context()
    assert empty.run(starter.start, message) is not None
    before = sys.getrefcount(message), sys.getrefcount(message.details), sys.getrefcount(message.above)
    for _ in range(100):
        empty.run(starter.start, message)
    assert (
        sys.getrefcount(message),
        sys.getrefcount(message.details),
        sys.getrefcount(message.above),
    ) == before
