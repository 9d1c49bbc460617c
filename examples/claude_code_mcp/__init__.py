"""An MCP server that finds a command-line agent, runs sessions of it and keeps checkpoints of them."""
