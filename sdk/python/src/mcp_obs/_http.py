"""What the HTTP request below an MCP message says about its sender."""

from collections.abc import Mapping
from typing import Any

from mcp_obs import semconv

# The first revision without sessions; revisions are dates, so they compare as text.
FIRST_SESSIONLESS_REVISION = "2026-07-28"


def header(request: Any, name: str) -> str | None:
    """One header of a Starlette request; `name` in lower case."""
    return request.headers.get(name)


def http_attributes(request: Any, protocol_version: str | None) -> dict[str, Any]:
    """Transport, peer and session, from a Starlette request."""
    scope: Mapping[str, Any] = request.scope
    attributes: dict[str, Any] = {
        semconv.NETWORK_TRANSPORT: semconv.TRANSPORT_TCP,
        semconv.NETWORK_PROTOCOL_NAME: "http",
    }
    if scope.get("http_version"):
        attributes[semconv.NETWORK_PROTOCOL_VERSION] = scope["http_version"]
    if scope.get("client"):
        attributes[semconv.CLIENT_ADDRESS], attributes[semconv.CLIENT_PORT] = scope["client"]
    session_id = header(request, "mcp-session-id")
    if session_id and (protocol_version or "") < FIRST_SESSIONLESS_REVISION:
        attributes[semconv.MCP_SESSION_ID] = session_id
    return attributes
