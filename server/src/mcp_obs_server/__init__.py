"""The backend of mcp-obs."""
