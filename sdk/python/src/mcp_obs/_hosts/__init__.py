"""Web applications that an MCP endpoint is part of, and that know who calls."""
