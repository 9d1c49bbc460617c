"""What recording costs an MCP server: mcp-obs beside OpenTelemetry's own ways and the peers that install."""
