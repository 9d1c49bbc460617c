"""The folder that `mcp-obs run` puts on PYTHONPATH. Nothing in it needs more than the standard library."""
