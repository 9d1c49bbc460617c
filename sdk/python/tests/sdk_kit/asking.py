"""Servers whose tools ask their client something, or tell it, and clients that answer."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import anyio

from .lines import FASTMCP, MCP

SCHEMA = {"type": "object", "properties": {"sure": {"type": "boolean"}}}
LOG = "notifications/message"


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
    """One library: `build` makes a server with `tools_of`, `connect` a client.

    A client answers all questions, or none when it is `dumb`, or hesitates over its roots.
    """

    name: str
    build: Callable[[], Any]
    connect: Callable[..., AbstractAsyncContextManager[Any]]
    asks: dict[str, Callable[[Any], Any]]
    tells: dict[str, Any]
    """What a client may tell the server, by method."""
    not_supported: str
    """What a client answers that supports nothing: the JSON-RPC code."""
    sessions: ClassVar[list[Any]] = []
    """The sessions of the tools that chatted."""

    def __str__(self) -> str:
        return self.name


def tools_of(asks: dict[str, Callable[[Any], Any]], context_type: Any) -> list[Callable[..., Any]]:
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

    for tool in (ask, tell, chat):
        tool.__annotations__["ctx"] = context_type
    return [ask, tell, chat]


def asking_lines() -> list[AskingLine]:
    """The lines that the installed libraries have."""
    if MCP == 1:
        from .asking_v1 import LINES
    else:
        from .asking_v2 import LINES
    if FASTMCP == 0:
        return LINES
    from .asking_fastmcp import LINE

    return [*LINES, LINE]
