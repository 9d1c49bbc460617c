"""What the embedded engine has no Keeper and no network for, and what it runs instead."""

import re

_ON_CLUSTER = re.compile(rb" ON CLUSTER '[^']*'")
_REPLICATED = re.compile(rb"ENGINE = Replicated(\w+)\('/clickhouse/[^']*', '[^']*'(?:, )?")
_WINDOW = re.compile(rb"\breplicated_deduplication_window\b")


def without_keeper(statement: bytes) -> bytes:
    """A statement for a cluster, as it is for its only node."""
    if not statement.lstrip().startswith((b"CREATE", b"ALTER", b"DROP")):
        return statement
    statement = _ON_CLUSTER.sub(b"", statement)
    statement = _REPLICATED.sub(rb"ENGINE = \1(", statement)
    return _WINDOW.sub(b"non_replicated_deduplication_window", statement)
