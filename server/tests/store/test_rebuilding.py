"""Several processes share a server, so one may insert while another brings the views to its version."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from clickhouse_front import Front
from mcp_obs_server.store import StoreUnavailableError, TelemetryStore
from mcp_obs_server.store.engine import Engine
from mcp_obs_server.store.migrations import rebuild_views
from otlp_exports import batch, export


def insert_until(stop: threading.Event, store: TelemetryStore, seed: int) -> tuple[int, int]:
    """How many inserts were stored, each repeated until it was, and how often one was refused."""
    stored = refused = 0
    while not stop.is_set():
        number = seed + stored
        while True:
            try:
                store.insert("traces", batch(1, export(1, seed=number)), str(number))
                break
            except StoreUnavailableError:
                refused += 1
        stored += 1
    return stored, refused


@pytest.mark.parametrize("cluster", [None, "main"])
def test_an_insert_beside_a_rebuild_of_the_views_is_stored_whole_and_once(
    front: Front, org_id: int, cluster: str | None
) -> None:
    location = front.location(f"rebuilt_{org_id}", cluster)
    stores = [TelemetryStore.open(location, timedelta(days=3_650)) for _ in range(2)]
    engine = Engine.connect(location)
    stop = threading.Event()
    with ThreadPoolExecutor() as pool:
        inserting = [
            pool.submit(insert_until, stop, store, 1_000_000 * number)
            for number, store in enumerate(stores, 1)
        ]
        try:
            for _ in range(5):
                rebuild_views(engine)
        finally:
            stop.set()
    stored, refused = (sum(each.result()[part] for each in inserting) for part in (0, 1))
    assert engine.rows(
        "SELECT (SELECT count() FROM spans) AS spans, (SELECT sum(calls) FROM operations_15m) / 2 AS quarters,"
        " (SELECT sum(calls) FROM operations_1h) / 2 AS hours"
    ) == [{"spans": stored, "quarters": stored, "hours": stored}]
    assert refused > 0
    engine.command(f"DROP DATABASE {location.database}")
    engine.close()
    for store in stores:
        store.close()
