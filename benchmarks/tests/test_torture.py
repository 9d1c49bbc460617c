"""The count that says whether something was lost has to notice when something was."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.ids import SpanIds
from benchmarks.load_report import Report
from benchmarks.torture.__main__ import verdict
from benchmarks.torture.outcome import Outcome, Sent, compared

SPANS = 16
REPORT = Report(
    exports=3, spans=48, rejected_spans=0, seconds=1.0, unanswered=0, statuses={"200": 3, "503": 2},
    p50_ms=1.0, p95_ms=1.0, p99_ms=1.0, cpu_seconds=0.1, seed=2**64 - 20, started_exports=4,
)  # fmt: skip
SENT = Sent(REPORT, np.array([0, 1, 3], dtype=np.uint64), SPANS)


def outcome(stored: list[int]) -> Outcome:
    """Of exports 0, 1 and 3 acknowledged, and these stored."""
    ids = [SpanIds(REPORT.seed, SPANS).of_export(export)[0] for export in stored]
    return compared([SENT], np.concatenate(ids), SPANS * len(stored), SPANS * len(stored))


def test_what_is_stored_once_is_exact() -> None:
    assert outcome([0, 1, 3]) == Outcome(48, 48, 0, 0, 0, 48, 48, 2)
    assert outcome([0, 1, 3]).is_exact


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        ([0, 1], Outcome(48, 32, 0, 16, 0, 32, 32, 2)),
        ([0, 1, 3, 3], Outcome(48, 48, 16, 0, 0, 64, 64, 2)),
        ([0, 1, 2, 3], Outcome(48, 64, 0, 0, 0, 64, 64, 2)),
    ],
    ids=["lost", "duplicated", "more than acknowledged"],
)
def test_anything_else_is_not(stored: list[int], found: Outcome) -> None:
    assert outcome(stored) == found
    assert not found.is_exact


def test_a_rollup_that_is_behind_is_not_exact() -> None:
    assert not Outcome(48, 48, 0, 0, 0, 48, 47, 2).is_exact


def test_torture_ends_with_1_when_one_engine_lost_a_span_or_no_spool_was_full() -> None:
    exact, lost, never_full = outcome([0, 1, 3]), outcome([0, 1]), replace(outcome([0, 1, 3]), refused=0)
    assert [verdict({"one": exact, "other": other}) for other in (exact, lost, never_full)] == [0, 1, 1]
