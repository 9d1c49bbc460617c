"""The servers of the recorded exchanges, on mcp 2.x."""

from typing import Any

from mcp.server import Server
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    ElicitRequest,
    ElicitRequestFormParams,
    EmptyResult,
    InputRequiredResult,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    jsonrpc_message_adapter,
)

from .asking import offer
from .lines import Line


def high_level(line: Line) -> Any:
    """The kit's server, which asks, tells, completes, sets levels and subscribes too."""
    server = line.build()
    offer(server, line)
    lowlevel: Server[Any] = lowlevel_of(server)
    lowlevel.add_request_handler("completion/complete", CompleteRequestParams, _complete)
    lowlevel.add_request_handler("logging/setLevel", SetLevelRequestParams, _nothing)
    lowlevel.add_request_handler("resources/subscribe", SubscribeRequestParams, _nothing)
    return server


def lowlevel_of(server: Any) -> Any:
    """The low-level server below a high-level one."""
    return getattr(server, "_mcp_server", None) or getattr(server, "_lowlevel_server", server)


async def _complete(ctx: Any, params: CompleteRequestParams) -> CompleteResult:
    return CompleteResult(completion=Completion(values=["rain"]))


async def _nothing(ctx: Any, params: Any) -> EmptyResult:
    return EmptyResult()


def low_level(line: Line) -> Any:
    """A server whose tool `refused` ends in an error result and `unsure` in a question, and which knows no other."""

    async def call(ctx: Any, params: CallToolRequestParams) -> CallToolResult | InputRequiredResult:
        if params.name == "unsure":
            schema = {"type": "object", "properties": {"sure": {"type": "boolean"}}}
            question = ElicitRequest(params=ElicitRequestFormParams(message="Sure?", requested_schema=schema))
            return InputRequiredResult(input_requests={"sure": question})
        if params.name != "refused":
            raise MCPError(-32602, f"Unknown tool: {params.name}")
        return CallToolResult(content=[TextContent(type="text", text="no")], is_error=True)

    return Server("kit", on_call_tool=call)


def parse(message: dict[str, Any]) -> SessionMessage:
    """A message as the library reads it from its transport."""
    return SessionMessage(jsonrpc_message_adapter.validate_python(message))


def dump(message: SessionMessage) -> dict[str, Any]:
    """A message as the library writes it to its transport."""
    return jsonrpc_message_adapter.dump_python(message.message, by_alias=True, mode="json", exclude_none=True)
