"""mcp 2.x with the protocol of 2025: a server of 2026-07-28 asks nobody."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import mcp_types as types
from mcp import Client
from mcp.server import MCPServer, Server
from mcp.server.mcpserver import Context

from .asking import SCHEMA, AskingLine, Hesitation, by, keep_traceparent, tools_of

ROOTS = (types.ListRootsRequest(), types.ListRootsResult)
ASKS: dict[str, Callable[[Any], Any]] = {
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
TELLS: dict[str, Any] = {
    "notifications/roots/list_changed": types.RootsListChangedNotification(),
    "notifications/progress": types.ProgressNotification(
        params=types.ProgressNotificationParams(progress_token="none", progress=1)
    ),
    "notifications/cancelled": types.CancelledNotification(
        params=types.CancelledNotificationParams(request_id="none")
    ),
}


def build() -> Any:
    """An MCPServer."""
    server = MCPServer("kit")
    for tool in tools_of(ASKS, Context):
        server.add_tool(tool)
    return server


def build_low_level() -> Any:
    """A low-level server."""
    tools = {tool.__name__: tool for tool in tools_of(ASKS, Any)}

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
    """A client in memory."""
    async with Client(server, mode="legacy", **callbacks(dumb=dumb, hesitation=hesitation)) as client:
        yield client.session


LINES = [
    AskingLine("mcp 2.x", build, connect, ASKS, TELLS, "-32600"),
    AskingLine("mcp 2.x, low level", build_low_level, connect, ASKS, TELLS, "-32600"),
]
