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
    """Transport, peer, session and user, from a Starlette request."""
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
        attributes[semconv.MCP_OBS_SESSION_ID] = session_id
        attributes[semconv.MCP_OBS_SESSION_SOURCE] = semconv.SESSION_SOURCE_PROTOCOL
    return attributes | _user_attributes(scope)


def _user_attributes(scope: Mapping[str, Any]) -> dict[str, Any]:
    # The request's own user: on stateful HTTP the token in the context variable is the session's first.
    token = getattr(scope.get("user"), "access_token", None)
    if token is None:
        return {}
    claims: Mapping[str, Any] = getattr(token, "claims", None) or {}
    attributes = {semconv.ENDUSER_ID: getattr(token, "subject", None) or claims.get("sub") or token.client_id}
    if token.scopes:
        attributes[semconv.ENDUSER_SCOPE] = " ".join(token.scopes)
    return attributes
