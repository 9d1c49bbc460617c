"""What an envelope holds for its spool alone is nothing to the engine."""

import pytest
from google.protobuf.message import Message

from mcp_obs_server.ingest.envelope import digest, frame
from mcp_obs_server.store import TelemetryStore
from otlp_exports import NOW, counter, export, logs_export, metrics_export


@pytest.mark.parametrize(
    ("signal", "table", "request_"),
    [
        ("traces", "spans", export(2)),
        ("metrics", "metric_points", metrics_export(counter({NOW: 1, NOW + 1: 2}))),
        ("logs", "logs", logs_export(2)),
    ],
)
async def test_the_digest_of_what_was_sent_is_passed_over(
    store: TelemetryStore, org_id: int, signal: str, table: str, request_: Message
) -> None:
    body, sent_digest = request_.SerializeToString(), digest(org_id, 1, b"as it was sent")
    envelope = b"".join(frame(org_id, 1, body, sent_digest, is_as_sent=False))
    store.insert(signal, envelope * 2, f"{signal} {org_id}")
    sql = f"SELECT count() AS stored FROM {table} WHERE org_id = {{org_id:UInt32}}"
    assert await store.rows(sql, {"org_id": org_id}) == [{"stored": 4}]
