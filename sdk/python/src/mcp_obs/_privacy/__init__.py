"""What of a tool call's arguments and result leaves the process."""
