"""mcp 2.x: MCPServer and the low-level Server, by their list of middleware."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, cast

from mcp.server import Server
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS
from opentelemetry.context import attach, detach
from pydantic import BaseModel, ValidationError

from mcp_obs._adapters import findings
from mcp_obs._adapters.http_apps import watch_apps
from mcp_obs._exchange import arrived
from mcp_obs._failure import said_by
from mcp_obs._guard import Guard
from mcp_obs._http import FIRST_SESSIONLESS_REVISION, HttpOrigin, scope_of
from mcp_obs._message import Client, Message
from mcp_obs._operation import Operation, begin, noting_failures

# What JSONRPCDispatcher answers for an exception on a connection of 2025-11-25 and before.
_UNCLASSIFIED = 0

_SESSION = "mcp_obs.session"

_watching = Guard("watching a message of mcp 2.x")


class OperationMiddleware:
    """Wraps every inbound message in an operation."""

    def __init__(self) -> None:
        self._observe = _outbound()

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method == "tools/list" and _is_schema_lookup(ctx):
            return await self.proceed(ctx, call_next)
        origin = None
        try:
            if ctx.request is not None:
                scope = scope_of(ctx.request)
                arrived(scope)
                origin = HttpOrigin(scope)
            self._observe(ctx.session, origin)
        except Exception as error:  # noqa: BLE001  whatever it is, the host goes on
            _watching.swallow(error)
        operation = begin(partial(_message, ctx, origin))
        if operation is None:
            return await call_next(ctx)
        token = attach(operation.context)
        try:
            try:
                result = await self.proceed(ctx, call_next)
            finally:
                detach(token)
        except BaseException as error:
            with _watching:
                _fail(operation, ctx, error)
            raise
        try:
            operation.answer(_wire(result))
            if ctx.method == "initialize":
                _begin_session(operation, ctx)
        except Exception as error:  # noqa: BLE001  whatever it is, the host goes on
            _watching.swallow(error)
        return result

    def proceed(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> Awaitable[HandlerResult]:
        """Run the rest of the chain."""
        return call_next(ctx)


def _outbound() -> Callable[[Any, HttpOrigin | None], None]:
    """What observes the messages to a client."""
    try:
        from mcp_obs._adapters import mcp_v2_outbound  # noqa: PLC0415  the rest works without
    except ImportError as error:
        findings.report("mcp", f"{error.name} ({error.msg})", "what is sent to the client is not recorded")
        return lambda session, origin: None
    mcp_v2_outbound.give_way()
    return mcp_v2_outbound.observe


def instrument(server: Any) -> None:
    """Put our middleware in the place of the library's own, so that there is no second span."""
    middleware: list[Any] = server.middleware
    if any(isinstance(one, OperationMiddleware) for one in middleware):
        return
    native = [
        place for place, one in enumerate(middleware) if type(one).__name__ == "OpenTelemetryMiddleware"
    ]
    if native:
        middleware[native[0]] = OperationMiddleware()
    else:
        findings.report(
            "mcp",
            "OpenTelemetryMiddleware on the server",
            "should it trace in another way, every operation has a second span, mcp's own",
        )
        middleware.insert(0, OperationMiddleware())
    is_low_level = isinstance(server, Server)
    watch_apps(server, makes_none=is_low_level)
    if not is_low_level:
        _notice_exceptions(server)


def _notice_exceptions(server: Any) -> None:
    # MCPServer turns a tool's exception into a result below the middleware; this is the last place to see it.
    call_tool = getattr(server, "call_tool", None)
    if call_tool is None:
        findings.report("mcp", "MCPServer.call_tool", "the exceptions of failed tools are not recorded")
        return

    server.call_tool = noting_failures(call_tool)


def _is_schema_lookup(ctx: ServerRequestContext[Any, Any]) -> bool:
    """Whether a tools/list is the hidden one that the library runs before a modern tools/call of its own accord."""
    # Before, a client may send any header. Since, the library refuses a header that is not the message's method.
    if ctx.request is None or ctx.protocol_version < FIRST_SESSIONLESS_REVISION:
        return False
    with _watching:
        return HttpOrigin(scope_of(ctx.request)).header(b"mcp-method") == "tools/call"
    return False


def _message(ctx: ServerRequestContext[Any, Any], origin: HttpOrigin | None) -> Message:
    # Until initialize is answered the connection has a default that nobody negotiated.
    version = None if ctx.method == "initialize" else ctx.protocol_version
    client = None
    # Since then every message says itself who sends it, and the connection knows no more.
    if version is None or version < FIRST_SESSIONLESS_REVISION:
        known = ctx.session.client_params
        client = Client(known.client_info.name, known.client_info.version) if known else None
    return Message(ctx.method, ctx.params, ctx.request_id, version, client, ctx.request, known_origin=origin)


def _begin_session(operation: Operation, ctx: ServerRequestContext[Any, Any]) -> None:
    connection = ctx.session._connection  # pyright: ignore[reportPrivateUsage]  it says when it ends
    # One that is ready before its handshake serves one request: stateless HTTP.
    if not connection.initialized.is_set() and _SESSION not in connection.state:
        session = operation.begin_session()
        if session is not None:
            connection.state[_SESSION] = session
            connection.exit_stack.callback(session.end)


def _wire(result: HandlerResult) -> Mapping[str, Any] | None:
    if type(result) is dict:
        return result
    # A middleware may answer with a model; below ours only fastmcp's does, for initialize and server/discover.
    if isinstance(result, BaseModel):
        return cast("Mapping[str, Any]", result.model_dump(by_alias=True, mode="json", exclude_none=True))
    return result


def _fail(operation: Operation, ctx: ServerRequestContext[Any, Any], error: BaseException) -> None:
    if ctx.request_id is None or not isinstance(error, Exception):
        operation.fail(error)
    elif isinstance(error, MCPError):
        if isinstance(error.__cause__, Exception):
            operation.note(error.__cause__)
        operation.refuse(error.error.code, error.error.message)
    elif isinstance(error, ValidationError):
        operation.refuse(INVALID_PARAMS, "Invalid request parameters")
    else:
        operation.note(error)
        modern = ctx.protocol_version >= FIRST_SESSIONLESS_REVISION
        operation.refuse(INTERNAL_ERROR if modern else _UNCLASSIFIED, said_by(error))
