"""A server in this process, a real client of it, and agents that are real processes."""

import itertools
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp_types import CallToolResult, TextContent

import mcp_obs
from claude_code_mcp.server import create_server
from claude_code_mcp.settings import Settings
from mcp_obs.testing import Capture, Span, capture

STAND_IN = Path(__file__).parent.parent / "stand_in.py"
PATIENCE_SECONDS = 60

# What an agent does after it was asked for its version; each is a shell script.
SAYS_ITS_VERSION = '[ "$1" = --version ] && { echo 2.0.0; exit; }\n'
READY = """echo '{"type": "system", "subtype": "init"}'\n"""
ANSWERS = READY + """echo '{"type": "result", "subtype": "success", "result": "Yes."}'\n"""
AGENTS = {
    "leaves at once": SAYS_ITS_VERSION + "echo 'Invalid API key' >&2; exit 3",
    "never gets ready": SAYS_ITS_VERSION + "exec sleep 600",
    "is not signed in": SAYS_ITS_VERSION
    + """echo '{"type": "result", "is_error": true, "result": "Please run /login"}'; read more""",
    "closes its ears": SAYS_ITS_VERSION + "read prompt; exec 0<&-\n" + ANSWERS + "exec sleep 600",
    "does not leave": SAYS_ITS_VERSION + "read prompt\n" + ANSWERS + "exec sleep 600",
    "tells its trace": SAYS_ITS_VERSION
    + "read prompt\n"
    + ANSWERS.replace("Yes.", "'$TRACEPARENT$CLAUDECODE'"),
    "hangs": "exec sleep 600",
    "says nothing": "exit",
    "says no version": "echo Hello",
}


Setting = Callable[[Settings], Settings]
Play = Callable[["Stage"], Awaitable[CallToolResult]]


@dataclass
class Called:
    """A call that goes on."""

    progress: list[str] = field(default_factory=list[str])
    result: CallToolResult | None = None


class Stage:
    """What a test plays on."""

    def __init__(self, client: Client, telemetry: Capture, settings: Settings) -> None:
        self._client = client
        self.telemetry = telemetry
        self.settings = settings

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool."""
        with anyio.fail_after(PATIENCE_SECONDS):
            return await self._client.call_tool(tool, arguments)

    async def tools(self) -> set[str]:
        """The names of the tools that there are."""
        return {tool.name for tool in (await self._client.list_tools()).tools}

    @asynccontextmanager
    async def thinking(self, *, is_abandoned: bool = False) -> AsyncGenerator[Called]:
        """While the agent of the last session thinks; afterwards its answer is awaited, or given up."""
        called = Called()
        begun = anyio.Event()

        async def note(progress: float, total: float | None, message: str | None) -> None:
            called.progress.append(message or "")
            begun.set()

        async def think() -> None:
            called.result = await self._client.call_tool(
                "send_message", {"prompt": "think hard"}, progress_callback=note
            )

        with anyio.fail_after(PATIENCE_SECONDS):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(think)
                await begun.wait()
                yield called
                if is_abandoned:
                    tasks.cancel_scope.cancel()


def said(result: CallToolResult) -> str:
    """A result's text."""
    return "".join(block.text for block in result.content if isinstance(block, TextContent))


def agent(folder: Path, name: str) -> Path:
    """A program that behaves as named."""
    program = folder / re.sub(r"\W", "-", name)
    program.write_text("#!/bin/sh\n" + AGENTS[name])
    program.chmod(0o700)
    return program


def settings_in(folder: Path) -> Settings:
    """Settings with everything in the folder, and the stand-in as the agent."""
    return Settings(binary=STAND_IN, search_path="", places=(), data=folder / "data")


def with_agent(name: str, **seconds: float) -> Setting:
    """An agent that behaves as named, and how long it is waited for."""
    return lambda settings: replace(settings, binary=agent(settings.data.parent, name), **seconds)


def counted_ids() -> Callable[[], str]:
    """00000000-0000-0000-0000-000000000001 and so on."""
    numbers = itertools.count(1)
    return lambda: f"00000000-0000-0000-0000-{next(numbers):012}"


@asynccontextmanager
async def on_stage(settings: Settings) -> AsyncGenerator[Stage]:
    """A server with these settings, and its client."""
    with capture() as telemetry:
        server = mcp_obs.instrument(create_server(settings, counted_ids()))
        async with Client(server) as client:
            yield Stage(client, telemetry, settings)


def tree(spans: Sequence[Span], root: Span) -> list[str]:
    """A span and those below it in the order in which they began, each with the error that it ended with."""
    error = root.attributes.get("error.type")
    lines = [root.name if error is None else f"{root.name}: {error}"]
    for span in sorted(spans, key=lambda span: span.span_id):
        if span.parent_id == root.span_id:
            lines += [f"  {line}" for line in tree(spans, span)]
    return lines


@dataclass(frozen=True)
class Scenario:
    """A tool, how its call ends, what it says then, and the spans of it."""

    tool: str
    outcome: str
    says: str
    spans: list[str]
    play: Play
    setting: Setting

    @property
    def name(self) -> str:
        """The two of them."""
        return f"{self.tool}: {self.outcome}"


@dataclass(frozen=True)
class Played:
    """What came of a scenario: the answer, the spans of its tool's last call, and the types of all exceptions."""

    says: str
    spans: list[str]
    errors: set[str]


async def perform(scenario: Scenario, folder: Path) -> Played:
    """Play one."""
    async with on_stage(scenario.setting(settings_in(folder))) as stage:
        result = await scenario.play(stage)
        spans = stage.telemetry.spans
    calls = [span for span in spans if span.name == f"tools/call {scenario.tool}"]
    root = max(calls, key=lambda span: span.span_id)
    events = [event for span in spans for event in span.events if event.name == "exception"]
    errors = {event.attributes["exception.type"].rpartition(".")[2] for event in events}
    return Played(said(result), tree(spans, root), errors)
