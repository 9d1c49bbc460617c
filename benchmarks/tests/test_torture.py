"""The count that says whether something was lost has to notice when something was."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from benchmarks.bodies import ExportBody, ExportTemplate
from benchmarks.ids import SpanIds
from benchmarks.load_report import Report
from benchmarks.torture.outcome import Outcome, Sent, outcome_of
from mcp_obs_server.ingest.envelope import digest, frame
from mcp_obs_server.store import TelemetryStore

SPANS = 16
REPORT = Report(
    exports=3, spans=48, rejected_spans=0, seconds=1.0, unanswered=0, statuses={"200": 3, "503": 2},
    p50_ms=1.0, p95_ms=1.0, p99_ms=1.0, cpu_seconds=0.1, seed=2**64 - 20, started_exports=4,
)  # fmt: skip
SENT = Sent(REPORT, np.array([0, 1, 3], dtype=np.uint64), SPANS)


async def outcome(folder: Path, stored: list[int]) -> Outcome:
    """Of exports 0, 1 and 3 acknowledged, and these stored."""
    store = TelemetryStore.open(folder, timedelta(days=30))
    try:
        body = ExportBody(ExportTemplate(1, SPANS), SpanIds(REPORT.seed, SPANS))
        for position, export in enumerate(stored):
            body.renew(export)
            wire = bytes(body.wire)
            store.insert("traces", b"".join(frame(1, 1, wire, digest(1, 1, wire))), f"token {position}")
        return await outcome_of([SENT], store)
    finally:
        store.close()


async def test_what_is_stored_once_is_exact(tmp_path: Path) -> None:
    assert await outcome(tmp_path, [0, 1, 3]) == Outcome(48, 48, 0, 0, 0, 48, 48, 2)
    assert Outcome(48, 48, 0, 0, 0, 48, 48, 2).is_exact


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        ([0, 1], Outcome(48, 32, 0, 16, 0, 32, 32, 2)),
        ([0, 1, 3, 3], Outcome(48, 48, 16, 0, 0, 64, 64, 2)),
        ([0, 1, 2, 3], Outcome(48, 64, 0, 0, 0, 64, 64, 2)),
    ],
    ids=["lost", "duplicated", "more than acknowledged"],
)
async def test_anything_else_is_not(tmp_path: Path, stored: list[int], found: Outcome) -> None:
    assert await outcome(tmp_path, stored) == found
    assert not found.is_exact
