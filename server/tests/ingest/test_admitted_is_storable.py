"""Whatever is admitted of metrics and logs is whole, and the engine stores all of it."""

import asyncio
from typing import Any

from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_obs_server.ingest.admission import Admitted, admit
from mcp_obs_server.ingest.logs import LOGS
from mcp_obs_server.ingest.metrics import METRICS
from mcp_obs_server.ingest.signal import Signal, Window
from mcp_obs_server.store import TelemetryStore
from otlp_exports import NOW, batch
from otlp_strategies import DAY, logs_requests, metrics_requests

WINDOW = Window.around(NOW, 30 * DAY)
TABLES = {METRICS: "metric_points", LOGS: "logs"}


def admitted(signal: Signal, body: bytes) -> Admitted:
    return admit(signal, body, is_json=False, window=WINDOW)


def count(signal: Signal, body: bytes) -> int:
    request: Any = signal.request.FromString(body)
    if signal is LOGS:
        return len(request.resource_logs[0].scope_logs[0].log_records)
    metrics = request.resource_metrics[0].scope_metrics[0].metrics
    kinds = ((metric, metric.WhichOneof("data")) for metric in metrics)
    return sum(len(getattr(metric, kind).data_points) for metric, kind in kinds if kind)


@settings(max_examples=100)
@given(request=st.one_of(metrics_requests(), logs_requests()))
def test_what_is_admitted_is_all_but_the_rejected_and_is_not_rejected_a_second_time(request: Message) -> None:
    signal = METRICS if isinstance(request, METRICS.request) else LOGS
    sent = request.SerializeToString()
    first = admitted(signal, sent)
    assert first.kept == count(signal, first.body)
    assert first.kept + sum(first.rejected.values()) == count(signal, sent)
    again = admitted(signal, first.body)
    assert (again.kept, again.rejected, again.body) == (first.kept, {}, first.body)


# The organisation stays the same from example to example, so what is there already is counted first.
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests=st.lists(st.one_of(metrics_requests(), logs_requests()), min_size=8, max_size=16))
def test_the_engine_stores_every_item_that_was_admitted(
    store: TelemetryStore, org_id: int, requests: list[Message]
) -> None:
    for signal, table in TABLES.items():
        bodies = [each.SerializeToString() for each in requests if isinstance(each, signal.request)]
        taken = [admitted(signal, body) for body in bodies]
        before = stored(store, table, org_id)
        stored_bodies = [signal.request.FromString(each.body) for each in taken]
        store.insert(
            signal.name,
            batch(org_id, *stored_bodies, window=WINDOW),
            f"{table} {org_id} {before} {hash(tuple(bodies))}",
        )
        assert stored(store, table, org_id) == before + sum(each.kept for each in taken)


def stored(store: TelemetryStore, table: str, org_id: int) -> int:
    sql = f"SELECT count() AS rows FROM {table} WHERE org_id = {{org_id:UInt32}}"
    return asyncio.run(store.rows(sql, {"org_id": org_id}))[0]["rows"]
