"""What is measured: mcp-obs and its peers, each started on an empty folder and asked afterwards what it has stored."""
