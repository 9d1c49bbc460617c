"""What one round writes: operations that are the same for the same seed, and what must be shown of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from mcp_obs_server import semconv
from mcp_obs_server.commands.otlp import Value

CALLS_A_TRACE = 3
SPREAD_SECONDS = 30
MILLISECOND = 1_000_000
_CLIENTS = (("canary-cli", "1.0"), ("canary-app", "2.5"))
_USERS, _SESSIONS = 5, 7


@dataclass(frozen=True)
class Ending:
    """How an operation ends: what is sent of it, and the outcome that must be shown."""

    outcome: semconv.Outcome
    attributes: Mapping[str, Value] = field(default_factory=dict[str, Value])
    message: str = ""
    """Of a status of error; without one the status is unset."""


OK = Ending("ok")
FAILED = Ending("error", {semconv.ERROR_TYPE: semconv.ERROR_TYPE_TOOL_ERROR}, "the canary fell off its perch")
# What a client got wrong is no error of the server.
CLIENT_FAULT = Ending(
    "ok", {semconv.RPC_RESPONSE_STATUS_CODE: "-32602", semconv.ERROR_TYPE: "-32602"}, "no such argument"
)
CANCELLED = Ending("cancelled", {semconv.MCP_OBS_OPERATION_OUTCOME: "cancelled"})
INPUT_REQUIRED = Ending("input_required", {semconv.MCP_OBS_OPERATION_OUTCOME: "input_required"})
# One call that stands for three.
SAMPLED = Ending("ok", {semconv.MCP_OBS_SAMPLING_WEIGHT: 3.0})
_ENDINGS = [OK] * 19 + [FAILED] * 5 + [CLIENT_FAULT] * 2 + [CANCELLED] * 2 + [INPUT_REQUIRED, SAMPLED]


@dataclass(frozen=True)
class KnownSpan:
    """A span as it is sent; ids in hex, times in nanoseconds."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    start: int
    duration: int
    name: str
    kind: str
    outcome: semconv.Outcome | None
    """What must be shown; None when it is no operation."""
    message: str
    attributes: Mapping[str, Value]

    @property
    def key(self) -> tuple[int, str, str]:
        """Its place among others: lists are newest first."""
        return self.start, self.trace_id, self.span_id

    @property
    def weight(self) -> int:
        """How many operations it stands for."""
        return int(self.attributes.get(semconv.MCP_OBS_SAMPLING_WEIGHT, 1))

    def shown(self) -> dict[str, Any]:
        """The fields that the API must answer for it."""
        columns = {each.column: self.attributes.get(each.attribute) for each in semconv.PROMOTED}
        session = self.attributes.get(semconv.MCP_SESSION_ID)
        apart = {each.attribute for each in semconv.PROMOTED} | {semconv.MCP_SESSION_ID}
        return columns | {
            "trace_id": self.trace_id,
            "span_id": self.span_id,
            "parent_span_id": self.parent_span_id,
            "time_unix_nano": str(self.start),
            "duration_ns": self.duration,
            "name": self.name,
            "kind": self.kind,
            "status": "error" if self.message else "unset",
            "status_message": self.message or None,
            "outcome": self.outcome,
            "target": self.attributes.get(semconv.GEN_AI_TOOL_NAME),
            "session_id": session,
            "session_source": session and semconv.SESSION_SOURCE_PROTOCOL,
            "generated": False,
            "attributes": [_shown(*each) for each in sorted(self.attributes.items()) if each[0] not in apart],
        }


def _shown(key: str, value: Value) -> dict[str, str]:
    kinds = {str: "string", bool: "bool", int: "int", float: "double"}
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return {"key": key, "type": kinds[type(value)], "value": text}


@dataclass(frozen=True)
class Round:
    """What is written at once; its calls have a target of their own, by which they are found again."""

    number: int
    target: str
    spans: tuple[KnownSpan, ...]

    @property
    def calls(self) -> list[KnownSpan]:
        """The calls of its target."""
        return [span for span in self.spans if span.attributes.get(semconv.GEN_AI_TOOL_NAME) == self.target]

    def of_trace(self, trace_id: str) -> list[KnownSpan]:
        """The spans of one of its traces."""
        return [span for span in self.spans if span.trace_id == trace_id]

    @property
    def trace_ids(self) -> list[str]:
        """Its traces, in the order in which they were made."""
        return list(dict.fromkeys(span.trace_id for span in self.spans))


def plan(seed: str, number: int, now: int) -> Round:
    """The round of this number, within the seconds before `now`; the same for the same arguments."""
    draw = Random(f"{seed} {number}")  # noqa: S311  it has to be the same each time
    target = f"canary-{seed}-{number}"
    endings = draw.sample(_ENDINGS, len(_ENDINGS))
    spans: list[KnownSpan] = []
    for index, ending in enumerate(endings):
        trace_id = spans[-1].trace_id if index % CALLS_A_TRACE else draw.randbytes(16).hex()
        start = now - draw.randrange(MILLISECOND, SPREAD_SECONDS * 1000 * MILLISECOND)
        spans += _call(draw, trace_id, start, target, ending)
    spans.append(_list_tools(draw, now - SPREAD_SECONDS * 1000 * MILLISECOND))
    return Round(number, target, tuple(spans))


def _call(draw: Random, trace_id: str, start: int, target: str, ending: Ending) -> Iterator[KnownSpan]:
    duration = int(draw.lognormvariate(3, 1) * MILLISECOND)
    call = KnownSpan(
        trace_id=trace_id,
        span_id=draw.randbytes(8).hex(),
        parent_span_id=None,
        start=start,
        duration=duration,
        name=f"tools/call {target}",
        kind="server",
        outcome=ending.outcome,
        message=ending.message,
        attributes={
            semconv.MCP_METHOD_NAME: "tools/call",
            semconv.GEN_AI_TOOL_NAME: target,
            semconv.MCP_OBS_REQUEST_SIZE: draw.randrange(1, 5000),
            **_who(draw),
            **ending.attributes,
        },
    )
    yield call
    yield KnownSpan(
        trace_id=trace_id,
        span_id=draw.randbytes(8).hex(),
        parent_span_id=call.span_id,
        start=start,
        duration=duration // 2,
        name="canary query",
        kind="internal",
        outcome=None,
        message="",
        attributes={
            "canary.word": f"tweet {draw.randbytes(4).hex()}",
            "canary.rows": draw.randrange(-(2**40), 2**40),
            # Written alike in every language.
            "canary.share": draw.randrange(1, 1000) / 1000,
            "canary.cached": draw.random() < 0.5,
        },
    )


def _list_tools(draw: Random, start: int) -> KnownSpan:
    return KnownSpan(
        trace_id=draw.randbytes(16).hex(),
        span_id=draw.randbytes(8).hex(),
        parent_span_id=None,
        start=start,
        duration=MILLISECOND,
        name="tools/list",
        kind="server",
        outcome="ok",
        message="",
        attributes={semconv.MCP_METHOD_NAME: "tools/list", **_who(draw)},
    )


def _who(draw: Random) -> dict[str, Value]:
    client, version = draw.choice(_CLIENTS)
    return {
        semconv.ENDUSER_ID: f"canary-user-{draw.randrange(_USERS)}",
        semconv.MCP_SESSION_ID: f"canary-session-{draw.randrange(_SESSIONS)}",
        semconv.MCP_CLIENT_NAME: client,
        semconv.MCP_CLIENT_VERSION: version,
        semconv.MCP_PROTOCOL_VERSION: "2025-11-25",
    }
