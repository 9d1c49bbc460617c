"""The servers of the recorded exchanges, on mcp 1.x."""
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false, reportCallIssue=false

from typing import Any

from mcp import McpError
from mcp.server.lowlevel import Server
from mcp.shared.message import SessionMessage
from mcp.types import (
    CallToolRequest,
    CallToolResult,
    CompleteRequest,
    CompleteResult,
    Completion,
    EmptyResult,
    ErrorData,
    JSONRPCMessage,
    ServerResult,
    SetLevelRequest,
    SubscribeRequest,
    TextContent,
)

from .asking import offer
from .lines import Line


def high_level(line: Line) -> Any:
    """The kit's server, which asks, tells, completes, sets levels and subscribes too."""
    server = line.build()
    offer(server, line)
    handlers = server._mcp_server.request_handlers
    handlers[CompleteRequest] = _complete
    handlers[SetLevelRequest] = _nothing
    handlers[SubscribeRequest] = _nothing
    return server


async def _complete(request: Any) -> ServerResult:
    return ServerResult(CompleteResult(completion=Completion(values=["rain"])))


async def _nothing(request: Any) -> ServerResult:
    return ServerResult(EmptyResult())


def low_level(line: Line) -> Any:
    """A server whose tool `refused` ends in an error result, and which knows no other."""
    server: Any = Server("kit")

    async def call(request: Any) -> ServerResult:
        if request.params.name != "refused":
            raise McpError(ErrorData(code=-32602, message=f"Unknown tool: {request.params.name}"))
        return ServerResult(CallToolResult(content=[TextContent(type="text", text="no")], isError=True))

    server.request_handlers[CallToolRequest] = call
    return server


def parse(message: dict[str, Any]) -> SessionMessage:
    """A message as the library reads it from its transport."""
    return SessionMessage(JSONRPCMessage.model_validate(message))


def dump(message: SessionMessage) -> dict[str, Any]:
    """A message as the library writes it to its transport."""
    return message.message.model_dump(by_alias=True, mode="json", exclude_none=True)
