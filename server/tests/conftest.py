"""One store for the whole run: the embedded engine takes one folder a process."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import URL

from clickhouse_front import Front, running_front
from mcp_obs_server.kit.database_url import file_url, parse_control_url
from mcp_obs_server.store import StoreLocation, TelemetryStore
from postgresql import PostgreSQL, running_postgresql

_org_ids = count(1000)

# Tests write at fixed times, which must not age out while the calendar goes on.
_RETENTION = timedelta(days=3_650)


@pytest.fixture(scope="session")
def embedded_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TelemetryStore]:
    """A real store, shared by every test; `org_id` keeps their rows apart."""
    store = TelemetryStore.open(tmp_path_factory.mktemp("telemetry"), _RETENTION)
    yield store
    store.close()


@pytest.fixture(scope="session")
def embedded_location(embedded_store: TelemetryStore) -> StoreLocation:
    """Where that store's engine is."""
    return embedded_store.location


@pytest.fixture
def store(embedded_store: TelemetryStore) -> TelemetryStore:
    """The store that needs nothing else; the tests of the store itself run on a server too."""
    return embedded_store


@pytest.fixture(scope="session")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A ClickHouse server, as far as the store can tell."""
    with running_front(tmp_path_factory.mktemp("clickhouse")) as front:
        yield front


@pytest.fixture
def server_location(front: Front) -> StoreLocation:
    """Where that server is."""
    return front.location()


@pytest.fixture(scope="session")
def server_store(front: Front) -> Iterator[TelemetryStore]:
    """The store on that server."""
    store = TelemetryStore.open(front.location(), _RETENTION)
    yield store
    store.close()


@pytest.fixture
def cluster_location(front: Front) -> StoreLocation:
    """The same server as the only node of a cluster."""
    return front.location("clustered", cluster="main")


@pytest.fixture(scope="session")
def cluster_store(front: Front) -> Iterator[TelemetryStore]:
    """The store on that cluster."""
    store = TelemetryStore.open(front.location("clustered", cluster="main"), _RETENTION)
    yield store
    store.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """One cluster for all that only use databases of their own; whoever stops it starts another."""
    with running_postgresql() as cluster:
        yield cluster


@pytest.fixture
def control_url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """An empty control plane's; in a file with `pytestmark = EACH_DATABASE` every test has each kind."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return file_url(tmp_path)
    cluster: PostgreSQL = request.getfixturevalue("postgresql")
    return parse_control_url(cluster.new_database())


@pytest.fixture
def org_id() -> int:
    """An organisation that no other test writes to."""
    return next(_org_ids)
