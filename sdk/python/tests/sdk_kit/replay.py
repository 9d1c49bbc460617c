"""Feeds the messages of an exchange to a real server, and takes down what it answers and what is recorded."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

import anyio
import requests
from mcp.shared.memory import create_client_server_memory_streams
from opentelemetry.sdk.trace import ReadableSpan

import mcp_obs
from mcp_obs import semconv

from . import tools
from .exchange import Exchange
from .lines import MCP, Line
from .recording import Recording, picture
from .serving import serving

if MCP == 1:
    from . import exchange_server_v1 as library
else:
    from . import exchange_server_v2 as library

Answer = Callable[[dict[str, Any]], bool]
SECONDS = 60
SESSION = "mcp-session-id"


class Replay:
    """What happened: `messages` in the form of the exchange, with everything that the server sent."""

    def __init__(self, exchange: Exchange, recording: Recording) -> None:
        self.exchange = exchange
        self.messages: list[dict[str, Any]] = []
        self._recording = recording
        self._session: str | None = None

    async def run(self, line: Line) -> None:
        """Hold the whole conversation with a server of that line."""
        tools.waiting.append(anyio.Event())
        build = library.high_level if self.exchange.server == "high-level" else library.low_level
        server = mcp_obs.instrument(build(line))
        if self.exchange.transport == "http":
            with serving(line.app(server)) as url:
                await self._hold(lambda said: anyio.to_thread.run_sync(self._post, f"{url}/mcp", said))
                await self._until_recorded()
        else:
            async with in_memory(server) as (read, write):
                await self._hold(lambda said: self._send(read, write, said))
                await self._until_recorded()
            await self._until_recorded(with_open=True)

    async def _hold(self, send: Callable[[dict[str, Any]], Any]) -> None:
        for said in self.exchange.messages:
            if said["from"] == "client":
                if said.get("when") == "tool-running":
                    with anyio.fail_after(SECONDS):
                        await tools.waiting[-1].wait()
                self.messages.append(said)
                await send(said)

    async def _send(self, read: Any, write: Any, said: dict[str, Any]) -> None:
        await write.send(library.parse(said["message"]))
        if not expects_an_answer(said):
            return
        with anyio.fail_after(SECONDS):
            while True:
                answer = library.dump(await read.receive())
                self.messages.append({"from": "server", "message": answer})
                if answer.get("id") == said["message"]["id"] or said.get("open"):
                    return

    def _post(self, url: str, said: dict[str, Any]) -> None:
        headers = {"accept": "application/json, text/event-stream", **said.get("headers", {})}
        if headers.get(SESSION) == "<session>":
            headers[SESSION] = str(self._session)
        answer = requests.post(url, json=said["message"], headers=headers, timeout=SECONDS)
        self._session = answer.headers.get(SESSION, self._session)
        for message in messages_of(answer):
            self.messages.append({"from": "server", "message": message})

    async def _until_recorded(self, *, with_open: bool = False) -> None:
        # A notification has no answer to wait for, and a stream ends with its connection.
        asked = [
            said["message"]["method"]
            for said in self.messages
            if said["from"] == "client" and (with_open or not said.get("open"))
        ]
        recorded = self._recording.log

        def is_complete() -> bool:
            methods = [(span.attributes or {}).get(semconv.MCP_METHOD_NAME) for span in recorded.spans]
            return all(method in methods for method in asked)

        await anyio.to_thread.run_sync(recorded.wait_until, is_complete, f"not all of {asked}", SECONDS)

    @property
    def answers(self) -> list[dict[str, Any]]:
        """What the server sent."""
        return [said for said in self.messages if said["from"] == "server"]

    @property
    def spans(self) -> list[dict[str, Any]]:
        """What was recorded, by request."""
        return sorted(map(portable, self._recording.log.spans), key=order)

    @property
    def metrics(self) -> dict[str, list[dict[str, Any]]]:
        """The points of the duration of operations."""
        points = [
            {"count": count, "attributes": attributes} for count, attributes in self._recording.durations()
        ]
        return {semconv.MCP_SERVER_OPERATION_DURATION: sorted(points, key=json.dumps)}


def expects_an_answer(said: dict[str, Any]) -> bool:
    """Whether the conversation waits for an answer to it."""
    return "id" in said["message"] and not said.get("unanswered")


def messages_of(answer: requests.Response) -> list[dict[str, Any]]:
    """The messages in an HTTP answer, JSON or a stream of events."""
    if "text/event-stream" in answer.headers.get("content-type", ""):
        data = [line[5:].strip() for line in answer.text.splitlines() if line.startswith("data:")]
        return [json.loads(one) for one in data if one]
    return [answer.json()] if answer.content else []


@asynccontextmanager
async def in_memory(server: Any) -> AsyncGenerator[tuple[Any, Any]]:
    """The client's ends of two streams of messages, of which the server has the others."""
    lowlevel = getattr(server, "_mcp_server", None) or getattr(server, "_lowlevel_server", server)
    lifespan: AbstractAsyncContextManager[Any] = (
        server._lifespan_manager() if hasattr(server, "_lifespan_manager") else nullcontext()
    )
    async with (
        lifespan,
        create_client_server_memory_streams() as (client, its_own),
        anyio.create_task_group() as group,
    ):
        group.start_soon(lowlevel.run, *its_own, lowlevel.create_initialization_options())
        try:
            yield client
        finally:
            await client[1].aclose()
            await its_own[1].aclose()


def portable(span: ReadableSpan) -> dict[str, Any]:
    """A span without its times, and without the ids that were made for it."""
    shown = picture(span)
    code, description = shown["status"]
    attributes: dict[str, Any] = json.loads(json.dumps(shown["attributes"]))
    return {
        "name": shown["name"],
        "kind": shown["kind"],
        "status": {"code": code, "description": description},
        "attributes": attributes,
        "events": [{"name": name, "attributes": dict(said)} for name, said in shown["events"]],
        "links": [ids_of(link.context) for link in span.links],
        "parent": ids_of(span.parent) if span.parent is not None else None,
    }


def ids_of(context: Any) -> dict[str, str]:
    """Ids in hexadecimal, as traceparent has them."""
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}


def order(span: dict[str, Any]) -> str:
    """By request, then by name: notifications end when they like."""
    request: str = span["attributes"].get(semconv.JSONRPC_REQUEST_ID, "")
    return f"{request:0>8} {span['name']}"
