from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.load import Load, send
from benchmarks.load_report import percentile_ms
from benchmarks.receivers.null import running_null_receiver


@pytest.fixture
def null_receiver_port() -> Generator[int]:
    with running_null_receiver() as port:
        yield port


@pytest.mark.parametrize(("connections", "spans"), [(4, 512), (50, 1)])
def test_every_export_started_is_acknowledged_recorded_and_counted(
    null_receiver_port: int, tmp_path: Path, connections: int, spans: int
) -> None:
    record = tmp_path / "acknowledged"

    report = send(Load(null_receiver_port, seconds=0.3, connections=connections, spans=spans, record=record))

    assert report.exports >= connections
    assert report.statuses == {"200": report.exports}
    assert (report.started_exports, report.unanswered) == (report.exports, 0)
    assert report.spans == report.exports * spans
    assert sorted(np.fromfile(record, "<u8").tolist()) == list(range(report.exports))


def test_a_paced_load_sends_no_more_than_its_rate(null_receiver_port: int) -> None:
    report = send(Load(null_receiver_port, seconds=0.5, spans=16, rate=1600))

    assert 1 <= report.exports <= 51


def test_a_load_ends_with_the_export_that_is_its_last(null_receiver_port: int) -> None:
    report = send(Load(null_receiver_port, seconds=60, connections=3, spans=1, exports=10))

    assert (report.exports, report.started_exports) == (10, 10)


def test_a_load_on_nothing_says_that_nothing_was_acknowledged() -> None:
    report = send(Load(port=1, seconds=0.2, grace_seconds=0.1, connections=2))

    assert (report.exports, report.unanswered, report.p99_ms) == (0, 2, None)
    assert (report.spans_per_second, report.cpu_share) == (0, 0)
    assert set(report.statuses) == {"cut off"}


def test_a_load_is_the_same_after_its_command_line() -> None:
    load = Load(
        port=4318, header=("a: b", "c: d"), path="/x", spans=3, rate=1.5, seed=2**63, record=Path("file")
    )

    assert Load.parse(load.arguments()) == load
    assert Load.parse(["--port=1"]) == Load(port=1)


def test_percentiles_are_values_that_were_seen() -> None:
    seconds = [number / 1000 for number in range(100, 0, -1)]

    assert [percentile_ms(seconds, percent) for percent in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert percentile_ms([], 50) is None
