"""What the engine keeps."""

from collections.abc import Iterator, Sequence

from prometheus_client import Metric

from mcp_obs_server.monitoring.families import gauge
from mcp_obs_server.store import TableSize

_BY_TABLE = ("table",)


def engine(sizes: Sequence[TableSize] | None) -> Iterator[Metric]:
    """The tables' sizes; None when the engine doesn't answer."""
    yield gauge(
        "store_up", "Whether the engine answered this scrape: 1 or 0.", (), [((), float(sizes is not None))]
    )
    yield gauge(
        "store_rows",
        "Rows that are kept.",
        _BY_TABLE,
        (((size.table,), size.rows) for size in sizes or ()),
    )
    yield gauge(
        "store_bytes",
        "Bytes that the rows take on disk.",
        _BY_TABLE,
        (((size.table,), size.bytes) for size in sizes or ()),
    )
    yield gauge(
        "store_parts",
        "Parts that the rows lie in; many mean that merges fall behind.",
        _BY_TABLE,
        (((size.table,), size.parts) for size in sizes or ()),
    )
