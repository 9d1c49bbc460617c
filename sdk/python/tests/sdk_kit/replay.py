"""Feeds the messages of an exchange to a real server, and takes down what it answers and what is recorded."""

import json
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import Any

import anyio
import requests
from mcp.shared.memory import create_client_server_memory_streams
from opentelemetry.sdk.trace import ReadableSpan

import mcp_obs
from mcp_obs import semconv
from mcp_obs.testing import Distribution, Point

from . import tools
from .exchange import Exchange, filled_in
from .lines import MCP, Line
from .recording import Recording, picture
from .serving import serving

if MCP == 1:
    from . import exchange_server_v1 as library
else:
    from . import exchange_server_v2 as library

SECONDS = 60
SESSION = "mcp-session-id"
RAISED_BY_FAIL = "OSError"
SENT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
MEASURED = (
    semconv.MCP_SERVER_OPERATION_DURATION,
    semconv.MCP_CLIENT_OPERATION_DURATION,
    semconv.MCP_OBS_HTTP_REJECTIONS,
)


def guarded(line: Line) -> Any:
    """The kit's server, which wants a scope that nobody has."""
    return line.build(auth=True, required_scopes=["admin"])


BUILDERS: dict[str, Callable[[Line], Any]] = {
    "high-level": library.high_level,
    "low-level": library.low_level,
    "guarded": guarded,
}


class Replay:
    """What happened: `messages` in the form of the exchange, with everything that the server sent."""

    def __init__(self, exchange: Exchange, recording: Recording) -> None:
        self.exchange = exchange
        self.messages: list[dict[str, Any]] = []
        self.known: dict[str, Any] = {"<type raised by fail>": RAISED_BY_FAIL}
        """What placeholders stand for; `<session>` and `<asked>` when the server has told."""
        self._recording = recording
        self._arrived: list[dict[str, Any]] = []
        """The client's messages that were not turned away."""
        self._awaited: Any = None
        """The id of the client's last request, in memory."""
        self._coming: Iterator[dict[str, Any]] = iter(())
        """Over HTTP, what the server sends in its answer to the client's last request."""

    async def run(self, line: Line) -> None:
        """Hold the whole conversation with a server of that line."""
        tools.waiting.append(anyio.Event())
        server = mcp_obs.instrument(BUILDERS[self.exchange.server](line))
        if self.exchange.transport == "http":
            with serving(line.app(server)) as url:
                # A stream that goes on for ever ends with the server, not with the waiting.
                in_thread = partial(anyio.to_thread.run_sync, abandon_on_cancel=True)
                await self._hold(lambda said: in_thread(self._post, f"{url}/mcp", said))
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
                with anyio.fail_after(SECONDS):
                    await send(filled_in(said, self.known))

    async def _send(self, read: Any, write: Any, said: dict[str, Any]) -> None:
        self._arrived.append(said)
        if is_request(said["message"]):
            self._awaited = said["message"]["id"]
        await write.send(library.parse(said["message"]))
        if not expects_an_answer(said):
            return
        while True:
            message = library.dump(await read.receive())
            if self._note(message) or message.get("id") == self._awaited or said.get("open"):
                return

    def _post(self, url: str, said: dict[str, Any]) -> None:
        body = said["body"] if "body" in said else json.dumps(said["message"])
        answer = requests.request(
            said.get("method", "POST"),
            url,
            data=body,
            headers=SENT | said.get("headers", {}),
            timeout=2 * SECONDS,  # whoever waits for the thread gives up first
            stream=True,
        )
        if not answer.ok:
            self.messages.append({"from": "server", "status": answer.status_code})
            answer.close()
            return
        if "body" in said:
            answer.close()
            raise AssertionError(f"the server takes what it has to turn away: {body}")
        if SESSION in answer.headers:
            self.known["<session>"] = answer.headers[SESSION]
        self._arrived.append(said)
        if is_request(said["message"]):
            self._coming = messages_of(answer)
        else:
            answer.close()
        if expects_an_answer(said):
            # What comes after a question is read when the client has answered it.
            for message in self._coming:
                if self._note(message):
                    return

    def _note(self, message: dict[str, Any]) -> bool:
        # Returns whether the server asks something.
        self.messages.append({"from": "server", "message": message})
        if is_request(message):
            self.known["<asked>"] = message["id"]
        return is_request(message)

    async def _until_recorded(self, *, with_open: bool = False) -> None:
        # A notification has no answer to wait for, and a stream ends with its connection.
        asked = [
            said["message"]["method"]
            for said in self._arrived
            if "method" in said["message"] and (with_open or not said.get("open"))
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
        recorded = self._recording.log.spans
        names = {
            (context.trace_id, context.span_id): span.name
            for span in recorded
            if (context := span.context) is not None
        }
        return sorted((portable(span, names) for span in recorded), key=order)

    @property
    def metrics(self) -> dict[str, list[dict[str, Any]]]:
        """The points of durations and of what was turned away; the durations of operations also if there are none."""
        found = {
            name: sorted(map(shown, self._recording.points(name)), key=order_of_point) for name in MEASURED
        }
        return {name: points for name, points in found.items() if points or name == MEASURED[0]}


def is_request(message: dict[str, Any]) -> bool:
    """Whether a JSON-RPC message wants an answer."""
    return {"id", "method"} <= message.keys()


def expects_an_answer(said: dict[str, Any]) -> bool:
    """Whether the conversation waits for the server after it: it is a request, or answers the server's question."""
    return "id" in said["message"] and not said.get("unanswered")


def messages_of(answer: requests.Response) -> Iterator[dict[str, Any]]:
    """The messages in an HTTP answer, JSON or a stream of events, as they come."""
    if "text/event-stream" in answer.headers.get("content-type", ""):
        lines = (line.decode() for line in answer.iter_lines())
        data = (line[5:].strip() for line in lines if line.startswith("data:"))
        yield from (json.loads(one) for one in data if one)
    elif answer.content:
        yield answer.json()


def shown(point: Point) -> dict[str, Any]:
    """One point: how often something was measured, or the sum of a counter."""
    value = point.value
    number = {"count": value.count} if isinstance(value, Distribution) else {"value": value}
    return {**number, "attributes": point.attributes}


def order_of_point(point: dict[str, Any]) -> str:
    """By the JSON of its attributes with sorted keys: the same in every language."""
    return json.dumps(point["attributes"], sort_keys=True)


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


def portable(span: ReadableSpan, names: dict[tuple[int, int], str]) -> dict[str, Any]:
    """A span without its times, and without the ids that were made for it; `names` are those of all spans."""
    seen = picture(span)
    code, description = seen["status"]
    attributes: dict[str, Any] = json.loads(json.dumps(seen["attributes"]))
    return {
        "name": seen["name"],
        "kind": seen["kind"],
        "status": {"code": code, "description": description},
        "attributes": attributes,
        "events": [{"name": name, "attributes": dict(said)} for name, said in seen["events"]],
        "links": [ids_of(link.context) for link in span.links],
        "parent": parent_of(span, names),
    }


def parent_of(span: ReadableSpan, names: dict[tuple[int, int], str]) -> dict[str, str] | None:
    """The name of a parent that was recorded, whose ids were made for it; the ids of any other."""
    if span.parent is None:
        return None
    name = names.get((span.parent.trace_id, span.parent.span_id))
    return ids_of(span.parent) if name is None else {"name": name}


def ids_of(context: Any) -> dict[str, str]:
    """Ids in hexadecimal, as traceparent has them."""
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}


def order(span: dict[str, Any]) -> tuple[bool, str]:
    """By request, then by name: notifications end when they like. The server's own requests are numbered by itself."""
    is_its_own = span["kind"] == "CLIENT"
    request: str = "" if is_its_own else span["attributes"].get(semconv.JSONRPC_REQUEST_ID, "")
    return is_its_own, f"{request:0>8} {span['name']}"
