"""One library line: how its servers are built and its clients connect."""

import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

STDIO_SERVER = Path(__file__).parent.parent / "stdio_server.py"
LAST_LEGACY_REVISION = "2025-11-25"
"""Of the protocol: with initialize and sessions."""
SCOPES = ["read", "write"]
"""Of every access token."""


@dataclass(frozen=True)
class Answer:
    """What a client got: the text of the result, and whether it is marked as an error."""

    text: str
    is_error: bool = False


class Peer:
    """A connected client; the session is the library's own, whose results differ in spelling only."""

    def __init__(self, session: Any) -> None:
        self.session = session

    async def call(self, tool: str, meta: dict[str, Any] | None = None, **arguments: Any) -> Answer:
        """Call a tool."""
        result = await self.session.call_tool(tool, arguments, meta=meta)
        is_error = result.is_error if hasattr(result, "is_error") else result.isError
        return Answer(result.content[0].text, is_error)

    async def read(self, uri: str) -> Answer:
        """Read a resource."""
        return Answer((await self.session.read_resource(uri)).contents[0].text)

    async def prompt(self, name: str, **arguments: str) -> Answer:
        """Get a prompt."""
        return Answer((await self.session.get_prompt(name, arguments)).messages[0].content.text)

    async def tools(self) -> list[str]:
        """List the tools."""
        return [tool.name for tool in (await self.session.list_tools()).tools]


Connection = AbstractAsyncContextManager[Peer]


@dataclass(frozen=True)
class Line:
    """How to build a server with the tools of `sdk_kit.tools`, how to serve it, and how to reach it.

    Who connects over HTTP gives the base URL of the application and an access token.
    """

    name: str
    protocol_version: str
    build: Callable[..., Any]
    in_memory: Callable[[Any], Connection]
    over_http: Callable[[str, str | None], Connection]
    over_sse: Callable[[str, str | None], Connection] | None
    """None where HTTP+SSE does not speak the line's revision of the protocol."""
    over_stateless_http: Callable[[str, str | None], Connection]
    over_stdio: Callable[[dict[str, str]], Connection]
    app: Callable[[Any], Any]
    sse_app: Callable[[Any], Any]
    stateless_app: Callable[[Any], Any]
    run_stdio: Callable[[Any], None]
    cancel: Callable[[Peer, Awaitable[Any]], Awaitable[None]]
    user: str = "ada"
    """Who ada's token says is there; libraries that know no subject have the client's id in its place."""

    def __str__(self) -> str:
        return self.name


def bearer(token: str | None) -> dict[str, str]:
    """The headers that carry an access token, if there is one."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def mail_of(user: str) -> str:
    """The claim `email` of an access token."""
    return f"{user}@example.com"


def stdio_command(line: str, *kit: str) -> list[str]:
    """The command that serves `line` on stdin and stdout; with `asking`, the line of that kit."""
    return [sys.executable, str(STDIO_SERVER), line, *kit]


def installed_lines() -> dict[str, Line]:
    """The lines that the installed libraries have, by name."""
    return {line.name: line for line in _lines()}


def _lines() -> list[Line]:
    if MCP > 1:
        from .lines_v2 import LINES

        return LINES
    from .lines_v1 import LINE

    if FASTMCP:
        from .lines_fastmcp import LINE as OF_FASTMCP

        return [LINE, OF_FASTMCP]
    return [LINE]


def _installed(library: str) -> tuple[int, int]:
    try:
        major, minor, *_ = version(library).split(".")
    except PackageNotFoundError:
        return 0, 0
    return int(major), int(minor)


MCP, MCP_MINOR = _installed("mcp")
IS_MCP_1_9 = (MCP, MCP_MINOR) == (1, 9)
IS_BEFORE_1_23 = MCP == 1 and MCP_MINOR < 23
IS_BEFORE_1_25 = MCP == 1 and MCP_MINOR < 25
RESULT_SHAPE = '{"content":["text"]}' if IS_MCP_1_9 else '{"content":["text"],"structuredContent":"object"}'
"""What the kit's tools answer; results have a structure since mcp 1.10."""
FASTMCP, _ = _installed("fastmcp")
"""0 where it is not installed."""
