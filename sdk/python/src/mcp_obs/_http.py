"""What the HTTP request below an MCP message says about its sender."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mcp_obs import semconv

# The first revision without sessions; revisions are dates, so they compare as text.
FIRST_SESSIONLESS_REVISION = "2026-07-28"


_NOTHING: Mapping[str, Any] = {}


def scope_of(request: Any) -> Mapping[str, Any]:
    """The ASGI scope of a Starlette request; empty for what a transport of a host's own has in its place."""
    return getattr(request, "scope", None) or _NOTHING


def header(request: Any, name: bytes) -> str | None:
    """One header of a Starlette request; `name` in lower case, as ASGI's are."""
    return _first(scope_of(request).get("headers") or (), name)


class HttpOrigin(NamedTuple):
    """What is told of a request; the request itself leads to its answer, its application and its connection."""

    protocol_version: str | None
    peer: tuple[str, int] | None
    headers: Iterable[tuple[bytes, bytes]]
    token: Any
    """The access token that mcp or fastmcp has checked."""

    @classmethod
    def of(cls, request: Any) -> "HttpOrigin":
        """Of a Starlette request."""
        scope = scope_of(request)
        # The request's own user: on stateful HTTP the token in the context variable is the session's first.
        user = scope.get("user")
        token = getattr(user, "access_token", None) if user is not None else None
        # ASGI allows any pair; uvicorn's is a tuple.
        peer = tuple(scope.get("client") or ())
        return cls(
            scope.get("http_version"), peer if len(peer) == 2 else None, scope.get("headers") or (), token
        )

    def header(self, name: bytes) -> str | None:
        """One header; `name` in lower case."""
        return _first(self.headers, name)

    def attributes(self, revision: str | None) -> dict[str, Any]:
        """Transport, peer and session, in MCP's `revision`."""
        attributes: dict[str, Any] = {
            semconv.NETWORK_TRANSPORT: semconv.TRANSPORT_TCP,
            semconv.NETWORK_PROTOCOL_NAME: "http",
        }
        if self.protocol_version:
            attributes[semconv.NETWORK_PROTOCOL_VERSION] = self.protocol_version
        return attributes | sender_attributes(self.peer, self.session_id(revision))

    def session_id(self, revision: str | None) -> str | None:
        """The session of MCP's own, where `revision` has them."""
        return self.header(b"mcp-session-id") if (revision or "") < FIRST_SESSIONLESS_REVISION else None


def _first(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    for key, value in headers:
        if key == name:
            return value.decode("latin-1")
    return None


def sender_attributes(peer: tuple[str, int] | None, session_id: str | None) -> dict[str, Any]:
    """Peer and session."""
    attributes: dict[str, Any] = {}
    if peer:
        attributes[semconv.CLIENT_ADDRESS], attributes[semconv.CLIENT_PORT] = peer
    if session_id:
        attributes[semconv.MCP_SESSION_ID] = session_id
    return attributes
