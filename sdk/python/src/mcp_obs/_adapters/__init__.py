"""One adapter for each line of MCP libraries."""
