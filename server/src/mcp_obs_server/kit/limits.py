"""Limits that every JSON route shares."""

JSON_BODY_BYTES = 64 * 1024
"""FastAPI reads a body before it asks who sent it, so strangers are held to this; ours are under 1 KiB."""
