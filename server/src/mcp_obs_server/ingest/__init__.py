"""OTLP in: admission, group commit, spool, and the way into the store."""
