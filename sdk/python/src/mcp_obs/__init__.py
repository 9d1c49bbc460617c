"""Observability for MCP servers: one span and one duration record for every MCP operation."""

from mcp_obs._asgi import McpAsgiMiddleware
from mcp_obs._configure import configure_mcp_telemetry
from mcp_obs._instrument import instrument
from mcp_obs._privacy.settings import Privacy

__all__ = ["McpAsgiMiddleware", "Privacy", "configure_mcp_telemetry", "instrument"]
