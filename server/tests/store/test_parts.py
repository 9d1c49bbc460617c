from collections.abc import Callable

import pytest
from google.protobuf.message import Message
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from mcp_obs_server.store import TelemetryStore
from otlp_exports import NOW, batch, counter, export, logs_export, metrics_export

_MEBIBYTE = 2**20
_NOTE = {"note": "x" * _MEBIBYTE}
_COUNT = 11


def _metrics() -> list[Metric]:
    return [counter({NOW: 1}, name=f"mcp.errors.{number}", attributes=_NOTE) for number in range(_COUNT)]


@pytest.mark.parametrize(
    ("signal", "table", "large"),
    [
        ("traces", "spans", lambda: export(_COUNT, attributes=_NOTE)),
        ("metrics", "metric_points", lambda: metrics_export(*_metrics())),
        ("logs", "logs", lambda: logs_export(_COUNT, attributes=_NOTE)),
    ],
)
async def test_a_large_insert_writes_one_file_for_all_columns(
    store: TelemetryStore, org_id: int, signal: str, table: str, large: Callable[[], Message]
) -> None:
    store.insert(signal, batch(org_id, large()), f"large-{org_id}")

    parts = await store.rows(
        "SELECT DISTINCT part_type, data_uncompressed_bytes > {least:UInt64} AS is_large FROM system.parts"
        " WHERE database = currentDatabase() AND table = {table:String} AND name IN"
        f" (SELECT _part FROM {table} WHERE org_id = {{org_id:UInt32}})",
        # From here on a part was wide.
        {"org_id": org_id, "table": store.layout.stored(table), "least": 10 * _MEBIBYTE},
    )
    assert parts == [{"part_type": "Compact", "is_large": 1}]
