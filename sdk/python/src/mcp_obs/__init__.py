"""Observability for MCP servers: one span and one duration record for every MCP operation."""

from mcp_obs._configure import configure_mcp_telemetry
from mcp_obs._instrument import instrument

__all__ = ["configure_mcp_telemetry", "instrument"]
