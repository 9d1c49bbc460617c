"""The way from the spool into the engine."""

from collections.abc import Iterator, Mapping

from prometheus_client import Metric

from mcp_obs_server.ingest.spool import Census
from mcp_obs_server.ingest.totals import CommitTotals
from mcp_obs_server.monitoring.families import counter, gauge, histogram

_BY_SIGNAL = ("signal",)


def commit(totals: Mapping[str, CommitTotals]) -> Iterator[Metric]:
    """The committers' counts."""
    each = [((signal,), total) for signal, total in totals.items()]
    yield counter(
        "ingest_duplicate_exports",
        "Exports acknowledged and not stored again, because they were stored or waiting already.",
        _BY_SIGNAL,
        ((key, total.duplicates) for key, total in each),
    )
    yield histogram(
        "spool_append_duration_seconds",
        "Writing a group of exports to the spool and syncing it.",
        _BY_SIGNAL,
        ((key, total.append_seconds) for key, total in each),
    )
    yield histogram(
        "store_insert_duration_seconds",
        "Inserting a segment into the engine, for inserts that succeeded.",
        _BY_SIGNAL,
        ((key, total.insert_seconds) for key, total in each),
    )
    yield counter(
        "store_inserted_bytes",
        "Bytes of segments inserted into the engine.",
        _BY_SIGNAL,
        ((key, total.inserted_bytes) for key, total in each),
    )
    yield counter(
        "store_insert_failures",
        "Inserts that the engine did not take; each is tried again.",
        _BY_SIGNAL,
        ((key, total.insert_failures) for key, total in each),
    )
    yield counter(
        "store_refused_exports",
        "Exports that the engine can't read, set apart in the spool's folder 'refused'.",
        _BY_SIGNAL,
        ((key, total.refused_exports) for key, total in each),
    )


def spool(
    censuses: Mapping[str, Census], waiting_bytes: Mapping[str, int], limit_bytes: int, now_nanoseconds: int
) -> Iterator[Metric]:
    """What waits on disk."""
    yield gauge(
        "spool_bytes",
        "Bytes taken and not in the engine yet.",
        _BY_SIGNAL,
        (((signal,), size) for signal, size in waiting_bytes.items()),
    )
    yield gauge(
        "spool_limit_bytes",
        "What may wait of all signals before exports are refused, one organisation's at most half.",
        (),
        [((), limit_bytes)],
    )
    yield gauge(
        "spool_segments",
        "Files of exports that wait for the engine.",
        _BY_SIGNAL,
        (((signal,), census.segments) for signal, census in censuses.items()),
    )
    yield gauge(
        "spool_oldest_age_seconds",
        "Since when the oldest segment waits; 0 when none does.",
        _BY_SIGNAL,
        (((signal,), _age(census, now_nanoseconds)) for signal, census in censuses.items()),
    )
    yield gauge(
        "spool_refused_files",
        "Files in the spool's folder 'refused', left there for a person to look at.",
        _BY_SIGNAL,
        (((signal,), census.refused) for signal, census in censuses.items()),
    )


def _age(census: Census, now_nanoseconds: int) -> float:
    if census.oldest_nanoseconds is None:
        return 0.0
    return max(now_nanoseconds - census.oldest_nanoseconds, 0) / 1e9
