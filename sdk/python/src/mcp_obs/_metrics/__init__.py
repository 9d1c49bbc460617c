"""Metrics: what is counted of operations, sessions and the process, aggregated off the request's path."""
