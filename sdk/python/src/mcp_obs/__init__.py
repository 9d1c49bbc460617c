"""Observability for MCP servers."""
