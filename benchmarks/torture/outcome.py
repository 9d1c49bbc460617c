"""What was acknowledged against what is stored, span by span."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.ids import Words, numbers_of
from benchmarks.load_report import Report
from mcp_obs_server.store import TelemetryStore

_IDS = "SELECT reinterpretAsUInt64(span_id) AS id FROM spans"
_CALLS = "SELECT toUInt64(sum(calls)) AS calls FROM {table:Identifier} WHERE grain = 'server'"


@dataclass(frozen=True)
class Sent:
    """What one round's sender knows."""

    report: Report
    acknowledged: Words
    """The numbers of exports that were answered with 200."""
    spans_per_export: int

    def spans(self) -> Words:
        """The numbers of acknowledged spans, counted from the seed."""
        within = np.arange(self.spans_per_export, dtype=np.uint64)
        return (self.acknowledged.reshape(-1, 1) * np.uint64(self.spans_per_export) + within).ravel()


@dataclass(frozen=True)
class Outcome:
    """Of all rounds on one engine, in spans."""

    acknowledged: int
    stored: int
    """Different ones, acknowledged or not."""
    duplicated: int
    lost: int
    """Acknowledged, and not there."""
    unanswered: int
    """Sent, and without an answer to the end: these may be there."""
    in_quarters: int
    in_hours: int
    refused: int
    """Answers that asked for patience: the spool was full."""

    @property
    def is_exact(self) -> bool:
        """Everything acknowledged is there once, in the spans and in both rollups, and nothing else."""
        counts = {self.acknowledged, self.stored, self.in_quarters, self.in_hours}
        return self.acknowledged > 0 and len(counts) == 1 and not (self.duplicated or self.lost)


async def outcome_of(sent: Sequence[Sent], store: TelemetryStore) -> Outcome:
    """Compare with what is in the store."""
    rows = await store.rows(_IDS, {})
    ids = np.fromiter((row["id"] for row in rows), np.uint64, len(rows))
    quarters, hours = [
        (await store.rows(_CALLS, {"table": table}))[0]["calls"]
        for table in ("operations_15m", "operations_1h")
    ]
    return compared(sent, ids, quarters, hours)


def compared(sent: Sequence[Sent], stored_ids: Words, in_quarters: int, in_hours: int) -> Outcome:
    """Every acknowledged span is looked for among the stored span ids."""
    different = np.unique(stored_ids)
    return Outcome(
        acknowledged=sum(len(each.spans()) for each in sent),
        stored=len(different),
        duplicated=len(stored_ids) - len(different),
        lost=sum(_missing(each, different) for each in sent),
        unanswered=sum(each.report.unanswered * each.spans_per_export for each in sent),
        in_quarters=in_quarters,
        in_hours=in_hours,
        refused=sum(each.report.statuses.get(status, 0) for each in sent for status in ("429", "503")),
    )


def _missing(sent: Sent, stored_ids: Words) -> int:
    return int(np.setdiff1d(sent.spans(), numbers_of(stored_ids.copy(), sent.report.seed)).size)
