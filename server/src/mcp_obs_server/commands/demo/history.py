"""A believable past: sessions of people with their clients, generated from a seed and marked as such."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from mcp_obs import semconv
from mcp_obs_server.commands.demo.catalogue import (
    CATALOGUE,
    OVER_STDIO,
    Arguments,
    Failure,
    Operation,
    ServerName,
)
from mcp_obs_server.commands.demo.people import PEOPLE, Person
from mcp_obs_server.commands.demo.seasons import incident, sessions_an_hour

HOUR = timedelta(hours=1)
SPREAD = 0.42  # sigma of the latencies' log-normal distribution
THINKING_SECONDS = 9.0
CALLS_A_SESSION = 8.0
LONG_TAIL = 0.7  # the exponent of how unevenly people use a server

SCOPES: Mapping[ServerName, str] = {"weather": "weather:read", "shop": "shop:order"}

Value = str | int | bool


@dataclass(frozen=True)
class GeneratedSpan:
    """One operation of the past; times in nanoseconds since 1970."""

    name: str
    trace_id: bytes
    span_id: bytes
    start: int
    end: int
    failure: Failure | None
    attributes: dict[str, Value]


@dataclass
class Session:
    """One client's stay at one server while it is generated."""

    server: ServerName
    person: Person
    version: str
    id: str | None
    port: int
    clock: datetime
    draw: Random
    requests: int = 0

    @property
    def is_legacy(self) -> bool:
        """Whether it opens with initialize, as the demo's clients over stdio do."""
        return self.server in OVER_STDIO or self.person.app.era == "legacy"


def generate(server: ServerName, start: datetime, end: datetime, seed: int) -> Iterator[GeneratedSpan]:
    """Every span of one server from `start` up to `end`, session by session, the same for the same arguments."""
    draw = Random(f"{seed} {server}")  # noqa: S311  the past is to be the same each time
    hour = start
    while hour < end:
        progress = (hour - start) / (end - start)
        expected = sessions_an_hour(server, hour, progress)
        for _ in range(int(expected + draw.random())):
            session = begin_session(server, hour + HOUR * draw.random(), progress, draw)
            yield from (span for span in play(session, end) if span.end < nanoseconds(end))
        hour += HOUR


def begin_session(server: ServerName, at: datetime, progress: float, draw: Random) -> Session:
    """Draw who comes, and with which release of their client."""
    known = PEOPLE[: round(len(PEOPLE) * (0.55 + 0.45 * progress))]
    weights = [(rank + 1) ** -LONG_TAIL for rank in range(len(known))]
    person = draw.choices(known, weights)[0]
    versions = person.app.versions
    # People do not upgrade on the same day.
    age = min(max(progress + draw.gauss(0, 0.12), 0), 0.999)
    is_http_session = server not in OVER_STDIO and person.app.era == "legacy"
    session_id = draw.randbytes(16).hex() if is_http_session else None
    return Session(
        server, person, versions[int(age * len(versions))], session_id, draw.randint(32768, 60999), at, draw
    )


def play(session: Session, end: datetime) -> Iterator[GeneratedSpan]:
    """The spans of one session in order."""
    draw = session.draw
    if session.is_legacy:
        yield protocol_span(session, "initialize", 2.5)
        yield protocol_span(session, "notifications/initialized", 0.3)
    else:
        yield protocol_span(session, "server/discover", 2.0)
    yield protocol_span(session, "tools/list", 3.0)
    operations = CATALOGUE[session.server]
    count = 1 + int(draw.expovariate(1 / (CALLS_A_SESSION - 1)))
    for operation in draw.choices(operations, [each.weight for each in operations], k=count):
        session.clock += timedelta(seconds=draw.expovariate(1 / THINKING_SECONDS))
        yield call_span(session, operation, end)


def protocol_span(session: Session, method: str, median_ms: float) -> GeneratedSpan:
    """A span of the protocol's own traffic."""
    is_request = not method.startswith("notifications/")
    attributes = common_attributes(session, method, is_request)
    if is_request:
        attributes[semconv.MCP_OBS_RESPONSE_SIZE] = 2400 if method == "tools/list" else 310
    return timed(session, method, median_ms, attributes, None)


def call_span(session: Session, operation: Operation, end: datetime) -> GeneratedSpan:
    """A span of something the client asked for."""
    draw = session.draw
    trouble = incident(session.server, operation.target, end - session.clock)
    failed = draw.random() < max(operation.failures, trouble.failures if trouble else 0)
    failure = operation.failure if failed else None
    arguments = operation.arguments(draw)
    attributes = common_attributes(session, operation.method, is_request=True)
    attributes |= target_attributes(operation)
    attributes[semconv.MCP_OBS_REQUEST_SIZE] = size(call_params(operation, arguments))
    attributes[semconv.MCP_OBS_RESPONSE_SIZE] = round(draw.lognormvariate(5.6, 0.7))
    if failure is not None:
        attributes[semconv.ERROR_TYPE] = semconv.ERROR_TYPE_TOOL_ERROR
        attributes[semconv.MCP_OBS_OPERATION_OUTCOME] = semconv.OUTCOME_ERROR
    name = operation.method
    if operation.method != "resources/read":
        name = f"{operation.method} {operation.target}"
    return timed(
        session, name, operation.median_ms * (trouble.slowdown if trouble else 1), attributes, failure
    )


def timed(
    session: Session, name: str, median_ms: float, attributes: dict[str, Value], failure: Failure | None
) -> GeneratedSpan:
    """Give a span its place in time and move the session's clock past it."""
    draw = session.draw
    start = nanoseconds(session.clock)
    duration = int(median_ms * 1e6 * draw.lognormvariate(0, SPREAD))
    session.clock += timedelta(microseconds=duration / 1000)
    return GeneratedSpan(
        name, draw.randbytes(16), draw.randbytes(8), start, start + duration, failure, attributes
    )


def common_attributes(session: Session, method: str, is_request: bool) -> dict[str, Value]:
    """What every span of a session carries."""
    over_http = session.server not in OVER_STDIO
    attributes: dict[str, Value] = {
        semconv.MCP_METHOD_NAME: method,
        semconv.MCP_PROTOCOL_VERSION: "2025-11-25"
        if session.is_legacy
        else session.person.app.protocol_version,
        semconv.MCP_CLIENT_NAME: session.person.app.name,
        semconv.MCP_CLIENT_VERSION: session.version,
        semconv.NETWORK_TRANSPORT: semconv.TRANSPORT_TCP if over_http else semconv.TRANSPORT_PIPE,
        semconv.MCP_OBS_OPERATION_OUTCOME: semconv.OUTCOME_OK,
        semconv.MCP_OBS_GENERATED: True,
    }
    if is_request:
        attributes[semconv.JSONRPC_REQUEST_ID] = str(session.requests)
        session.requests += 1
    if over_http:
        attributes[semconv.NETWORK_PROTOCOL_NAME] = "http"
        attributes[semconv.NETWORK_PROTOCOL_VERSION] = "1.1"
        attributes[semconv.CLIENT_ADDRESS] = session.person.address
        attributes[semconv.CLIENT_PORT] = session.port
        attributes[semconv.ENDUSER_ID] = session.person.user
        attributes[semconv.ENDUSER_SCOPE] = SCOPES[session.server]
    # The session exists once initialize has answered.
    if session.id is not None and method != "initialize":
        attributes[semconv.MCP_SESSION_ID] = session.id
        attributes[semconv.MCP_OBS_SESSION_ID] = session.id
        attributes[semconv.MCP_OBS_SESSION_SOURCE] = semconv.SESSION_SOURCE_PROTOCOL
    return attributes


def target_attributes(operation: Operation) -> dict[str, Value]:
    """What says which tool, resource or prompt a span concerns."""
    if operation.method == "tools/call":
        return {
            semconv.GEN_AI_OPERATION_NAME: semconv.GEN_AI_OPERATION_EXECUTE_TOOL,
            semconv.GEN_AI_TOOL_NAME: operation.target,
        }
    if operation.method == "prompts/get":
        return {semconv.GEN_AI_PROMPT_NAME: operation.target}
    return {semconv.MCP_RESOURCE_URI: operation.target}


def call_params(operation: Operation, arguments: Arguments) -> dict[str, object]:
    """The params of a request, as they went over the wire."""
    if operation.method == "resources/read":
        return {"uri": operation.target}
    return {"name": operation.target, "arguments": arguments}


def size(params: dict[str, object]) -> int:
    """Bytes of params as JSON."""
    return len(json.dumps(params, separators=(",", ":")))


def nanoseconds(moment: datetime) -> int:
    """A moment as nanoseconds since 1970."""
    return int(moment.timestamp() * 1e6) * 1000
