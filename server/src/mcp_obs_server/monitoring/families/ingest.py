"""What was sent and became of it."""

from collections.abc import Iterator, Mapping

from prometheus_client import Metric

from mcp_obs_server.ingest.budget import Budget
from mcp_obs_server.ingest.receiver import Receiver
from mcp_obs_server.ingest.rejections import Count, Rejected
from mcp_obs_server.monitoring.families import counter, gauge, histogram

_BY_SERVER = ("signal", "organisation", "server")
_BY_REASON = (*_BY_SERVER, "reason")


def ingest(receiver: Receiver) -> Iterator[Metric]:
    """The receiver's counts, by whose they are."""
    acknowledged = receiver.acknowledged.copy()
    yield counter(
        "ingest_exports",
        "Exports acknowledged as durable, repeated ones included.",
        _BY_SERVER,
        ((key, count.exports) for key, count in acknowledged.items()),
    )
    yield counter(
        "ingest_items",
        "Spans, data points and log records acknowledged as durable.",
        _BY_SERVER,
        ((key, count.items) for key, count in acknowledged.items()),
    )
    yield counter(
        "ingest_bytes",
        "Bytes of acknowledged exports, decompressed.",
        _BY_SERVER,
        ((key, count.bytes) for key, count in acknowledged.items()),
    )
    yield histogram(
        "ingest_duration_seconds",
        "From an export's last byte until all that can be kept of it is durable.",
        ("signal",),
        (((signal,), seconds) for signal, seconds in receiver.seconds.items()),
    )


def rejections(totals: Mapping[Rejected, Count]) -> Iterator[Metric]:
    """What was not kept. Labels are empty where nobody knows whose it was, or for which signal."""
    each = [
        ((what.signal or "", what.org_id or "", what.server_id or "", what.reason), count)
        for what, count in [*totals.items()]
    ]
    yield counter(
        "ingest_refused_exports",
        "Exports refused as a whole.",
        _BY_REASON,
        ((key, count.exports) for key, count in each if count.exports),
    )
    yield counter(
        "ingest_rejected_items",
        "Items taken out of exports that were accepted otherwise.",
        _BY_REASON,
        ((key, count.items) for key, count in each if count.items),
    )


def in_flight(budget: Budget) -> Iterator[Metric]:
    """What exports hold in memory."""
    yield gauge("ingest_in_flight_bytes", "Bytes of the exports under way.", (), [((), budget.held)])
    yield gauge(
        "ingest_in_flight_limit_bytes",
        "What exports under way may hold before more are refused, one organisation's at most half.",
        (),
        [((), budget.limit)],
    )
