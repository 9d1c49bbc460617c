"""Observability for MCP servers: one span and one duration record for every MCP operation."""

from mcp_obs._all_features import (
    MCPFeatures,
    SupportAdapter,
    TelemetrySettings,
    configure_all_mcp_features,
    create_oauth_adapter,
    create_telemetry_adapter,
)
from mcp_obs._asgi import McpAsgiMiddleware
from mcp_obs._configure import configure_mcp_telemetry
from mcp_obs._features import Step, TelemetryAdapter
from mcp_obs._instrument import instrument
from mcp_obs._oauth import OAuthAdapter
from mcp_obs._operation import set_session
from mcp_obs._privacy.settings import Privacy
from mcp_obs._users import Caller

__all__ = [
    "Caller",
    "MCPFeatures",
    "McpAsgiMiddleware",
    "OAuthAdapter",
    "Privacy",
    "Step",
    "SupportAdapter",
    "TelemetryAdapter",
    "TelemetrySettings",
    "configure_all_mcp_features",
    "configure_mcp_telemetry",
    "create_oauth_adapter",
    "create_telemetry_adapter",
    "instrument",
    "set_session",
]
