"""mcp 1.x, high level and low level."""
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false, reportCallIssue=false

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, get_args

import anyio
from mcp import ClientSession, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.server.fastmcp import Context, FastMCP
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.memory import create_connected_server_and_client_session
from pydantic import AnyUrl
from starlette.applications import Starlette
from starlette.routing import Route

from .asking import ASKING, SCHEMA, AskingLine, Asks, Hesitation, by, keep_traceparent, tools_of
from .lines import stdio_command
from .lines_v1 import LINE, PATH, http_streams

CAN_ELICIT = hasattr(types, "ElicitRequest")  # since 1.10


ROOTS = (types.ServerRequest(types.ListRootsRequest(method="roots/list")), types.ListRootsResult)
HI = types.SamplingMessage(role="user", content=types.TextContent(type="text", text="Hi"))
ASKS = {
    "roots": by("list_roots"),
    "sampling": by("create_message", [HI], max_tokens=9),
    "ping": by("send_ping"),
    "impatient": by("send_request", *ROOTS, request_read_timeout_seconds=timedelta(seconds=0.05)),
    "log": by("send_log_message", "warning", "a secret"),
    "updated": by("send_resource_updated", AnyUrl("memo://today")),
    "tools": by("send_tool_list_changed"),
    "resources": by("send_resource_list_changed"),
    "prompts": by("send_prompt_list_changed"),
}
if CAN_ELICIT:
    ASKS["elicitation"] = by("elicit", "Sure?", SCHEMA)
MODERN_ASKS = ASKS


def _notification(kind: Any, params: Any = None) -> Any:
    (method,) = get_args(kind.model_fields["method"].annotation)
    return types.ClientNotification(kind(method=method, params=params))


TELLS = {
    "notifications/roots/list_changed": _notification(types.RootsListChangedNotification),
    "notifications/progress": _notification(
        types.ProgressNotification, types.ProgressNotificationParams(progressToken="none", progress=1)
    ),
    "notifications/cancelled": _notification(
        types.CancelledNotification, types.CancelledNotificationParams(requestId="none")
    ),
}


def build() -> Any:
    """A FastMCP."""
    server = FastMCP("kit")
    add_tools(server, ASKS)
    return server


def add_tools(server: Any, asks: Asks) -> None:
    """Give a FastMCP the tools."""
    for tool in tools_of(asks, Context):
        server.add_tool(tool)


def build_low_level() -> Any:
    """A low-level server."""
    server: Any = Server("kit")

    async def report_progress(progress: float, total: float) -> None:
        meta = server.request_context.meta
        if meta and meta.progressToken is not None:
            await server.request_context.session.send_progress_notification(
                meta.progressToken, progress, total
            )

    tools = {tool.__name__: tool for tool in tools_of(ASKS, Any)}

    @server.list_tools()
    async def list_tools() -> list[types.Tool]:
        return [types.Tool(name=name, inputSchema={"type": "object"}) for name in tools]

    @server.call_tool()
    async def call_tool(name: str, arguments: dict[str, Any]) -> list[types.TextContent]:
        session = server.request_context.session
        ctx = SimpleNamespace(session=session, report_progress=report_progress)
        return [types.TextContent(type="text", text=await tools[name](**arguments, ctx=ctx))]

    return server


async def sample(context: Any, params: Any) -> Any:
    content = types.TextContent(type="text", text="Hello")
    return types.CreateMessageResult(role="assistant", content=content, model="kit")


async def elicit(context: Any, params: Any) -> Any:
    return types.ElicitResult(action="accept", content={"sure": True})


def callbacks(*, dumb: bool, hesitation: Hesitation | None) -> dict[str, Any]:
    """How a client answers."""

    async def list_roots(context: Any) -> types.ListRootsResult:
        keep_traceparent(context)
        if hesitation is not None:
            hesitation.asked.set()
            await hesitation.released.wait()
        return types.ListRootsResult(roots=[])

    if dumb:
        return {}
    answers: dict[str, Any] = {"sampling_callback": sample, "list_roots_callback": list_roots}
    return answers | ({"elicitation_callback": elicit} if CAN_ELICIT else {})


@asynccontextmanager
async def in_memory(
    server: Any, *, dumb: bool = False, hesitation: Hesitation | None = None
) -> AsyncGenerator[Any]:
    """A client in memory."""
    answers = callbacks(dumb=dumb, hesitation=hesitation)
    lowlevel = getattr(server, "_mcp_server", server)
    async with create_connected_server_and_client_session(lowlevel, **answers) as session:
        yield session


@asynccontextmanager
async def over_http(url: str) -> AsyncGenerator[Any]:
    """A client over streamable HTTP."""
    answers = callbacks(dumb=False, hesitation=None)
    async with (
        http_streams(f"{url}{PATH}", {}) as streams,
        ClientSession(*streams[:2], **answers) as session,
    ):
        await session.initialize()
        yield session


@asynccontextmanager
async def over_stdio(line: str, environment: dict[str, str]) -> AsyncGenerator[Any]:
    """A client of a process that serves this line."""
    answers = callbacks(dumb=False, hesitation=None)
    command, *arguments = stdio_command(line, ASKING)
    parameters = StdioServerParameters(command=command, args=arguments, env=environment)
    async with stdio_client(parameters) as streams, ClientSession(*streams, **answers) as session:
        await session.initialize()
        yield session


class Endpoint:
    """What a host builds around a low-level server to serve it over HTTP."""

    def __init__(self, server: Any) -> None:
        self.manager = StreamableHTTPSessionManager(server)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.manager.handle_request(scope, receive, send)


def low_level_app(server: Any) -> Any:
    """Serves over streamable HTTP."""
    endpoint = Endpoint(server)
    return Starlette(routes=[Route(PATH, endpoint)], lifespan=lambda _: endpoint.manager.run())


def run_low_level(server: Any) -> None:
    """Serve on stdin and stdout."""

    async def run() -> None:
        async with stdio_server() as streams:
            await server.run(*streams, server.create_initialization_options())

    anyio.run(run)


def asking_line(name: str, build_it: Any, app: Any, run_stdio: Any) -> AskingLine:
    """A line that speaks the newest revision of the protocol that the library knows."""
    version = types.LATEST_PROTOCOL_VERSION
    over = {"over_http": over_http, "over_stdio": partial(over_stdio, name)}
    return AskingLine(name, version, build_it, in_memory, ASKS, TELLS, app=app, run_stdio=run_stdio, **over)


LINES = [
    asking_line("mcp 1.x", build, LINE.app, LINE.run_stdio),
    asking_line("mcp 1.x, low level", build_low_level, low_level_app, run_low_level),
]
