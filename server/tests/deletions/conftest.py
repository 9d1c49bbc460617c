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
def cluster(request: pytest.FixtureRequest) -> str | None:
    """The cluster that the store is on: none, unless a test says otherwise."""
    return getattr(request, "param", None)


@pytest.fixture(scope="module")
def small_store(
    front: Front, request: pytest.FixtureRequest, cluster: str | None
) -> Iterator[TelemetryStore]:
    """A database for each file."""
    database = f"{request.node.path.stem}_{cluster}"
    store = TelemetryStore.open(front.location(database, cluster), timedelta(days=3_650))
    yield store
    store.close()


@pytest.fixture
def store(small_store: TelemetryStore) -> TelemetryStore:
    """The same for every test of a file; `org_id` keeps their rows apart."""
    return small_store
