"""`mcp-obs doctor`: whether what a server records arrives, and what would leave its process."""
