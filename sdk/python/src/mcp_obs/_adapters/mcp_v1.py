"""mcp 1.x: FastMCP and the low-level Server, by the streams that Server.run is given.

The streams carry every message as on the wire, so initialize, refused parameters and cancellation are seen
too. Nothing of mcp is imported: the same names hold in 1.9 to 1.30.
"""

import sys
from contextvars import ContextVar
from functools import wraps
from types import TracebackType
from typing import Any, Self

from opentelemetry import propagate
from opentelemetry.context import Context

from mcp_obs._adapters import findings
from mcp_obs._adapters.http_apps import watch_apps
from mcp_obs._exchange import arrived
from mcp_obs._guard import Guard
from mcp_obs._http import HttpOrigin, scope_of
from mcp_obs._message import Client, Message, client_of, mapping_or_empty
from mcp_obs._metrics.sessions import McpSession
from mcp_obs._operation import Operation, begin, current_operation, note_failure, noting_failures
from mcp_obs._outbound import as_on_the_wire, observed_notification, observed_request

_watching = Guard("watching a message")
_MARK = "_mcp_obs_instrumented"


class Connection:
    """The operations under way on one connection, and what it knows about its client."""

    def __init__(self, *, is_stateless: bool = False) -> None:
        self._is_stateless = is_stateless
        self._session: McpSession | None = None
        self._operations: dict[str | int, Operation] = {}
        self._notification: Operation | None = None
        self._client: Client | None = None
        self._protocol_version: str | None = None
        self._latest_request: Any = None

    def operation(self, request_id: str | int) -> Operation | None:
        """The operation of a request that is not answered yet."""
        return self._operations.get(request_id)

    def received(self, item: Any) -> None:
        """A message has come from the client."""
        with _watching:
            message: Any = getattr(getattr(item, "message", None), "root", None)
            if not hasattr(message, "method"):
                return
            method: str = message.method
            request_id = getattr(message, "id", None)
            request = getattr(item.metadata, "request_context", None)
            origin = None
            if request is not None:
                scope = scope_of(request)
                arrived(scope)
                origin = HttpOrigin(scope)
                self._latest_request = request
            described = self._describe(method, message.params, request_id, request, origin)
            operation = begin(lambda: described, _ambient(request, origin))
            if request_id is None:
                self._notification = operation
                if method == "notifications/cancelled":
                    self._cancel(mapping_or_empty(message.params).get("requestId"))
            elif operation is not None:
                # A client that uses an id again before its answer cannot tell the two answers apart.
                self._cancel(request_id)
                self._operations[request_id] = operation

    def outbound(self, method: str, params: Any = None) -> Message:
        """A message of the server's own accord."""
        around = current_operation()
        # One that is over holds its request no more.
        request = (around.request if around is not None else None) or self._latest_request
        return Message(method, params, None, self._protocol_version, None, request, is_outbound=True)

    def delivers(self, item: Any) -> bool:
        """Whether a notification is sent at all: stateless HTTP has no stream but that of a request's answer."""
        related = getattr(getattr(item, "metadata", None), "related_request_id", None)
        return related is not None or not self._is_stateless or self._latest_request is None

    def sent(self, message: Any) -> None:
        """A request or an answer is about to go to the client."""
        with _watching:
            if hasattr(message, "method"):
                identify(message)
                return
            operation = self._operations.pop(message.id, None)
            if operation is None:
                return
            error = getattr(message, "error", None)
            if error is not None:
                operation.refuse(error.code, error.message)
                return
            if self._protocol_version is None and isinstance(message.result.get("protocolVersion"), str):
                self._protocol_version = message.result["protocolVersion"]
            operation.answer(message.result)
            if self._session is None and not self._is_stateless:
                self._session = operation.begin_session()

    def idle(self) -> None:
        """The server asks for the next message, so it has taken the last notification."""
        if self._notification is not None:
            self._notification.answer(None)
            self._notification = None

    def close(self) -> None:
        """The connection is gone, and nobody waits for the answers that are missing."""
        self.idle()
        for request_id in list(self._operations):
            self._cancel(request_id)
        if self._session is not None:
            self._session.end()

    def _cancel(self, request_id: Any) -> None:
        operation = self._operations.pop(request_id, None) if isinstance(request_id, str | int) else None
        if operation is not None:
            operation.cancel()

    def _describe(
        self, method: str, params: Any, request_id: str | int | None, request: Any, origin: HttpOrigin | None
    ) -> Message:
        stated_version = origin.header(b"mcp-protocol-version") if origin is not None else None
        version = self._protocol_version or stated_version
        message = Message(method, params, request_id, version, self._client, request, known_origin=origin)
        if method == "initialize":
            stated = client_of(method, params or {})
            self._client = Client(*stated) if stated is not None else None
            message.protocol_version = None
        return message


_connection: ContextVar[Connection | None] = ContextVar("mcp_obs_connection", default=None)


def _ambient(request: Any, origin: HttpOrigin | None) -> Context | None:
    """On a stateful HTTP session the context is for ever that of the session's first request."""
    if origin is None or origin.header(b"mcp-session-id") is None:
        return None
    return propagate.extract(request.headers, Context())


def identify(message: Any) -> None:
    """Give a request to the client its id, and the trace that it belongs to (SEP-414), as mcp 2.x does itself."""
    operation = current_operation()
    if operation is not None and operation.sent_as(message.id):
        carrier = dict[str, str]()
        propagate.inject(carrier)
        if carrier:
            params = dict(message.params or {})
            params["_meta"] = {**mapping_or_empty(params.get("_meta")), **carrier}
            message.params = params


class _ObservedStream:
    """A stream of the server's that reports what passes; everything else it leaves to the stream."""

    def __init__(self, stream: Any, connection: Connection) -> None:
        self._stream = stream
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Any:
        return await self._stream.__aexit__(kind, error, traceback)


class ObservedReads(_ObservedStream):
    """What a server reads from."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        self._connection.idle()
        item = await self._stream.__anext__()
        self._connection.received(item)
        return item


class ObservedWrites(_ObservedStream):
    """What a server writes to."""

    async def send(self, item: Any) -> None:
        """Send one message."""
        message: Any = getattr(getattr(item, "message", None), "root", None)
        if hasattr(message, "method") and not hasattr(message, "id"):
            if not self._connection.delivers(item):
                await self._stream.send(item)
                return
            with observed_notification(lambda: self._connection.outbound(message.method, message.params)):
                await self._stream.send(item)
        else:
            self._connection.sent(message)
            await self._stream.send(item)


def instrument(server: Any) -> None:
    """Observe every connection of the low-level server."""
    lowlevel = getattr(server, "_mcp_server", server)
    if hasattr(lowlevel, _MARK):
        return
    _observe_streams(lowlevel)
    _make_operations_current(lowlevel)
    _notice_exceptions(server, lowlevel)
    watch_apps(server, makes_none=lowlevel is server)
    setattr(lowlevel, _MARK, True)


def _observe_streams(lowlevel: Any) -> None:
    run = lowlevel.run

    @wraps(run)
    async def observed(read_stream: Any, write_stream: Any, *args: Any, **kwargs: Any) -> Any:
        connection = Connection(is_stateless=kwargs.get("stateless") is True)
        token = _connection.set(connection)
        try:
            reads, writes = ObservedReads(read_stream, connection), ObservedWrites(write_stream, connection)
            return await run(reads, writes, *args, **kwargs)
        finally:
            connection.close()
            _connection.reset(token)

    lowlevel.run = observed


def _make_operations_current(lowlevel: Any) -> None:
    handle = getattr(lowlevel, "_handle_request", None)
    if handle is None:
        findings.report(
            "mcp", "Server._handle_request", "spans made inside tools are no part of the call's trace"
        )
        return

    @wraps(handle)
    async def current(message: Any, request: Any, session: Any, *args: Any, **kwargs: Any) -> Any:
        connection = _connection.get()
        operation = None
        if connection is not None:
            with _watching:
                _observe_session(session, connection)
                operation = connection.operation(message.request_id)
        if operation is None:
            return await handle(message, request, session, *args, **kwargs)
        with operation.current():
            return await handle(message, request, session, *args, **kwargs)

    lowlevel._handle_request = current


def _observe_session(session: Any, connection: Connection) -> None:
    """Record the requests to the client as operations; a connection has one session."""
    if hasattr(session, _MARK):
        return
    setattr(session, _MARK, True)
    send = getattr(session, "send_request", None)
    if send is None:
        findings.report("mcp", "ServerSession.send_request", "requests to the client are not recorded")
        return

    @wraps(send)
    async def observed(request: Any, *args: Any, **kwargs: Any) -> Any:
        return await observed_request(
            lambda: connection.outbound(request.root.method, as_on_the_wire(request.root.params)),
            lambda: send(request, *args, **kwargs),
        )

    session.send_request = observed


def _notice_exceptions(server: Any, lowlevel: Any) -> None:
    make = getattr(lowlevel, "_make_error_result", None)
    if make is None:
        _notice_exceptions_of_the_tool_manager(server)
        return

    @wraps(make)
    def noticing(*args: Any, **kwargs: Any) -> Any:
        # Called where a tool's exception is being handled, or for refused arguments without one.
        error = sys.exception()
        if isinstance(error, Exception):
            note_failure(error)
        return make(*args, **kwargs)

    lowlevel._make_error_result = noticing


def _notice_exceptions_of_the_tool_manager(server: Any) -> None:
    """In 1.9 the low-level server makes a result of an exception where nobody can see it."""
    manager = getattr(server, "_tool_manager", None)
    call_tool = getattr(manager, "call_tool", None)
    if manager is None or call_tool is None:
        findings.report("mcp", "Server._make_error_result", "the exceptions of failed tools are not recorded")
        return

    manager.call_tool = noting_failures(call_tool)
