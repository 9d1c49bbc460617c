"""What the SDK's suites share: real servers, real clients, a real collector, and a recording in memory."""
