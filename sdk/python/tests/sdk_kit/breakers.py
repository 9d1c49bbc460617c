"""What exporters say of their circuit breakers."""

from collections.abc import Callable

from mcp_obs.testing import Point

STATE = "mcp_obs.exporter.circuit_breaker.state"


def is_state(state: str, component: str, number: int = 0) -> Callable[[Point], bool]:
    """Whether a point says that the breaker of an exporter is in a state."""
    attributes = {
        "otel.component.type": component,
        "otel.component.name": f"{component}/{number}",
        "mcp_obs.circuit_breaker.state": state,
    }
    return lambda point: (point.metric, point.attributes, point.value) == (STATE, attributes, 1)
