"""One MCP operation: one span and, when it is over, one duration record."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation import (
    _SPAN_KEY,  # pyright: ignore[reportPrivateUsage]  set_value copies a context, for each value anew
)

from mcp_obs import _clock, _ending, _telemetry, semconv
from mcp_obs._ending import Ending
from mcp_obs._failure import Failure, failure_of
from mcp_obs._guard import Guard
from mcp_obs._message import Message
from mcp_obs._metrics.operations import bounded, record_request
from mcp_obs._metrics.sessions import McpSession
from mcp_obs._metrics.targets import LISTS, targets
from mcp_obs._parent import parent_of
from mcp_obs._telemetry import Telemetry

_OPERATION = otel_context.create_key("mcp_obs_operation")
_NOWHERE = Context()
_CLIENT, _SERVER = SpanKind.CLIENT, SpanKind.SERVER
# A tool may report progress ten thousand times; its host needs room for events of its own (SpanLimits has 128).
MOST_TOLD = 32

_starting = Guard("starting a span")
_ending_one = Guard("ending a span")
_beginning = Guard("beginning a session")
_naming = Guard("naming a session")
_noting = Guard("noting a tool's exception")


class Operation:
    """An operation under way."""

    __slots__ = ("_failure", "_is_over", "_message", "_span", "_started", "_telemetry", "context", "request")

    def __init__(self, telemetry: Telemetry, message: Message, ambient: Context | None) -> None:
        self._telemetry = telemetry
        self._message = message
        self._failure: Failure | None = None
        self._is_over = False
        self.request = message.request
        """The Starlette request below its message; None on stdio and in memory."""
        start_at_once = telemetry.start_at_once
        span = start_at_once(message) if start_at_once is not None and ambient is None else None
        self._span = _started(telemetry, message, ambient) if span is None else span
        self.context = Context({**(message.above or {}), _SPAN_KEY: self._span, _OPERATION: self})
        """What handles the message belongs into it: the operation is the current one there, and its span.

        Not for longer: the context holds the operation too, so only the garbage collector could free them.
        """
        self._started = _clock.perf_counter()

    def current(self) -> AbstractContextManager[None]:
        """Make it the current operation, and its span the current span, of what handles it."""
        return _Current(self.context)

    def sent_as(self, request_id: str | int) -> bool:
        """A request to the client is about to be sent under this id; False for what is none, or was sent before."""
        if not self._message.is_outbound or self._message.request_id is not None:
            return False
        self._message.request_id = request_id
        self._span.set_attribute(semconv.JSONRPC_REQUEST_ID, str(request_id))
        return True

    def tell(self, describe: Callable[[], Message]) -> bool:
        """The client was told something while this was under way; False when it is not any more."""
        if self._is_over:
            return False
        self._message.told += 1
        if self._message.told <= MOST_TOLD:
            told = describe()
            attributes = told.event_attributes()
            if semconv.MCP_RESOURCE_URI in attributes:
                attributes[semconv.MCP_RESOURCE_URI] = self._text(attributes[semconv.MCP_RESOURCE_URI])
            self._span.add_event(told.method, attributes)
        return True

    def name_session(self, session_id: str) -> None:
        """Count the operation into this session."""
        self._message.session = session_id

    def note(self, error: Exception) -> None:
        """Keep what a handler raised, before the library turns it into a result."""
        self._failure = failure_of(error)

    def answer(self, result: Mapping[str, Any] | None) -> None:
        """End with a result as on the wire; a notification ends with None."""
        try:
            message = self._message
            method = message.method
            if result is not None and message.request_id is not None:
                self._telemetry.answered(self._span, message, result)
                if method in LISTS and self._telemetry.metrics.categories:
                    targets.listed(method, result)
            if method == "initialize" and isinstance((result or {}).get("protocolVersion"), str):
                message.negotiated = (result or {})["protocolVersion"]
            self._end(_ending.of_result(method, result or {}))
        except Exception as error:  # noqa: BLE001  whatever it is, the host goes on
            _ending_one.swallow(error)

    def begin_session(self) -> McpSession | None:
        """The session that an answered `initialize` has begun; None for every other operation."""
        with _beginning:
            negotiated = self._message.negotiated
            if negotiated is not None:
                attributes = {**self._message.attributes(), semconv.MCP_PROTOCOL_VERSION: negotiated}
                return McpSession(self._telemetry.metrics, bounded(attributes))
        return None

    def refuse(self, code: int, message: str) -> None:
        """End with a JSON-RPC error as on the wire."""
        with _ending_one:
            self._end(_ending.of_code(code, message))

    def fail(self, error: BaseException) -> None:
        """End without an answer, because of `error`."""
        with _ending_one:
            of = _ending.of_unanswered if self._message.is_outbound else _ending.of_exception
            self._end(of(error))

    def cancel(self) -> None:
        """End because nobody waits for the answer any more."""
        with _ending_one:
            self._end(_ending.CANCELLED)

    def _end(self, ending: Ending) -> None:
        seconds = _clock.perf_counter() - self._started
        self._is_over = True
        context, self.context, self.request = self.context, _NOWHERE, None
        telemetry, message, span = self._telemetry, self._message, self._span
        try:
            if ending.outcome == semconv.OUTCOME_ERROR:
                self._describe_failure(ending)
            telemetry.ended(span, seconds, message, ending, context)
            if message.is_outbound:
                said = {**message.attributes(), **telemetry.details.of_end(message, ending)}
                record_request(telemetry.metrics, seconds, said, context)
        finally:
            span.end()

    def _describe_failure(self, ending: Ending) -> None:
        failure = self._failure
        description = ending.description or (failure.message if failure is not None else None)
        self._span.set_status(StatusCode.ERROR, self._text(description) if description else None)
        if failure is not None:
            told = failure._replace(message=self._text(failure.message))
            self._span.add_event("exception", told.event_attributes())

    def _text(self, text: str) -> str:
        return self._telemetry.details.text(self._message, text)


def _started(telemetry: Telemetry, message: Message, ambient: Context | None) -> Span:
    """The span of an operation that begins, and what its message has to know of that."""
    details = message.details = telemetry.details
    parent = parent_of(message.meta, ambient)
    message.above, message.received_ns = parent.context, _clock.time_ns()
    around = parent.context.get(_OPERATION)
    if isinstance(around, Operation):
        message.enclosing = around._message  # pyright: ignore[reportPrivateUsage]
    else:
        details.users.notice(message)
    return telemetry.start(message, parent, _CLIENT if message.is_outbound else _SERVER)


class _Current:
    """A context made the current one; a generator's costs twice as much."""

    __slots__ = ("_context", "_token")

    def __init__(self, context: Context) -> None:
        self._context = context

    def __enter__(self) -> None:
        self._token = otel_context.attach(self._context)

    def __exit__(self, *_: object) -> None:
        otel_context.detach(self._token)


def begin(describe: Callable[[], Message], ambient: Context | None = None) -> Operation | None:
    """Start an operation, or None when telemetry is off or fails."""
    try:
        telemetry = _telemetry.current()
        return Operation(telemetry, describe(), ambient) if telemetry is not None else None
    except Exception as error:  # noqa: BLE001  whatever it is, the host goes on
        _starting.swallow(error)
        return None


def note_failure(error: Exception) -> None:
    """Tell the current operation what its handler raised."""
    with _noting:
        operation = current_operation()
        if operation is not None:
            operation.note(error)


def noting_failures(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The same handler, with what it raises told to the current operation."""

    @wraps(handler)
    async def noting(*args: Any, **kwargs: Any) -> Any:
        try:
            return await handler(*args, **kwargs)
        except Exception as error:
            note_failure(error)
            raise

    return noting


def current_operation() -> Operation | None:
    """The operation that the running code is part of."""
    operation = otel_context.get_value(_OPERATION)
    return operation if isinstance(operation, Operation) else None


def set_session(session_id: str) -> None:
    """Say which session the current operation belongs to; called in the handler of a tool, prompt or resource.

    It comes before everything that mcp-obs finds out by itself. Outside of an operation it does nothing.
    """
    with _naming:
        if not isinstance(session_id, str):  # pyright: ignore[reportUnnecessaryIsInstance]  a host may not check types
            raise TypeError(f"a session's id is a text, and not {type(session_id).__qualname__}")
        operation = current_operation()
        if operation is not None and session_id:
            operation.name_session(session_id)
