"""Operations that have ended, of every kind that there is."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import strategies as st
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, set_span_in_context
from starlette.requests import Request

from mcp_obs import semconv
from mcp_obs._details import Details
from mcp_obs._ending import CANCELLED, OK, TOOL_ERROR, Ending, of_code, of_exception
from mcp_obs._lean.at_once import writer_of
from mcp_obs._lean.operation_span import NO_STATE, OperationSpan
from mcp_obs._lean.templates import Templates
from mcp_obs._message import Client, Message
from mcp_obs._privacy.settings import Privacy

compiled = pytest.mark.skipif(
    writer_of(Templates(None)) is None, reason="compiled code is not to be had here"
)


@dataclass(frozen=True)
class Call:
    """What a span is made of."""

    method: str = "tools/call"
    params: Mapping[str, Any] | None = None
    request_id: str | int | None = 1
    protocol_version: str | None = "2025-11-25"
    client: Client | None = None
    http: Mapping[str, Any] | None = None
    session: str | None = None
    result: Mapping[str, Any] | None = None
    told: int = 0
    ending: Ending = OK
    given: Mapping[str, Any] | None = None
    parent: SpanContext | None = None
    """What the client has named as its own span."""
    weight: float = 1.0

    def span(self, details: Details) -> OperationSpan:
        """As it is when the operation has ended."""
        request = Request({"type": "http", "headers": [], **self.http}) if self.http is not None else None
        message = Message(
            self.method, self.params, self.request_id, self.protocol_version, self.client, request, details
        )
        message.let_request_go()
        if self.parent is not None:
            message.above = set_span_in_context(NonRecordingSpan(self.parent), Context())
        message.session, message.told, message.received_ns = self.session, self.told, 1
        span = OperationSpan(
            message,
            SpanContext(1, 2, is_remote=False, trace_state=NO_STATE),
            self.parent,
            (),
            lambda _: None,
            details=details,
        )
        span.start_time, span.weight = 1, self.weight
        span.set_attributes(self.given or {})
        span.result, span.seconds, span.ending = self.result, 0.25, self.ending
        span.end(2)
        return span


def details(privacy: Privacy | None = None) -> Details:
    """Sessions are numbered from 1."""
    numbers = itertools.count(1)
    return Details(privacy, new_session_id=lambda: f"{next(numbers):032x}")


NAMES: st.SearchStrategy[Any] = st.sampled_from(["add", "search", "é", "n" * 1025, ""])
VALUES: st.SearchStrategy[Any] = st.sampled_from([None, 1, 0.5, "text", [1], {"a": 1}, True])
PARAMS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "name": NAMES | st.just(["add"]),
        "arguments": st.dictionaries(st.sampled_from(["a", "b", "n" * 70, "é"]), VALUES, max_size=3) | VALUES,
        "uri": st.sampled_from(["file:///a", "file:///b"]),
        "_meta": st.fixed_dictionaries(
            {},
            optional={
                "io.modelcontextprotocol/clientInfo": st.fixed_dictionaries(
                    {"name": NAMES}, optional={"version": NAMES | st.just(1)}
                ),
                "progressToken": st.integers(0, 2),
            },
        ),
    },
)
HEADERS = st.lists(
    st.sampled_from(
        [
            (b"mcp-session-id", b"s-1"),
            (b"mcp-session-id", b"s" * 1100),
            (b"baggage", b"gen_ai.conversation.id=c-1"),
            (b"accept", b"*/*"),
        ]
    ),
    max_size=3,
)


def authenticated(who: str, scopes: list[str]) -> AuthenticatedUser:
    return AuthenticatedUser(AccessToken(token="t", client_id=who, scopes=scopes))


HTTP = st.fixed_dictionaries(
    {"headers": HEADERS},
    optional={
        "http_version": st.sampled_from(["1.1", "2"]),
        "client": st.tuples(st.sampled_from(["127.0.0.1", "::1", "é"]), st.integers(1, 3)),
        "user": st.builds(
            authenticated,
            st.sampled_from(["ada", "bob", "é" * 1100]),
            st.lists(st.sampled_from(["read", "write"]), max_size=2),
        ),
    },
)
BLOCKS = st.fixed_dictionaries({"type": st.sampled_from(["text", "image", "odd"])}) | st.integers()
RESULTS = st.fixed_dictionaries(
    {},
    optional={
        "content": st.lists(BLOCKS, max_size=3) | st.none(),
        "structuredContent": VALUES,
        "isError": st.booleans(),
    },
)
ENDINGS = st.sampled_from([OK, TOOL_ERROR, CANCELLED, of_code(-32602, "no"), of_exception(ValueError("no"))])
CALLS = st.builds(
    Call,
    method=st.sampled_from(["tools/call", "prompts/get", "ping", "initialize", "made/up"]),
    params=st.none() | PARAMS,
    request_id=st.none() | st.integers(0, 3) | st.sampled_from(["a", "é", "r" * 1100]),
    protocol_version=st.sampled_from([None, "2025-11-25", "2026-07-28", "odd"]),
    client=st.none() | st.builds(Client, NAMES, st.none() | NAMES),
    http=st.none() | HTTP,
    session=st.sampled_from([None, None, "h-1"]),
    result=st.none() | RESULTS,
    told=st.integers(0, 2),
    ending=ENDINGS,
    given=st.dictionaries(st.sampled_from(["rows", semconv.GEN_AI_TOOL_NAME, "deep"]), VALUES, max_size=2),
    parent=st.sampled_from([None, None, SpanContext(7, 8, is_remote=True)]),
    weight=st.sampled_from([1.0, 1.0, 10.0]),
)


CLIENT = Client("kit", "1")
ADD = Call(
    params={"name": "add", "arguments": {"a": 1, "b": 2}},
    client=CLIENT,
    http={"http_version": "1.1", "client": ("127.0.0.1", 5), "headers": [(b"mcp-session-id", b"s-1")]},
    result={"content": [{"type": "text", "text": "3"}], "isError": False},
)
