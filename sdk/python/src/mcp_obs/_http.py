"""What the HTTP request below an MCP message says about its sender."""

from collections.abc import Mapping
from typing import Any

from mcp_obs import semconv
from mcp_obs._guard import Guard

# The first revision without sessions; revisions are dates, so they compare as text.
FIRST_SESSIONLESS_REVISION = "2026-07-28"


_NOTHING: Mapping[str, Any] = {}
_NO_HEADERS: Mapping[bytes, bytes] = {}

_reading = Guard("reading the headers of a request")


def scope_of(request: Any) -> Mapping[str, Any]:
    """The ASGI scope of a Starlette request; empty for what a transport of a host's own has in its place."""
    return getattr(request, "scope", None) or _NOTHING


class HttpOrigin:
    """What a request's ASGI scope tells; the request itself leads to its answer, its application, its connection."""

    __slots__ = ("_given", "_headers", "peer", "protocol_version", "token")

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self.protocol_version: str | None = scope.get("http_version")
        # ASGI allows any pair; uvicorn's is a tuple.
        peer = scope.get("client") or ()
        self.peer: tuple[str, int] | None = tuple(peer) if len(peer) == 2 else None
        self._given: Any = scope.get("headers") or ()
        self._headers: Mapping[bytes, bytes] | None = None
        # The request's own user: on stateful HTTP the token in the context variable is the session's first.
        user = scope.get("user")
        self.token: Any = getattr(user, "access_token", None) if user is not None else None
        """The access token that mcp or fastmcp has checked."""

    @property
    def headers(self) -> Mapping[bytes, bytes]:
        """By names in lower case; of two by one name the first counts, as with Starlette."""
        headers = self._headers
        if headers is None:
            headers = _NO_HEADERS
            with _reading:
                headers = dict([*self._given][::-1])
            self._headers = headers
        return headers

    def header(self, name: bytes) -> str | None:
        """One header; `name` in lower case."""
        value = self.headers.get(name)
        return value.decode("latin-1") if value is not None else None

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


def sender_attributes(peer: tuple[str, int] | None, session_id: str | None) -> dict[str, Any]:
    """Peer and session."""
    attributes: dict[str, Any] = {}
    if peer:
        attributes[semconv.CLIENT_ADDRESS], attributes[semconv.CLIENT_PORT] = peer
    if session_id:
        attributes[semconv.MCP_SESSION_ID] = session_id
    return attributes
