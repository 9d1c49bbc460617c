"""What an operation that has ended adds to the metrics."""

from collections.abc import Mapping
from typing import Any

from opentelemetry.context import Context

from mcp_obs import semconv
from mcp_obs._metrics.metrics import Metrics
from mcp_obs._metrics.targets import OTHER, targets

_UNTIMED = frozenset({semconv.OUTCOME_CANCELLED, semconv.OUTCOME_INPUT_REQUIRED})
_GUARDED = (semconv.GEN_AI_TOOL_NAME, semconv.GEN_AI_PROMPT_NAME)


def record_operation(
    metrics: Metrics, seconds: float, attributes: Mapping[str, Any], context: Context | None = None
) -> None:
    """Record an operation by the attributes of its span, those that its host has set left out."""
    labels = bounded(attributes)
    method, outcome = attributes[semconv.MCP_METHOD_NAME], attributes.get(semconv.MCP_OBS_OPERATION_OUTCOME)
    if method not in semconv.LONG_LIVED_METHODS and outcome not in _UNTIMED:
        metrics.record(semconv.MCP_SERVER_OPERATION_DURATION, seconds, labels, context)
        metrics.record(semconv.MCP_MESSAGE_LATENCY, seconds * 1000, labels, context)
    if outcome == semconv.OUTCOME_ERROR:
        metrics.record(semconv.MCP_ERRORS, 1, labels, context)
    if method in semconv.CALL_METHODS:
        metrics.record(semconv.MCP_OBS_FEATURE_USAGE, 1, labels, context)


def record_request(
    metrics: Metrics, seconds: float, attributes: Mapping[str, Any], context: Context | None = None
) -> None:
    """Record a request to the client; one that was given up is no sample of how long clients take."""
    if attributes.get(semconv.MCP_OBS_OPERATION_OUTCOME) not in _UNTIMED:
        metrics.record(semconv.MCP_CLIENT_OPERATION_DURATION, seconds, bounded(attributes), context)


def bounded(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes, with what a client is free to choose only where it is known."""
    labels = dict(attributes)
    if labels[semconv.MCP_METHOD_NAME] not in semconv.KNOWN_METHODS:
        labels[semconv.MCP_METHOD_NAME] = OTHER
    revision = labels.get(semconv.MCP_PROTOCOL_VERSION)
    if revision is not None and revision not in semconv.PROTOCOL_REVISIONS:
        labels[semconv.MCP_PROTOCOL_VERSION] = OTHER
    for attribute in _GUARDED:
        name = labels.get(attribute)
        if name is not None:
            # A refused name is no failure of the server's: only a call without an error code was one of its own.
            is_answered = (
                labels.get(semconv.MCP_OBS_OPERATION_OUTCOME) == semconv.OUTCOME_OK
                and semconv.RPC_RESPONSE_STATUS_CODE not in labels
            )
            labels[attribute] = targets.known(attribute, name, is_answered=is_answered)
    return labels
