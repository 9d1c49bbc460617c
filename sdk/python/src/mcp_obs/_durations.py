"""Which operations are timed, and as what."""

from collections.abc import Mapping
from typing import Any

from mcp_obs import semconv

_UNTIMED = frozenset({semconv.OUTCOME_CANCELLED, semconv.OUTCOME_INPUT_REQUIRED})


def timed_as(attributes: Mapping[str, Any]) -> dict[str, Any] | None:
    """The attributes of an ended operation's duration; None when it is no latency sample."""
    method = attributes[semconv.MCP_METHOD_NAME]
    if method in semconv.LONG_LIVED_METHODS or attributes.get(semconv.MCP_OBS_OPERATION_OUTCOME) in _UNTIMED:
        return None
    keys = semconv.MCP_SERVER_OPERATION_DURATION_ATTRIBUTES
    known = {key: attributes[key] for key in keys if key in attributes}
    if method not in semconv.KNOWN_METHODS:
        known[semconv.MCP_METHOD_NAME] = semconv.METHOD_OTHER
    return known
