"""What the HTTP request below an MCP message says about its sender."""

from collections.abc import Mapping
from typing import Any

from mcp_obs import semconv

# The first revision without sessions; revisions are dates, so they compare as text.
FIRST_SESSIONLESS_REVISION = "2026-07-28"


def header(request: Any, name: bytes) -> str | None:
    """One header of a Starlette request; `name` in lower case, as ASGI's are."""
    for key, value in request.scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return None


def http_attributes(request: Any, protocol_version: str | None) -> dict[str, Any]:
    """Transport, peer and session, from a Starlette request."""
    attributes: dict[str, Any] = {
        semconv.NETWORK_TRANSPORT: semconv.TRANSPORT_TCP,
        semconv.NETWORK_PROTOCOL_NAME: "http",
    }
    if request.scope.get("http_version"):
        attributes[semconv.NETWORK_PROTOCOL_VERSION] = request.scope["http_version"]
    return attributes | sender_attributes(request, protocol_version)


def sender_attributes(request: Any, protocol_version: str | None) -> dict[str, Any]:
    """Peer and session."""
    scope: Mapping[str, Any] = request.scope
    attributes: dict[str, Any] = {}
    if scope.get("client"):
        attributes[semconv.CLIENT_ADDRESS], attributes[semconv.CLIENT_PORT] = scope["client"]
    session_id = header(request, b"mcp-session-id")
    if session_id and (protocol_version or "") < FIRST_SESSIONLESS_REVISION:
        attributes[semconv.MCP_SESSION_ID] = session_id
    return attributes
