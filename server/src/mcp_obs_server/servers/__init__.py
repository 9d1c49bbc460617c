"""The MCP servers of an organisation and their API keys."""
