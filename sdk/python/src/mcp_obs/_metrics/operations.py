"""What an operation that has ended adds to the metrics."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from opentelemetry.context import Context

from mcp_obs import semconv
from mcp_obs._metrics.metrics import Metrics
from mcp_obs._metrics.targets import OTHER, targets

_UNTIMED = frozenset({semconv.OUTCOME_CANCELLED, semconv.OUTCOME_INPUT_REQUIRED})
_GUARDED = (semconv.GEN_AI_TOOL_NAME, semconv.GEN_AI_PROMPT_NAME)
# h11 lets a client say any of 0.0 to 9.9; ASGI and the conventions write that of HTTP/2 in two ways.
_HTTP_VERSIONS = frozenset({"0.9", "1.0", "1.1", "2", "2.0", "3"})


class Measure(NamedTuple):
    """A metric that an operation adds to: one, or its length in units of which a second has so many."""

    metric: str
    units_per_second: float | None = None

    def value(self, seconds: float) -> float:
        """What an operation of this length adds."""
        return 1 if self.units_per_second is None else seconds * self.units_per_second


def measures_of(attributes: Mapping[str, Any]) -> Iterator[Measure]:
    """What an operation adds to, by the attributes of its span."""
    method, outcome = attributes[semconv.MCP_METHOD_NAME], attributes.get(semconv.MCP_OBS_OPERATION_OUTCOME)
    if method not in semconv.LONG_LIVED_METHODS and outcome not in _UNTIMED:
        yield Measure(semconv.MCP_SERVER_OPERATION_DURATION, 1)
        yield Measure(semconv.MCP_MESSAGE_LATENCY, 1000)
    if outcome == semconv.OUTCOME_ERROR:
        yield Measure(semconv.MCP_ERRORS)
    if method in semconv.CALL_METHODS:
        yield Measure(semconv.MCP_OBS_FEATURE_USAGE)


def record_operation(
    metrics: Metrics, seconds: float, attributes: Mapping[str, Any], context: Context | None = None
) -> None:
    """Record an operation by the attributes of its span, those that its host has set left out."""
    labels = bounded(attributes)
    for measure in measures_of(attributes):
        metrics.record(measure.metric, measure.value(seconds), labels, context)


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
    http_version = labels.get(semconv.NETWORK_PROTOCOL_VERSION)
    if http_version is not None and http_version not in _HTTP_VERSIONS:
        labels[semconv.NETWORK_PROTOCOL_VERSION] = OTHER
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
