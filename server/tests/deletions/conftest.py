"""A deletion rewrites every part of every table, and the store of all tests has hundreds: this one has few."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from clickhouse_front import Front
from control_plane import control
from deployment import deployment, folder
from mcp_obs_server.store import TelemetryStore

__all__ = ["control", "deployment", "folder"]


@pytest.fixture(scope="module")
def small_store(front: Front, request: pytest.FixtureRequest) -> Iterator[TelemetryStore]:
    """A database for each file."""
    database = request.node.path.stem
    store = TelemetryStore.open(front.location(database), timedelta(days=3_650))
    yield store
    store.close()


@pytest.fixture
def store(small_store: TelemetryStore) -> TelemetryStore:
    """The same for every test of a file; `org_id` keeps their rows apart."""
    return small_store
