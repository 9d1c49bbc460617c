"""mcp 2.x in both protocol eras."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any

import anyio
import mcp_types as types
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer, Server
from mcp.server.mcpserver import Context
from mcp.server.stdio import stdio_server

from .asking import ASKING, SCHEMA, AskingLine, Asks, Hesitation, by, keep_traceparent, tools_of
from .lines import stdio_command

ROOTS = (types.ListRootsRequest(), types.ListRootsResult)
ASKS: Asks = {
    "roots": by("send_request", *ROOTS),
    "sampling": by(
        "send_request",
        types.CreateMessageRequest(
            params=types.CreateMessageRequestParams(
                messages=[types.SamplingMessage(role="user", content=types.TextContent(text="Hi"))],
                max_tokens=9,
            )
        ),
        types.CreateMessageResult,
    ),
    "elicitation": by("elicit_form", "Sure?", SCHEMA),
    "ping": by("send_ping"),
    "impatient": by("send_request", *ROOTS, request_read_timeout_seconds=0.05),
    "log": by(
        "send_notification",
        types.LoggingMessageNotification(
            params=types.LoggingMessageNotificationParams(level="warning", data="a secret")
        ),
    ),
    "updated": by("send_resource_updated", "memo://today"),
    "tools": by("send_tool_list_changed"),
    "resources": by("send_resource_list_changed"),
    "prompts": by("send_prompt_list_changed"),
}
# On 2026-07-28 a log message belongs to the answer to a request, and only goes to a client that asks for it.
MODERN_ASKS = ASKS | {"log": by("send_log_message", "warning", "a secret")}
TELLS: dict[str, Any] = {
    "notifications/roots/list_changed": types.RootsListChangedNotification(),
    "notifications/progress": types.ProgressNotification(
        params=types.ProgressNotificationParams(progress_token="none", progress=1)
    ),
    "notifications/cancelled": types.CancelledNotification(
        params=types.CancelledNotificationParams(request_id="none")
    ),
}


def build(asks: Asks = ASKS) -> Any:
    """An MCPServer."""
    server = MCPServer("kit")
    add_tools(server, asks)
    return server


def add_tools(server: Any, asks: Asks) -> None:
    """Give an MCPServer the tools."""
    for tool in tools_of(asks, Context):
        server.add_tool(tool)


def build_low_level(asks: Asks = ASKS) -> Any:
    """A low-level server."""
    tools = {tool.__name__: tool for tool in tools_of(asks, Any)}

    async def list_tools(ctx: Any, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[types.Tool(name=name, input_schema={"type": "object"}) for name in tools]
        )

    async def call_tool(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        asking = SimpleNamespace(session=ctx.session, report_progress=ctx.session.report_progress)
        text = await tools[params.name](**(params.arguments or {}), ctx=asking)
        return types.CallToolResult(content=[types.TextContent(text=text)])

    return Server("kit", on_list_tools=list_tools, on_call_tool=call_tool)


async def sample(context: Any, params: Any) -> Any:
    return types.CreateMessageResult(role="assistant", content=types.TextContent(text="Hello"), model="kit")


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
    return {"sampling_callback": sample, "list_roots_callback": list_roots, "elicitation_callback": elicit}


@asynccontextmanager
async def connect(
    server: Any, *, dumb: bool = False, hesitation: Hesitation | None = None
) -> AsyncGenerator[Any]:
    """A client in memory, or over the transport that is given."""
    async with Client(server, mode="legacy", **callbacks(dumb=dumb, hesitation=hesitation)) as client:
        yield client.session


@asynccontextmanager
async def connect_modern(server: Any) -> AsyncGenerator[Any]:
    """A client that hears of everything."""
    async with Client(server, mode=MODERN, log_level="debug") as client:
        yield client.session


def run_low_level(server: Any) -> None:
    """Serve on stdin and stdout."""

    async def run() -> None:
        async with stdio_server() as streams:
            await server.run(*streams, server.create_initialization_options())

    anyio.run(run)


def asking_line(
    name: str, build_it: Callable[[Asks], Any], run_stdio: Callable[[Any], None], version: str
) -> AskingLine:
    """A line that speaks that revision of the protocol."""
    is_modern = version == MODERN
    asks, connect_to = (MODERN_ASKS, connect_modern) if is_modern else (ASKS, connect)

    def over_stdio(environment: dict[str, str]) -> Any:
        command, *arguments = stdio_command(name, ASKING)
        parameters = StdioServerParameters(command=command, args=arguments, env=environment)
        return connect_to(stdio_client(parameters))

    return AskingLine(
        name,
        version,
        partial(build_it, asks),
        connect_to,
        asks,
        {} if is_modern else TELLS,
        app=lambda server: server.streamable_http_app(),
        over_http=lambda url: connect_to(streamable_http_client(f"{url}/mcp")),
        run_stdio=run_stdio,
        over_stdio=over_stdio,
    )


LEGACY, MODERN = "2025-11-25", "2026-07-28"
LINES = [
    asking_line("mcp 2.x", build, MCPServer.run, LEGACY),
    asking_line("mcp 2.x, low level", build_low_level, run_low_level, LEGACY),
    asking_line("mcp 2.x, protocol of 2026", build, MCPServer.run, MODERN),
    asking_line("mcp 2.x, low level, protocol of 2026", build_low_level, run_low_level, MODERN),
]
