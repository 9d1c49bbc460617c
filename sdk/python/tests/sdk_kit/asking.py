"""Servers whose tools ask their client something, or tell it, and clients that answer."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import anyio
from pydantic import BaseModel

from .lines import FASTMCP, LAST_LEGACY_REVISION, MCP, Line

Asks = dict[str, Callable[[Any], Any]]
"""What a server may ask or tell its client, given a session."""
SCHEMA = {"type": "object", "properties": {"sure": {"type": "boolean"}}}
LOG = "notifications/message"
ASKING = "asking"
"""What stdio_server.py is told to serve one of these lines."""


class Sure(BaseModel):
    """What a client says of itself when it is asked."""

    sure: bool


traceparents: list[str] = []
"""What came with the questions for a client's roots."""


def keep_traceparent(context: Any) -> None:
    """Remember which trace a question belongs to."""
    meta: Any = context.meta
    traceparents.append(meta.traceparent if hasattr(meta, "traceparent") else meta["traceparent"])


@dataclass
class Hesitation:
    """A client that says what its roots are only when it is released; `asked` is set when it is asked."""

    asked: anyio.Event = field(default_factory=anyio.Event)
    released: anyio.Event = field(default_factory=anyio.Event)


def by(method: str, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
    """Calls a method of a session."""

    def ask(session: Any) -> Any:
        return getattr(session, method)(*args, **kwargs)

    return ask


@dataclass(frozen=True)
class AskingLine:
    """One library: `build` makes a server with `tools_of`, `in_memory` and the others a client of it.

    A client in memory answers all questions, or none when it is `dumb`, or hesitates over its roots.
    """

    name: str
    protocol_version: str
    build: Callable[[], Any]
    in_memory: Callable[..., AbstractAsyncContextManager[Any]]
    asks: Asks
    tells: dict[str, Any]
    """What a client may tell the server, by method."""
    app: Callable[[Any], Any]
    """Serves over streamable HTTP."""
    over_http: Callable[[str], AbstractAsyncContextManager[Any]]
    run_stdio: Callable[[Any], None]
    over_stdio: Callable[[dict[str, str]], AbstractAsyncContextManager[Any]]
    not_supported: str = "-32600"
    """What a client answers that supports nothing: the JSON-RPC code."""
    sessions: ClassVar[list[Any]] = []
    """The sessions of the tools that chatted."""

    def __str__(self) -> str:
        return self.name


def tools_of(asks: Asks, context_type: Any) -> list[Callable[..., Any]]:
    """The tools, for a library whose tools get a `context_type`."""

    async def ask(what: str, ctx: Any) -> str:
        """Ask the client, and say what it answered."""
        try:
            answer = await asks[what](ctx.session)
        except Exception as error:  # noqa: BLE001  a client may refuse in many ways
            return f"{type(error).__name__}: {error}"
        return type(answer).__name__

    async def tell(ctx: Any) -> str:
        """Tell the client of everything that there is to tell."""
        await ctx.report_progress(1, 2)
        for tell_it in ("log", "updated", "tools", "resources", "prompts"):
            await asks[tell_it](ctx.session)
        return "told"

    async def chat(count: int, ctx: Any) -> str:
        """Tell the client much, and keep the session."""
        AskingLine.sessions.append(ctx.session)
        for _ in range(count):
            await asks["log"](ctx.session)
        return "told"

    async def confirm(ctx: Any) -> str:
        """Ask as high-level servers do, on the stream of the call's own answer."""
        return (await ctx.elicit("Sure?", Sure)).action

    tools = [ask, tell, chat, confirm]
    for tool in tools:
        tool.__annotations__["ctx"] = context_type
    return tools


def offer(server: Any, line: Line) -> None:
    """Give a high-level server of the kit these tools too."""
    if line.name.startswith("fastmcp"):
        from . import asking_fastmcp as library
    elif MCP == 1:
        from . import asking_v1 as library
    else:
        from . import asking_v2 as library
    is_modern = line.protocol_version > LAST_LEGACY_REVISION
    library.add_tools(server, library.MODERN_ASKS if is_modern else library.ASKS)


def telling_lines() -> list[AskingLine]:
    """The lines that the installed libraries have."""
    if MCP == 1:
        from .asking_v1 import LINES
    else:
        from .asking_v2 import LINES
    if FASTMCP == 0:
        return LINES
    from .asking_fastmcp import LINES as OF_FASTMCP

    return [*LINES, *OF_FASTMCP]


def low_level_lines() -> list[AskingLine]:
    """Those whose servers are of the library's low-level class."""
    return [line for line in telling_lines() if "low level" in line.name]


def asking_lines() -> list[AskingLine]:
    """Those of them that also ask: a server of 2026-07-28 asks nobody."""
    return [line for line in telling_lines() if line.protocol_version <= LAST_LEGACY_REVISION]
