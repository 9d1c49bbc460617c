"""mcp-obs itself observed: is it alive, is it ready, and what has it done since it started."""
