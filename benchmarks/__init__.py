"""What mcp-obs's figures come from: a load generator, the peers it is measured beside, and the tables."""
